"""``tune`` and ``decide``: from files to a policy and to decisions, against NumPy and in every unlucky case."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet

from tests import ROOT
from tests.prediction_files import calibrated, npz, random_probs
from uqcore.cli.main import main
from uqcore.predictions import Predictions, read_predictions, write_npz
from uqcore.selection import split_calibration
from uqcore.selection.policy import ThresholdPolicy
from uqcore.text import fine_percent
from uqcore.tuning import ROUND_RISKS, Goal, study, tune
from uqcore.types import FloatArray

K = 3
KEYS = {
    "threshold", "measure", "coverage", "risk", "risk_bound", "delta", "n_calibration", "n_test", "test_risk",
    "test_coverage", "certified", "n_examples", "n_classes", "class_names", "accuracy",
}  # fmt: skip


A_GOAL = (
    "--target-risk, e.g. --target-risk 0.01, or another goal: --smallest, --precision, --coverage, --budget or "
    "--costs. Received none."
)


class Files:
    """A folder with the same predictions as ``mine.npz``, ``mine.csv`` and ``mine.parquet``, and commands in it."""

    def __init__(self, folder: Path, predictions: Predictions, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.predictions, self._capsys = folder, predictions, capsys
        write_npz(predictions, folder / "mine.npz")

    def write_tables(self) -> None:
        columns = {f"p_{k}": pa.array(self.predictions.values[0, :, k]) for k in range(K)}
        columns |= {"label": pa.array(self.predictions.labels), "ood": pa.array(self.predictions.ood)}
        pa_csv.write_csv(pa.table(columns), self.folder / "mine.csv")
        parquet.write_table(pa.table(columns), self.folder / "mine.parquet")

    def run(self, command: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr; names that end in a dot and letters are files of the folder."""
        words = command.split()
        files = {i: str(self.folder / word) for i, word in enumerate(words) if Path(word).suffix[1:].isalpha()}
        code = main([files.get(i, word) for i, word in enumerate(words)])
        out, err = self._capsys.readouterr()
        shown = [line for line in err.splitlines(keepends=True) if not line.startswith(("reading ", "warning: "))]
        return code, out, "".join(shown)

    def tuned(self, command: str) -> dict[str, Any]:
        """What ``tune mine.npz --json`` prints."""
        code, out, err = self.run(f"tune mine.npz --json {command}")
        assert (code, err) == (0, "")
        return parsed(out)

    def policy(self, command: str, name: str = "policy.json") -> ThresholdPolicy:
        self.tuned(f"{command} --out {name}")
        return ThresholdPolicy.load(self.folder / name)

    def refused(self, command: str) -> str:
        """The sentence that a command ends with; a file is neither left nor half-written."""
        before = sorted(self.folder.iterdir())
        code, out, err = self.run(command)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert err.startswith("error: ")
        assert err.endswith(".\n")
        assert sorted(self.folder.iterdir()) == before
        return err


