"""The command line: results on stdout, one sentence on stderr for what a person can put right, 2 as its exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests import ROOT
from uqcore import __version__, checked
from uqcore.cli.main import main
from uqcore.exhibits import front_page
from uqcore.methods import EVERY_METHOD, METHODS, of_task
from uqcore.methods.base import Method
from uqcore.models.evaluation import evaluate, plain
from uqcore.store import Store
from uqcore.trainings.progress import Epoch, Found, Share, Stored, from_line
from uqcore.types import ModelRecord


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store of the command line's own."""
    monkeypatch.setenv("UQCORE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def tiny_models(tiny_store: Store, tiny: dict[str, ModelRecord], monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("UQCORE_MODELS", str(tiny_store.root))
    return tiny_store


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def parsed(text: str) -> Any:
    return json.loads(text, parse_constant=refuse_constant)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("train --task stars", "Unknown task 'stars'. Known tasks: moons, digits"),
        ("train --task moons --method magic", "Unknown method 'magic'. Known methods: deterministic"),
        ("train --task moons --set epochs", "name=value. Received: --set epochs"),
        ("train --task moons --set depth=2", "Unknown setting 'depth'. Known settings: epochs"),
        ("train --task moons --method sngp --set ridge=0", "ridge must be above 0. Received: ridge=0.0"),
        ("train --task moons --method sngp --set epochs=two", "epochs must be a whole number. Received: epochs=two"),
        ("evaluate --task stars", "Unknown task 'stars'"),
        ("evaluate --method magic", "Unknown method 'magic'"),
        ("evaluate", "No such model in"),
        ("evaluate --json", "No such model in"),
    ],
)
def test_an_error_is_one_sentence(arguments: str, words: str, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert not models.exists()


def test_a_folder_that_cannot_be_written_is_said_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()  # in the folder's place: permissions would not stop root
    monkeypatch.setenv("UQCORE_MODELS", str(tmp_path / "file"))
    assert main(["train", "--task", "moons"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: The store {tmp_path / 'file'} cannot be written")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "fly",
        "train",
        "train --task moons --seed -1",
        "train --task moons --seed one",
        "train --task moons --seed 99999999999",
        "evaluate --samples 0",
        "models --yaml",
    ],
)
def test_what_argparse_refuses_exits_with_2_too(
    arguments: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments.split())
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err.splitlines()[-1]


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"uqcore {__version__}\n"


def test_an_empty_store_is_named(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert capsys.readouterr() == ("", f"note: there are no models in {models}; UQCORE_MODELS names another folder.\n")


def test_models_of_an_empty_store_are_none(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    assert parsed(capsys.readouterr().out) == []


def test_models_as_json_are_the_records(tiny_models: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = parsed(out)
    assert rows == [{**json.loads(json.dumps(asdict(r))), "problems": []} for r in tiny_models.records()]


def test_models_names_what_is_damaged(tiny_models: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    shutil.copytree(tiny_models.root, tmp_path / "copy")
    copy = Store(tmp_path / "copy")
    damaged = next(record for record in copy.records() if record.method == "sngp")
    (copy.root / damaged.files[0].path).write_bytes(b"")
    monkeypatch.setenv("UQCORE_MODELS", str(copy.root))
    assert main(["models"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(copy.records())
    for line in lines:
        assert ("is damaged" in line) == line.startswith(damaged.model_id)
        assert line.endswith("intact") != line.startswith(damaged.model_id)


def test_models_names_a_data_sets_own_archive_that_is_damaged(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a data set that somebody added, as CONTRIBUTING says."""
    monkeypatch.setattr("uqcore.cli.models.DATA_DIR", tmp_path)
    archive = tmp_path / "mirrored_mnist.npz"
    checked.write(archive, b"x")
    assert main(["models"]) == 0
    archive.write_bytes(b"y")
    capsys.readouterr()
    assert main(["models"]) == 1
    assert capsys.readouterr().err.startswith(f"error: The data file {archive} is damaged")


def test_models_names_data_of_the_package_that_are_damaged(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(front_page, "PICTURES", tmp_path / "pictures.npy")
    checked.write(front_page.PICTURES, b"x")
    assert main(["models"]) == 0
    front_page.PICTURES.write_bytes(b"y")
    capsys.readouterr()
    assert main(["models"]) == 1
    assert capsys.readouterr().err.startswith(f"error: The data file {front_page.PICTURES} is damaged")


@pytest.mark.usefixtures("learnt_before")
def test_train_tells_its_own_seconds_from_those_of_parts_that_were_stored(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(arguments: str) -> str:
        assert main(f"train --task moons --set epochs=1 {arguments}".split()) == 0
        return capsys.readouterr().out.partition(": ")[2].partition(",")[0]

    assert said("--method deterministic") == "0.0 s of training"
    store = Store(models)
    (network,) = store.records()
    store.put(replace(network, training_time_s=100.0))
    ensemble = "--method deep_ensemble --set n_members=2"
    assert said(ensemble) == "0.0 s of training beside 100.0 s of parts that were stored"
    assert said(ensemble) == "nothing to train: its parts were stored after 100.0 s of training"
    assert said("--method mc_dropout") == "nothing to train: its parts were stored after 100.0 s of training"
    # a density of a network of before: its own seconds, and not those of its part's part twice
    fitted = said("--method entropy_and_distance")
    assert fitted.endswith(" s of training beside 100.0 s of parts that were stored")
    assert float(fitted.split()[0]) < 50


@pytest.mark.usefixtures("learnt_before")
def test_a_training_as_json_writes_a_line_an_epoch_and_shows_the_same_on_stderr(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "train --task moons --method deep_ensemble --set epochs=2 --set n_members=2 --json"
    assert main(arguments.split()) == 0
    out, err = capsys.readouterr()
    *epochs, stored = map(from_line, out.encode().splitlines())
    members = list(dict.fromkeys(epoch.model_id for epoch in epochs if isinstance(epoch, Epoch)))
    assert [(e.model_id, e.epoch, e.epochs) for e in epochs if isinstance(e, Epoch)] == [
        (name, epoch, 2) for name in members for epoch in (1, 2)
    ]
    assert len(members) == 2
    assert isinstance(stored, Stored)
    assert [record.model_id for record in Store(models).records() if record.method == "deep_ensemble"] == [
        stored.model_id
    ]
    for epoch, line in zip(epochs, err.splitlines(), strict=True):
        assert isinstance(epoch, Epoch)
        assert line.startswith(f"{epoch.model_id} [")
        assert f"loss {epoch.metrics['loss']:.4f}" in line


@pytest.mark.usefixtures("learnt_before")
def test_a_training_for_a_page_ends_with_tables_and_figures_beside_the_committed_ones(
    models: Path, committed: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "train --task moons --method mc_dropout --set epochs=1 --seed 3 --json --tables visit --beside"
    assert main([*arguments.split(), str(committed.root)]) == 0
    said = [from_line(line) for line in capsys.readouterr().out.encode().splitlines()]
    assert [type(each) for each in said if not isinstance(each, Share)] == [Epoch, Found, Found, Stored]
    shares = [each.share for each in said if isinstance(each, Share)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    ours, theirs = (each for each in said if isinstance(each, Found))
    rows = {record.method: record for record in Store(models).records()}
    assert (ours.beside, theirs.beside) == (False, True)
    assert ours.evaluation == evaluate(Store(models), rows["mc_dropout"])
    assert theirs.evaluation == evaluate(committed, committed.find("moons", "mc_dropout"))
    assert list(rows["mc_dropout"].tables) == ["plane"]
    assert not rows["deterministic"].tables, "its part is shown nowhere"


def test_evaluate_as_json_has_every_figure_and_nothing_else_on_stdout(
    tiny_models: Store, tiny: dict[str, ModelRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--task", "moons", "--method", "sngp", "--samples", "3", "--json"]) == 0
    out, err = capsys.readouterr()
    (row,) = parsed(out)
    assert row["model_id"] == tiny["sngp"].model_id
    assert row["n_samples"] == 3
    for name in ("task", "method", "seed", "n_parameters", "accuracy", "nll", "brier", "ece"):
        assert name in row
    assert set(row["ood"]["cluster"]["logit_variance"]) == {"auroc", "aupr", "fpr95"}
    assert tiny["sngp"].model_id in err, "progress goes to stderr"


def test_evaluate_prints_a_line_a_model_and_its_measures(
    tiny_models: Store, tiny: dict[str, ModelRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--samples", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert named == [record.model_id for record in tiny_models.records()]


def test_a_figure_that_does_not_exist_is_null() -> None:
    assert plain({"a": float("nan"), "b": {"c": 1.5, "d": float("inf")}}) == {
        "a": None,
        "b": {"c": 1.5, "d": None},
    }


def test_train_puts_a_model_into_the_store(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "train --task moons --method deterministic --seed 4 --set epochs=1 --set batch_size=500"
    assert main(arguments.split()) == 0
    (record,) = Store(models).records()
    assert (record.method, record.seed, record.config["epochs"], record.config["batch_size"]) == (
        "deterministic", 4, 1, 500,
    )  # fmt: skip
    out, err = capsys.readouterr()
    assert out.startswith(f"{record.model_id}: ")
    assert out.count("\n") == 1
    assert f"{record.model_id} [{'#' * 24}] 1/1, 0 s left" in err


def test_an_interrupt_is_one_line_and_leaves_nothing(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uqcore.models.training.fit_and_store", interrupt)
    assert main(["train", "--task", "moons"]) == 130
    assert capsys.readouterr().err.count("\n") == 1
    assert Store(models).records() == ()


def test_the_module_runs() -> None:
    done = subprocess.run([sys.executable, "-m", "uqcore", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("train", "models", "evaluate", "bench"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has the device that is always full.")
@pytest.mark.parametrize("arguments", ["models", "models --json"])
def test_a_full_disk_behind_stdout_is_one_sentence(arguments: str, tiny_models: Store) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "uqcore", *arguments.split()],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "error: The results cannot be written to stdout (No space left on device).\n"


def test_a_method_is_left_out_of_a_task_that_it_does_not_know(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named, it is an error of one sentence; among all, nothing is said of it."""
    only_moons = replace(METHODS["sngp"], configs={"moons": METHODS["sngp"].configs["moons"]})
    for registry in (METHODS, EVERY_METHOD):
        monkeypatch.setitem(cast(dict[str, Method], registry), "sngp", only_moons)
    assert "sngp" not in of_task("sine")
    assert "sngp" in of_task("moons")
    assert main(["train", "--task", "sine", "--method", "sngp"]) == 2
    assert "error: sngp is for the tasks moons. Received: --task sine." in capsys.readouterr().err
    trained: list[str] = []
    usual = tempfile.gettempdir()

    def train(store: Store, task: str, method_id: str, *rest: Any, **more: Any) -> ModelRecord:
        trained.append(method_id)
        assert Path(tempfile.gettempdir()).parent == Path(usual), "what TensorFlow leaves is swept"
        return ModelRecord("x", task, method_id, 0, {}, (), 1, 1, 0.0, {}, "")

    monkeypatch.setattr("uqcore.models.training.train", train)
    assert main(["train", "--task", "sine", "--method", "all"]) == 0
    assert trained == of_task("sine")