@pytest.fixture
def files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Files:
    return Files(tmp_path, calibrated(2000, 300), capsys)


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def parsed(text: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(text, parse_constant=refuse_constant)
    assert row.keys() > KEYS
    return row


def entropy(probs: FloatArray) -> FloatArray:
    exact = probs.astype(np.float64)
    return -np.sum(exact * np.log(np.maximum(exact, 1e-300)), axis=-1)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def test_the_numbers_are_those_of_a_recount(files: Files) -> None:
    row, predictions = files.tuned("--target-risk 0.25 --delta 0.1 --seed 4"), files.predictions
    assert predictions.ood is not None
    probs = predictions.values[0]
    measure, wrong = entropy(probs), probs.argmax(axis=1) != predictions.labels
    parts = split_calibration(len(probs), 0.5, 4, predictions.ood)
    calibration, test = (part[~predictions.ood[part]] for part in parts)
    ood = parts[1][predictions.ood[parts[1]]]
    assert (row["n_calibration"], row["n_test"]) == (len(calibration), len(test)) == (1000, 1000)
    for prefix, part in (("", calibration), ("test_", test)):
        accepted = measure[part] <= row["threshold"]
        assert 0 < accepted.sum() < len(part)
        assert row[f"{prefix}coverage"] == accepted.mean()
        assert row[f"{prefix}risk"] == pytest.approx(wrong[part][accepted].mean())
    assert row["test_ood_accepted"] == pytest.approx(np.mean(measure[ood] <= row["threshold"]))
    assert row["risk"] < row["risk_bound"] == 0.25
    assert (row["delta"], row["certified"], row["measure"]) == (0.1, True, "predictive_entropy")
    assert row["thresholds"] == [row["threshold"]]


def test_ood_examples_do_not_count_as_errors(files: Files) -> None:
    """OOD that is surer than all others, and half of the file: were it wrong, no risk below 1 could be certified."""
    known = calibrated(1000)
    probs = np.concatenate([known.values[0], np.tile(np.array([1, 0, 0], np.float32), (1000, 1))])
    assert known.labels is not None
    labels = np.concatenate([known.labels, np.ones(1000, np.int64)])
    (files.folder / "mine.npz").write_bytes(npz(probs=probs, labels=labels, ood=np.arange(2000) >= 1000))
    for method in ("ltt", "sgr"):
        row = files.tuned(f"--target-risk 0.3 --method {method}")
        assert (row["certified"], row["n_calibration"], row["n_test"]) == (True, 500, 500)
        assert row["risk"] <= 0.3
        assert row["test_ood_accepted"] == 1
    assert files.tuned("--method cost --deferral-cost 0.3")["test_ood_accepted"] == 1
    priced = files.tuned("--method cost --deferral-cost 0.3 --ood-cost 9 --ood-share 0.5")
    assert (priced["threshold"], priced["test_ood_accepted"]) == ("defer all", 0)


@pytest.mark.parametrize("method", ["--target-risk 0.3", "--method cost --per-class"])
def test_every_kind_of_file_gives_the_same_policy(files: Files, method: str) -> None:
    files.write_tables()
    policies = {}
    for kind in ("npz", "csv", "parquet"):
        code, _, err = files.run(f"tune mine.{kind} {method} --out {kind}.json")
        assert (code, err) == (0, "")
        policies[kind] = json.loads((files.folder / f"{kind}.json").read_text())
        assert len(policies[kind].pop("created")) == 10
    assert policies["npz"] == policies["csv"] == policies["parquet"]
    assert policies["npz"]["fingerprint"] == files.predictions.fingerprint


@pytest.mark.parametrize(
    "command",
    [
        "--target-risk 0.3",
        "--target-risk 0.35 --per-class --measure margin",
        "--method cost --measure least_confidence",
        "--target-risk 0.0001",
        "--target-risk 0.9",
    ],
)
def test_what_is_tuned_decides_as_the_policy_does(files: Files, command: str) -> None:
    policy, probs = files.policy(command), files.predictions.values[0]
    code, out, err = files.run("decide mine.npz --policy policy.json")
    rows, accept = rows_of(out), policy.decide(probs)
    assert code == 0
    assert [row["decision"] == "accept" for row in rows] == accept.tolist()
    assert {row["decision"] for row in rows} <= {"accept", "defer"}
    assert [int(row["example"]) for row in rows] == list(range(len(probs)))
    assert [int(row["predicted"]) for row in rows] == probs.argmax(axis=1).tolist()
    assert err == f"{accept.sum():,} of 2,300 accepted, {2300 - accept.sum():,} deferred\n"
    assert files.run("decide mine.npz --policy policy.json --out decisions.csv") == (0, "", err)
    assert rows_of((files.folder / "decisions.csv").read_text()) == rows


def test_samples_are_decided_by_their_own_measure(files: Files) -> None:
    predictions = calibrated(600, n_samples=4)
    write_npz(predictions, files.folder / "mine.npz")
    policy = tune(study(predictions, "mutual_information"), Goal("coverage", 0.5)).policy
    policy.save(files.folder / "policy.json")
    accept = policy.decide(predictions.values)
    rows = rows_of(files.run("decide mine.npz --policy policy.json")[1])
    assert [row["decision"] == "accept" for row in rows] == accept.tolist()
    assert 0 < np.count_nonzero(accept) < len(accept)


def test_the_policy_is_saved_whole_and_replaces_another(files: Files) -> None:
    (files.folder / "policy.json").write_text("old")
    row = files.tuned("--target-risk 0.3 --out policy.json")
    assert sorted(path.name for path in files.folder.iterdir()) == ["mine.npz", "policy.json"]
    policy = ThresholdPolicy.load(files.folder / "policy.json")
    assert policy.thresholds == (row["threshold"],)
    assert (policy.coverage, policy.risk) == (
        (row["test_coverage"], *row["test_coverage_interval"]),
        (row["test_risk"], *row["test_risk_interval"]),
    )
    assert (policy.procedure, policy.delta, policy.n_test) == (row["procedure"], row["delta"], row["n_test"])


def outcomes(files: Files, right: bool) -> None:
    probs = random_probs(400, K)
    labels = (probs.argmax(axis=1) + (0 if right else 1)) % K
    (files.folder / "mine.npz").write_bytes(npz(probs=probs, labels=labels))


def test_where_all_are_right_the_threshold_is_in_words(files: Files) -> None:
    outcomes(files, right=True)
    row = files.tuned("--target-risk 0.05")
    assert (row["threshold"], row["coverage"], row["risk"], row["certified"]) == ("accept all", 1, 0, True)
    assert (row["test_ood_accepted"], row["n_needed"]) == (None, None)
    assert files.policy("--target-risk 0.05").thresholds == (math.inf,)


def test_where_nothing_is_accepted_the_risk_is_null(files: Files) -> None:
    outcomes(files, right=False)
    row = files.tuned("--target-risk 0.05")
    assert (row["threshold"], row["coverage"], row["certified"]) == ("defer all", 0, False)
    assert [row[name] for name in ("risk", "test_risk", "risk_bound")] == [None] * 3
    assert row["test_risk_interval"] == [0, 1]
    assert files.policy("--target-risk 0.05").risk is None
    code, out, err = files.run("tune mine.npz --target-risk 0.05")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        row["promise"],
        "Threshold on predictive_entropy: defer all",
        "On 200 held-out examples it accepts 0.00% (0.00% to 1.83%).",
    ]


def test_too_few_examples_say_how_many_are_needed(files: Files) -> None:
    probs = random_probs(40, K)
    (files.folder / "mine.npz").write_bytes(npz(probs=probs, labels=probs.argmax(axis=1)))
    row = files.tuned("--target-risk 0.05")
    assert not row["certified"]
    assert 59 <= row["n_needed"] <= 1.1 * 59
    assert f"about {row['n_needed']} would be needed" in row["promise"]


def test_per_class_there_is_no_single_threshold(files: Files) -> None:
    row = files.tuned("--target-risk 0.4 --per-class")
    assert row["threshold"] is None
    assert len(row["thresholds"]) == K
    assert (row["certified"], row["risk_bound"], row["n_needed"]) == (True, 0.4, None)


def test_two_classes(files: Files) -> None:
    write_npz(calibrated(400, n_classes=2), files.folder / "mine.npz")
    row = files.tuned("--target-risk 0.25 --measure bernoulli_variance")
    assert row["certified"]
    assert 0 < row["threshold"] < 0.25


def test_a_cost_promises_no_risk(files: Files) -> None:
    code, out, err = files.run("tune mine.npz --method cost --target-risk 0.01 --json")
    assert (code, err) == (0, "note: --method cost looks at costs alone and takes no --target-risk.\n")
    row = parsed(out)
    assert (row["certified"], row["risk_bound"], row["delta"]) == (False, None, None)
    assert row == files.tuned("--method cost")


def test_people_read_sentences(files: Files) -> None:
    row = files.tuned("--target-risk 0.3")
    code, out, err = files.run("tune mine.npz --target-risk 0.3")
    read, promise, threshold, held_out, ood = out.splitlines()
    assert read.startswith("2,300 examples, 300 of them unseen (OOD), 3 classes: '0' ")
    assert f"; accuracy {fine_percent(row['accuracy'])}, where always naming the largest class has " in read
    assert (code, err, promise) == (0, "", row["promise"])
    assert threshold == f"Threshold on predictive_entropy: {row['threshold']}"
    assert f"held-out examples it accepts {row['test_coverage']:.2%} (" in held_out
    assert f" of them wrong: {row['test_risk']:.3%} (" in held_out
    assert ood == f"It lets {row['test_ood_accepted']:.2%} of the OOD examples through."


def test_what_was_guessed_is_said_on_stderr(files: Files) -> None:
    assert files.predictions.labels is not None
    transposed = npz(probs=files.predictions.values[0].T, labels=files.predictions.labels % K, extra=np.zeros(2))
    (files.folder / "odd.npz").write_bytes(transposed)
    notes = (
        "note: Arrays that mean nothing here were left out: 'extra.npy'.\n"
        "note: `probs` of shape (3, 2300) was read as (classes, examples), the only order that fits; check the "
        "result.\n"
    )
    code, out, err = files.run("tune odd.npz --target-risk 0.9 --json --out policy.json")
    assert (code, err) == (0, notes)
    parsed(out)
    code, out, err = files.run("decide odd.npz --policy policy.json")
    assert code == 0
    assert err.startswith(notes)
    assert len(rows_of(out)) == 2300


def test_rows_that_do_not_sum_to_one_name_the_option(files: Files) -> None:
    assert files.predictions.labels is not None
    (files.folder / "odd.npz").write_bytes(
        npz(probs=2 * files.predictions.values[0], labels=files.predictions.labels % K)
    )
    for command in ("tune odd.npz --target-risk 0.3", "decide odd.npz --policy policy.json"):
        files.policy("--target-risk 0.3")
        assert files.refused(command).endswith("or have them normalised with --normalize.\n")
        code, _, err = files.run(f"{command} --normalize")
        assert code == 0
        assert err.startswith("note: Rows of `probs` did not sum to 1 and were divided by their sums.\n")


def test_formulas_are_neutralised(files: Files) -> None:
    files.policy("--target-risk 0.3")
    names = ["=cmd()", "+1", "cat"]
    probs, labels = random_probs(30, K), np.arange(30) % K
    (files.folder / "formulas.npz").write_bytes(npz(probs=probs, labels=labels, class_names=np.array(names)))
    safe = ["'=cmd()", "'+1", "cat"]
    for row, example, label in zip(
        rows_of(files.run("decide formulas.npz --policy policy.json")[1]), probs, labels, strict=True
    ):
        assert (row["predicted"], row["label"]) == (safe[example.argmax()], safe[label])


def test_decisions_need_no_labels(files: Files) -> None:
    policy, probs = files.policy("--target-risk 0.3"), random_probs(20, K, seed=5)
    (files.folder / "new.npz").write_bytes(npz(probs=probs))
    rows = rows_of(files.run("decide new.npz --policy policy.json")[1])
    assert list(rows[0]) == ["example", "predicted", "measure", "decision"]
    assert [row["decision"] == "accept" for row in rows] == policy.decide(probs).tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", f"--method ltt needs {A_GOAL}"),
        ("--method sgr", f"--method sgr needs {A_GOAL}"),
        ("--target-risk 0", "`target_risk` must be between 0 and 1, both excluded. Received: 0.0."),
        ("--target-risk nan", "`target_risk` must be between 0 and 1, both excluded. Received: nan."),
        ("--target-risk 0.1 --delta 1", "`delta` must be between 0 and 1, both excluded. Received: 1.0."),
        ("--target-risk 0.1 --measure magic", "Unknown measure 'magic'. Known measures: entropy, predictive_entropy,"),
        ("--target-risk 0.1 --measure mutual_information", "Expected a measure that mine.npz has: predictive_entropy,"),
        ("--target-risk 0.1 --measure bernoulli_variance", "Received: bernoulli_variance."),
        ("--target-risk 0.1 --calibration-share 1", "must be between 0 and 1, both excluded. Received: 1.0."),
        ("--target-risk 0.1 --seed -1", "The seed must be 0 or more. Received: -1."),
        ("--method cost --ood-share 2", "`ood_share` must be from 0 to 1. Received: 2.0."),
        ("--method cost --error-cost nan", "Every cost must be a finite number."),
        ("--target-risk 0.1 --out absent/policy.json", "cannot be written (No such file or directory); name another"),
        ("--target-risk 0.1 --out mine.npz/policy.json", "cannot be written (Not a directory); name another"),
    ],
)
def test_an_error_of_tune_is_one_sentence(files: Files, arguments: str, message: str) -> None:
    assert message in files.refused(f"tune mine.npz {arguments}")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "This needs labels, to know which predictions are right. Received predictions without them."),
        (
            {"labels": np.zeros(9), "ood": np.ones(9, bool)},
            "Received 0 of them at a calibration share of 0.5; use more",
        ),
        (
            {"labels": np.zeros(9), "ood": np.arange(9) > 0},
            "Received 1 of them at a calibration share of 0.5; use more",
        ),
        ({"labels": np.full(9, 7)}, "Expected labels from 0 to 2"),
    ],
)
def test_a_file_that_cannot_be_tuned_on_is_one_sentence(
    files: Files, arrays: dict[str, np.ndarray], message: str
) -> None:
    (files.folder / "few.npz").write_bytes(npz(probs=random_probs(9, K), **arrays))
    assert message in files.refused("tune few.npz --target-risk 0.1")
    if "labels" not in arrays:
        assert message in files.refused("tune few.npz --method cost --per-class")


def test_an_assumed_share_of_ood_needs_ood(files: Files) -> None:
    outcomes(files, right=True)
    assert "An `ood_share` of 0.1 needs OOD examples" in files.refused("tune mine.npz --method cost --ood-share 0.1")


def test_an_error_of_decide_is_one_sentence(files: Files) -> None:
    decide = "decide {} --policy policy.json"
    assert "The policy cannot be read: " in files.refused(decide.format("mine.npz"))
    files.policy("--target-risk 0.3")
    assert "absent.npz cannot be read (No such file or directory)" in files.refused(decide.format("absent.npz"))
    (files.folder / "four.npz").write_bytes(npz(probs=random_probs(9, 4)))
    assert "The policy is for 3 classes, and " in files.refused(decide.format("four.npz"))
    assert "four.npz has 4; use a policy that was tuned on" in files.refused(decide.format("four.npz"))
    for place, problem in (("absent/d.csv", "No such file or directory"), ("folder.d", "Is a directory")):
        (files.folder / "folder.d").mkdir(exist_ok=True)
        sentence = files.refused(f"{decide.format('mine.npz')} --out {place}")
        assert sentence.endswith(f"{place} cannot be written ({problem}); name another place with --out.\n")
    (files.folder / "policy.json").write_text("{}")
    assert "policy.json is not a policy that can be used: " in files.refused(decide.format("mine.npz"))


def test_a_policy_on_a_measure_that_the_predictions_lack_is_refused(files: Files) -> None:
    write_npz(calibrated(400, n_samples=3), files.folder / "mine.npz")
    files.policy("--target-risk 0.5 --measure mutual_information")
    (files.folder / "one.npz").write_bytes(npz(probs=random_probs(9, K)))
    sentence = files.refused("decide one.npz --policy policy.json")
    assert "Expected a measure that one.npz has: predictive_entropy, " in sentence
    assert "Received: mutual_information." in sentence


@pytest.mark.parametrize("arguments", ["tune", "tune a.npz --method magic", "decide a.npz", "tune a.npz --delta x"])
def test_what_argparse_refuses_exits_with_2(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments.split())
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err.splitlines()[-1]


def test_a_link_is_followed_and_a_pipe_is_written_to_not_replaced(files: Files) -> None:
    expected = files.policy("--target-risk 0.3")
    (files.folder / "link.json").symlink_to("policy.json")
    os.mkfifo(files.folder / "fifo.json")
    reader = os.open(files.folder / "fifo.json", os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.policy("--target-risk 0.3", "link.json")
        assert files.run("tune mine.npz --target-risk 0.3 --out fifo.json")[0] == 0
        assert ThresholdPolicy.from_json(os.read(reader, 2**16)) == expected
    finally:
        os.close(reader)
    assert (files.folder / "link.json").is_symlink()
    assert (files.folder / "fifo.json").is_fifo()
    assert ThresholdPolicy.load(files.folder / "policy.json") == expected


def test_a_disk_that_is_full_leaves_the_file_as_it_was(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.policy("--target-risk 0.3")
    (files.folder / "decisions.csv").write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("uqcore.cli.thresholds.decisions_csv", full)
    sentence = files.refused("decide mine.npz --policy policy.json --out decisions.csv")
    assert sentence.endswith(
        "decisions.csv cannot be written (No space left on device); name another place with --out.\n"
    )
    assert (files.folder / "decisions.csv").read_text() == "old"


def test_a_reader_that_has_seen_enough_is_no_error(files: Files) -> None:
    """As in ``decide … | head``: a process of its own, whose pipe is closed after the first line."""
    files.policy("--target-risk 0.3")
    (files.folder / "many.npz").write_bytes(npz(probs=random_probs(20_000, K)))  # more than a pipe holds
    command = [sys.executable, "-m", "uqcore", "decide", "many.npz", "--policy", "policy.json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=files.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == '"example","predicted","measure","decision"\n'
        process.stdout.close()
        assert process.stderr.read().endswith("deferred\n")
    assert process.returncode == 0


def test_the_file_holds_the_predictions(files: Files) -> None:
    """The premise of the tests above."""
    back = read_predictions(files.folder / "mine.npz", "mine.npz")
    assert back.fingerprint == files.predictions.fingerprint


def named(predictions: Predictions) -> dict[str, list[Any]]:
    """The predictions as a table of three named classes, with ids and groups, for the options that say so."""
    assert predictions.labels is not None
    columns: dict[str, list[Any]] = {"customer": [f"c{i}" for i in range(len(predictions))]}
    columns |= {f"{name}-chance": predictions.values[0, :, k].tolist() for k, name in enumerate(("a", "b", "c"))}
    columns |= {"verdict": ["abc"[k] for k in predictions.labels], "shop": ["x", "y"] * (len(predictions) // 2)}
    return columns


def test_options_say_what_the_columns_are_and_the_policy_remembers(files: Files) -> None:
    predictions = calibrated(2000)
    write_npz(predictions, files.folder / "mine.npz")
    columns = named(predictions)
    pa_csv.write_csv(pa.table(columns), files.folder / "odd.csv")
    expected = files.tuned("--target-risk 0.3")
    options = "--probs *-chance --classes a,b,c --label verdict --group shop --id customer"
    code, out, err = files.run(f"tune odd.csv --target-risk 0.3 --json --out policy.json {options}")
    row = parsed(out)
    assert code == 0
    assert (row["n_examples"], row["n_classes"], row["class_names"]) == (2000, 3, ["a", "b", "c"])
    assert {**row, "class_names": ["0", "1", "2"]} == expected
    assert row["accuracy"] == np.mean(predictions.predicted == predictions.labels)
    assert err == (
        "note: Read 'a-chance', 'b-chance', 'c-chance' as probabilities, 'verdict' as the label, 'shop' as the group, "
        "'customer' as the id.\n"
    )
    policy = ThresholdPolicy.load(files.folder / "policy.json")
    assert policy.roles == {
        "kind": "probs",
        "values": ["a-chance", "b-chance", "c-chance"],
        "classes": ["a", "b", "c"],
        "label": "verdict",
        "group": "shop",
        "ids": ["customer"],
    }
    # The next file has its columns in another order and no labels; it is read as the policy says.
    new = {name: columns[name] for name in ("c-chance", "shop", "a-chance", "customer", "b-chance")}
    pa_csv.write_csv(pa.table(new), files.folder / "new.csv")
    code, out, _ = files.run("decide new.csv --policy policy.json")
    rows = rows_of(out)
    assert code == 0
    assert list(rows[0]) == ["example", "customer", "predicted", "measure", "decision"]
    assert [row["customer"] for row in rows] == columns["customer"]
    assert [row["predicted"] for row in rows] == ["abc"[k] for k in predictions.predicted]
    assert [row["decision"] == "accept" for row in rows] == policy.decide(predictions.values[0]).tolist()
    pa_csv.write_csv(pa.table({"p": [0.5], "q": [0.5]}), files.folder / "other.csv")
    assert files.refused("decide other.csv --policy policy.json").endswith("or logits with --probs.\n")


def test_labels_come_from_a_file_of_their_own(files: Files) -> None:
    predictions = calibrated(2000)
    write_npz(predictions, files.folder / "mine.npz")
    expected = files.tuned("--target-risk 0.3")
    np.save(files.folder / "proba.npy", predictions.values[0])
    assert predictions.labels is not None
    np.save(files.folder / "y.npy", predictions.labels)
    pa_csv.write_csv(pa.table({"": np.arange(2000), "target": predictions.labels}), files.folder / "y.csv")
    for labels in ("y.npy", "y.csv"):
        code, out, err = files.run(f"tune proba.npy --target-risk 0.3 --json --label {labels}")
        assert (code, err) == (0, "note: The numbers were read as probabilities.\n")
        assert parsed(out) == expected
    np.save(files.folder / "few.npy", np.zeros(7, int))
    assert "with 7 examples. Received: (2000, 3)" in files.refused("tune proba.npy --target-risk 0.3 --label few.npy")
    pa_csv.write_csv(pa.table({f"p_{k}": predictions.values[0, :, k] for k in range(3)}), files.folder / "p.csv")
    assert "7 labels and 2,000 predictions" in files.refused("tune p.csv --target-risk 0.3 --label few.npy")


def test_what_is_unclear_names_the_option(files: Files) -> None:
    (files.folder / "two.csv").write_text("rf_prob,nn_prob,y\n0.2,0.3,1\n0.7,0.1,0\n")
    assert files.refused("tune two.csv --target-risk 0.3").endswith(
        "those of 2: 'rf', 'nn'; say whose with --model, or compare them: python -m uqcore compare FILE.\n"
    )
    (files.folder / "who.csv").write_text("p,y\n0.2,cat\n0.7,dog\n")
    assert files.refused("tune who.csv --target-risk 0.3").endswith("of the columns with --classes.\n")
    (files.folder / "ys.csv").write_text("p_0,p_1,label,labels\n0.2,0.8,1,0\n")
    assert files.refused("tune ys.csv --target-risk 0.3").endswith("'label', 'labels'; say which with --label.\n")
    assert "Expected the name of a column. Received 'z'" in files.refused("tune ys.csv --target-risk 0.3 --label z")


def test_warnings_go_to_stderr(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes(files, right=True)
    assert main(["tune", str(files.folder / "mine.npz"), "--target-risk", "0.05"]) == 0
    assert "warning: Every label is the most probable class: check that the labels" in capsys.readouterr().err


def test_compare_several_models_and_files(files: Files) -> None:
    files.write_tables()
    values, labels = files.predictions.values[0], files.predictions.labels
    assert labels is not None
    known = labels >= 0
    columns = {f"{model}_{k}": values[known, k] for model in ("a", "b") for k in range(K)}
    columns |= {f"b_{k}": values[known][::-1, k] for k in range(K)}
    pa_csv.write_csv(pa.table({**columns, "label": labels[known]}), files.folder / "two.csv")
    code, out, _ = files.run("compare two.csv --target-risk 0.3 --json")
    assert code == 0
    row = json.loads(out, parse_constant=refuse_constant)
    assert [one["name"] for one in row["models"]] == ["a", "b"]
    assert [one["certified"] for one in row["models"]] == [True, False]
    accuracy = next(pair for pair in row["pairs"] if pair["quantity"] == "accuracy")
    assert accuracy["told_apart"]
    assert accuracy["difference"] > accuracy["interval"][0] > 0
    code, out, _ = files.run("compare mine.csv mine.npz --coverage 0.7")
    assert code == 0
    assert "wrong at the same coverage: mine.csv and mine.npz cannot be told apart: +0.00 points" in out
    assert "Holm" in out
    _, alone, _ = files.run("tune two.csv --model a --target-risk 0.3 --json")
    assert parsed(alone)["n_examples"] == np.count_nonzero(known)
    assert "two models or more. Received 1" in files.refused("compare mine.csv --coverage 0.7")
    assert "mine.csv twice; leave one out" in files.refused("compare mine.csv mine.csv mine.csv --coverage 0.7")
    assert "Received --smallest" in files.refused("compare two.csv --smallest")
    assert "Received --model" in files.refused("compare two.csv --coverage 0.7 --model a")


def test_goals_of_the_command_line(files: Files) -> None:
    def tuned(options: str) -> dict[str, Any]:
        code, out, err = files.run(f"tune mine.npz --json {options}")
        assert code == 0, err
        return parsed(out)

    budget = tuned("--budget 200/1000")
    assert budget["coverage"] > 0.8
    assert "Defer at most 200 of 1,000 examples on average" in budget["promise"]
    assert 0.7 <= tuned("--coverage 0.7")["coverage"] < 0.71
    assert "at most 20 % that can be certified. None can on 1,000" in files.refused("tune mine.npz --smallest")
    sure = np.random.default_rng(0).uniform(0.5, 1, 2000).round(4)
    right = np.random.default_rng(1).random(2000) < sure**0.2
    np.savez(files.folder / "sure.npz", probs=np.column_stack([sure, 1 - sure]), labels=1 - right)
    code, out, _ = files.run("tune sure.npz --smallest --json")
    assert code == 0
    assert parsed(out)["target_risk"] in ROUND_RISKS
    assert "8 figures share the 5 %" in parsed(out)["promise"]
    precise = tuned("--precision 0.6 --positive 2")
    assert precise["thresholds"][:2] == ["defer all", "defer all"]
    assert 0 < precise["recall_interval"][0] < precise["recall"] < precise["recall_interval"][1] < 1
    (files.folder / "costs.csv").write_text("truth,2,1,0\n0,1,1,0\n1,1,0,1\n2,0,9,9\n")
    assert "1 to 9 an error" in tuned("--costs costs.csv --deferral-cost 0.3")["promise"]
    assert files.refused("tune mine.npz --coverage 0.7 --target-risk 0.1") == (
        "error: Expected one goal. Received --target-risk and --coverage; choose one.\n"
    )
    assert "N/M, at most N of M" in files.refused("tune mine.npz --budget 20")
    assert "N/M, at most N of M" in files.refused("tune mine.npz --budget 30/20")
    assert "--positive must be one of the classes '0', '1', '2'" in files.refused("tune mine.npz --precision 0.6")


def test_thresholds_by_group_are_applied_to_another_file(files: Files) -> None:
    predictions = files.predictions
    group = np.array(["north", "south"])[np.arange(len(predictions)) % 2]
    whole = {f"p_{k}": predictions.values[0, :, k] for k in range(K)}
    assert predictions.labels is not None
    known = np.where(predictions.labels < 0, 0, predictions.labels)
    pa_csv.write_csv(pa.table({**whole, "label": known, "site": group}), files.folder / "sites.csv")
    code, out, _ = files.run("tune sites.csv --target-risk 0.4 --per-group --json --out policy.json")
    assert code == 0
    assert parsed(out)["groups"] == ["north", "south"]
    unknown = np.where(np.arange(len(predictions)) % 3 == 0, "west", group)
    pa_csv.write_csv(pa.table({**whole, "site": unknown}), files.folder / "next.csv")
    code, out, _ = files.run("decide next.csv --policy policy.json")
    assert code == 0
    decisions = np.array([row["decision"] for row in csv.DictReader(io.StringIO(out))])
    policy = ThresholdPolicy.load(files.folder / "policy.json")
    assert ((decisions == "accept") == policy.decide(predictions.values[0], unknown)).all()
    assert (decisions[unknown == "west"] == "defer").all()
    pa_csv.write_csv(pa.table(whole), files.folder / "none.csv")
    assert "give `group`" in files.refused("decide none.csv --policy policy.json")
