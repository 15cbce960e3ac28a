from __future__ import annotations

import json
import math
import os
import stat
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import ROOT
from uqcore.metrics.uncertainty import MEASURES, entropy
from uqcore.selection.heldout import Estimate
from uqcore.selection.policy import CERTIFYING, PROCEDURES, TARGET_KINDS, Target, ThresholdPolicy
from uqcore.types import Draws, FloatArray, UqError, softmax

POLICY = ThresholdPolicy(
    measure="predictive_entropy",
    thresholds=(0.7,),
    n_classes=3,
    target=Target("risk", 0.01, "At most 1 % of the accepted examples are wrong, with 95 % confidence."),
    procedure="ltt",
    certified=True,
    delta=0.05,
    n_calibration=5000,
    n_test=4000,
    coverage=Estimate(0.9, 0.88, 0.91),
    risk=Estimate(0.004, 0.001, 0.01),
    confidence=0.95,
    created="2026-01-31",
    fingerprint="0123456789abcdef" * 4,
)
BY_HAND = replace(
    POLICY,
    thresholds=(-math.inf, 0.1 + 0.2, math.inf),
    target=Target("manual", None, "Set by hand — no promise."),
    procedure="manual",
    certified=False,
    delta=None,
    coverage=None,
    risk=None,
)


def some_probs(*shape: int, seed: int = 0) -> FloatArray:
    return softmax(2 * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def changed(**fields: Any) -> str:
    """The text of `POLICY` with some fields changed."""
    return json.dumps(json.loads(POLICY.to_json()) | fields)


@pytest.mark.parametrize("policy", [POLICY, BY_HAND])
def test_a_file_gives_the_same_policy_back(policy: ThresholdPolicy, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    policy.save(path)
    assert ThresholdPolicy.load(path) == policy
    assert ThresholdPolicy.from_json(path.read_bytes()) == ThresholdPolicy.from_json(path.read_text()) == policy
    assert path.read_text() == policy.to_json()


def test_every_float_comes_back_exactly() -> None:
    for value in np.random.default_rng(1).random(100):
        policy = replace(POLICY, thresholds=(value, float(np.float32(value)), np.nextafter(value, 1)))
        assert ThresholdPolicy.from_json(policy.to_json()).thresholds == policy.thresholds


def test_the_file_is_for_people_too() -> None:
    text = BY_HAND.to_json()
    assert text.startswith('{\n  "certified": false,\n  "confidence": 0.95,\n')
    assert '"thresholds": [\n    "defer all",\n    0.30000000000000004,\n    "accept all"\n  ]' in text
    assert "by hand — no" in text
    assert list(json.loads(text)) == sorted(asdict(BY_HAND).keys() - {"roles", "groups"})
    assert len(text) < 2000


def test_saving_replaces_the_file_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    POLICY.save(path)
    BY_HAND.save(path)
    assert ThresholdPolicy.load(path) == BY_HAND
    assert os.listdir(tmp_path) == ["policy.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "policy.json"
    POLICY.save(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UqError, match=r"cannot be written to .*policy.json: .*No space left"):
        BY_HAND.save(path)
    assert ThresholdPolicy.load(path) == POLICY
    assert os.listdir(tmp_path) == ["policy.json"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("policy.json")
    POLICY.save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert ThresholdPolicy.load(tmp_path / "policy.json") == POLICY


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "policy.json"
    with pytest.raises(UqError) as caught:
        POLICY.save(path)
    assert str(caught.value) == f"The policy cannot be written to {path}: No such file or directory."


def test_paths_that_are_no_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent" / "policy.json", tmp_path, "policy\0.json"):
        with pytest.raises(UqError, match="cannot be written"):
            POLICY.save(path)
        with pytest.raises(UqError, match="cannot be read"):
            ThresholdPolicy.load(path)
    (tmp_path / "file").touch()
    with pytest.raises(UqError, match="cannot be written"):
        POLICY.save(tmp_path / "file" / "policy.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected JSON"),
        ("[]", r"Expected a JSON object. Received: list"),
        ("{" * 100_000, "Expected JSON"),
        ('{"a":' * 100_000, r"Expected JSON. Received text that is nested too deeply"),
        (b"\xff\xfe", r"Expected JSON. Received text that is not: byte 0 is no UTF-8\.$"),
        ('{"a": ' + "9" * 5000 + "}", r"text that is not: a whole number of thousands of digits\.$"),
        (" " * (2**22 + 1), r"Expected JSON of at most 4 MB. Received more"),
        ('{"delta": 0.1, "delta": 0.2}', "a name is there twice"),
        ("{}", "A policy must have the fields certified, .*It lacks: certified, "),
        (changed(extra=1), r"It has unknown: extra\."),
        (changed(version=2), r"`version` must be one of 1. Received: 2\."),
        ('{"version": 2, "rules": []}', r"`version` must be one of 1. Received: 2\."),
        (changed(version=True), r"`version` must be one of 1. Received: True\."),
        (changed(measure="energy"), r"`measure` must be one of predictive_entropy, .*Received: 'energy'"),
        (changed(measure=["margin"]), r"`measure` must be one of .*Received: \['margin'\]"),
        (changed(measure="bernoulli_variance"), r"needs `n_classes` to be 2. Received: 3"),
        (changed(thresholds=0.5), r"`thresholds` must be a list. Received: 0.5"),
        (changed(thresholds=[]), r"`thresholds` must be 1 number, or 3: .*Received: 0"),
        (changed(thresholds=[0.1, 0.2]), r"`thresholds` must be 1 number, or 3: .*Received: 2"),
        (changed(thresholds=["0.5"]), '`thresholds` must hold numbers, "accept all" or "defer all". .*\'0.5\''),
        (changed(thresholds=[True]), "`thresholds` must be a number. Received: True"),
        (changed(thresholds=[None]), "`thresholds` must be a number. Received: None"),
        (changed(thresholds=[math.nan]), "NaN is not a finite number"),
        (changed(thresholds=[math.inf]), "Infinity is not a finite number"),
        (changed(thresholds=["X"]).replace('"X"', "1e999"), "1e999 is not a finite number"),
        (changed(thresholds=[10**400]), "`thresholds` must be a finite number"),
        (changed(n_classes=1), r"`n_classes` must be an integer of at least 2. Received: 1\."),
        (changed(n_classes=3.0), r"`n_classes` must be an integer of at least 2. Received: 3.0\."),
        (changed(n_calibration=-1), "`n_calibration` must be an integer of at least 0"),
        (changed(n_test=True), "`n_test` must be an integer of at least 0. Received: True"),
        (changed(target="low risk"), "`target` must be an object. Received: 'low risk'"),
        (
            changed(target={"kind": "risk"}),
            "`target` must have the fields kind, sentence, value. It lacks: sentence, value",
        ),
        (
            changed(target={"kind": "risk", "value": 2, "sentence": "x"}),
            "`target.value` must be a finite number from 0 to 1",
        ),
        (
            changed(target={"kind": "risk", "value": None, "sentence": "x"}),
            "`target.value` must be a number from 0 to 1",
        ),
        (changed(target={"kind": "manual", "value": 1, "sentence": "x"}), "`target.value` must be null. Received: 1"),
        (changed(target={"kind": "fun", "value": 1, "sentence": "x"}), "`target.kind` must be one of risk, cost, "),
        (changed(target={"kind": "risk", "value": 0.1, "sentence": " "}), "`target.sentence` must be a line of text"),
        (
            changed(target={"kind": "risk", "value": 0.1, "sentence": "a\nb"}),
            "`target.sentence` must be a line of text",
        ),
        (
            changed(target={"kind": "risk", "value": 0.1, "sentence": "\ud800"}),
            "Expected JSON of text. Received half of a character",
        ),
        (changed(target={"kind": "risk", "value": 0.1, "sentence": "x" * 1001}), "at most 1,000 characters"),
        (
            changed(procedure="magic"),
            "`procedure` must be one of sgr, ltt, betting, cost, coverage, ood, manual. Received: 'magic'",
        ),
        (changed(certified=1), "`certified` must be true or false. Received: 1"),
        (changed(delta=None), "`delta` must be between 0 and 1 for sgr and ltt and betting, .*Received: None for ltt"),
        (changed(delta=0), r"`delta` must be between 0 and 1 .*Received: 0.0 for ltt"),
        (changed(delta=1), r"`delta` must be between 0 and 1 .*Received: 1.0 for ltt"),
        (changed(delta=-0.1), "`delta` must be a finite number from 0 to 1. Received: -0.1"),
        (changed(delta="0.1"), "`delta` must be a number from 0 to 1. Received: '0.1'"),
        (changed(procedure="cost"), r"null for every other procedure. Received: 0.05 for cost"),
        (changed(procedure="cost", delta=None), "`certified` must be false .*Received: true for cost"),
        (
            changed(target={"kind": "coverage", "value": 0.9, "sentence": "x"}),
            r"`certified` must be false unless sgr or ltt or betting was .* for ltt and the target coverage",
        ),
        (changed(coverage=0.9), r"`coverage` must be an object. Received: 0.9"),
        (changed(risk={"value": 0.1, "low": 0.2, "high": 0.3}), "`risk` must have low <= value <= high"),
        (changed(risk={"value": 0.1, "low": 0, "high": 1.3}), "`risk.high` must be a finite number from 0 to 1"),
        (changed(risk={"value": "0", "low": 0, "high": 1}), "`risk.value` must be a number from 0 to 1"),
        (changed(risk={"value": 0.1, "low": 0}), "`risk` must have the fields high, low, value. It lacks: high"),
        (changed(confidence=95), "`confidence` must be a finite number from 0 to 1. Received: 95"),
        (changed(created="31.1.2026"), "`created` must be a date like 2026-01-31. Received: '31.1.2026'"),
        (changed(created="20260131"), "`created` must be a date like"),
        (changed(created="2026-02-30"), "`created` must be a date like"),
        (changed(created=20260131), "`created` must be a date like"),
        (changed(fingerprint="0123"), "`fingerprint` must be a SHA-256, 64 digits"),
        (changed(fingerprint="G" * 64), "`fingerprint` must be a SHA-256, 64 digits"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UqError, match=message):
        ThresholdPolicy.from_json(text)
    path = tmp_path / "policy.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UqError, match=r"policy.json is not a policy that can be used: "):
        ThresholdPolicy.load(path)


def test_every_field_that_is_missing_is_named() -> None:
    for name in asdict(POLICY).keys() - {"roles", "groups"}:
        fields = json.loads(POLICY.to_json())
        del fields[name]
        with pytest.raises(UqError, match=f"It lacks: {name}"):
            ThresholdPolicy.from_json(json.dumps(fields))


def test_roles_travel_with_the_policy() -> None:
    policy = replace(POLICY, roles={"kind": "probs", "values": ["cat", "dog"], "label": "y"})
    assert ThresholdPolicy.from_json(policy.to_json()) == policy
    assert "roles" not in POLICY.to_json()
    assert hash(policy) == hash(POLICY)
    with pytest.raises(UqError, match="`roles` must be an object"):
        ThresholdPolicy.from_json(changed(roles=3))


def test_every_kind_of_target_and_procedure_can_be_kept() -> None:
    for kind in TARGET_KINDS:
        target = Target(kind, None if kind == "manual" else 0.5, "As asked.")
        for procedure in PROCEDURES:
            delta = 0.1 if procedure in CERTIFYING else None
            policy = replace(POLICY, target=target, procedure=procedure, delta=delta, certified=False)
            assert ThresholdPolicy.from_json(policy.to_json()) == policy
    assert Target("cost", -1500, "A gain.").value == -1500


def test_numbers_of_numpy_become_plain_and_nan_becomes_unknown() -> None:
    policy = replace(
        POLICY,
        thresholds=tuple(np.array([0.5, np.inf, 0.1], np.float32)),
        n_calibration=np.int64(7),  # type: ignore[arg-type]
        delta=np.float32(0.5),  # type: ignore[arg-type]
        risk=Estimate(math.nan, 0, 1),
    )
    assert {type(value) for value in (*policy.thresholds, policy.delta)} == {float}
    assert type(policy.n_calibration) is int
    assert policy.risk is None
    assert ThresholdPolicy.from_json(policy.to_json()) == policy


def test_decisions_are_those_of_the_measure() -> None:
    probs = some_probs(50, 3)
    accept = POLICY.decide(probs)
    assert accept.dtype == np.bool_
    assert (accept == (entropy(probs) <= 0.7)).all()
    assert 0 < accept.sum() < 50


@pytest.mark.parametrize("measure", [name for name in MEASURES if not MEASURES[name].needs & {"logits", "score"}])
def test_samples_are_decided_by_every_measure_of_probabilities(measure: str) -> None:
    n_classes = 2 if "two classes" in MEASURES[measure].needs else 3
    samples = some_probs(5, 40, n_classes)
    values = MEASURES[measure].compute(Draws(np.log(samples)))
    policy = replace(POLICY, measure=measure, n_classes=n_classes, thresholds=(float(np.median(values)),))
    assert (policy.decide(samples) == (values <= np.median(values))).all()
    assert (policy.decide(samples.astype(np.float64)) == policy.decide(samples)).all()
    assert (policy.decide_measured(values) == policy.decide(samples)).all()


def test_an_example_at_its_threshold_is_accepted() -> None:
    probs = some_probs(30, 3)
    for example, value in zip(probs, entropy(probs), strict=True):
        assert replace(POLICY, thresholds=(float(value),)).decide(example[None]).all()
        assert not replace(POLICY, thresholds=(float(np.nextafter(value, np.float32(-1))),)).decide(example[None]).any()


def test_thresholds_per_class_are_of_the_predicted_class() -> None:
    probs = some_probs(60, 3)
    predicted = probs.argmax(axis=1)
    expected = (predicted == 2) | ((predicted == 1) & (entropy(probs) <= 0.1 + 0.2))
    assert (BY_HAND.decide(probs) == expected).all()
    assert (BY_HAND.decide_measured(entropy(probs), predicted) == expected).all()
    assert set(predicted) == {0, 1, 2}


def test_accept_all_and_defer_all() -> None:
    probs = some_probs(9, 3)
    assert replace(POLICY, thresholds=(math.inf,)).decide(probs).all()
    assert not replace(POLICY, thresholds=(-math.inf,)).decide(probs).any()


def test_an_empty_batch_has_no_decisions() -> None:
    for shape in ((0, 3), (4, 0, 3)):
        assert POLICY.decide(np.empty(shape)).shape == BY_HAND.decide(np.empty(shape)).shape == (0,)


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        (np.full((2, 4), 0.25), r"`probs` must have 3 classes on its last axis. Received shape: \(2, 4\)"),
        (np.full(3, 1 / 3), r"`probs` must have shape \(examples, classes\) or .*Received: \(3,\)"),
        (np.full((1, 1, 1, 3), 1 / 3), r"Received: \(1, 1, 1, 3\)"),
        (np.empty((0, 2, 3)), r"Received: \(0, 2, 3\)"),
        (np.full((2, 3), 0.5), r"probabilities that sum to 1.*up to 0.5 off"),
        (np.array([[1.5, -0.5, 0]]), "probabilities that sum to 1"),
        (np.array([[np.nan, 0.5, 0.5]]), "probabilities that sum to 1. Received rows with NaN"),
        (np.array([[np.inf, 0.5, 0.5]]), "probabilities that sum to 1"),
    ],
)
def test_what_are_no_probabilities_are_not_decided(probs: FloatArray, message: str) -> None:
    with pytest.raises(UqError, match=message):
        POLICY.decide(probs)


def test_a_measure_that_needs_more_than_the_probabilities_given_says_so() -> None:
    with pytest.raises(UqError, match=r"logit_variance, cannot be computed .*`decide_measured`"):
        replace(POLICY, measure="logit_variance").decide(some_probs(2, 3))
    for measure in ("mutual_information", "expected_entropy"):
        for shape in ((4, 3), (1, 4, 3)):
            with pytest.raises(UqError, match=f"{measure}, needs the probabilities of 2 or more samples"):
                replace(POLICY, measure=measure).decide(some_probs(*shape))


def test_measures_that_cannot_be_decided_are_refused() -> None:
    with pytest.raises(UqError, match="`measure` must be finite"):
        POLICY.decide_measured([np.nan])
    with pytest.raises(UqError, match="`measure` must hold one number for each example"):
        POLICY.decide_measured([[0.1]])
    with pytest.raises(UqError, match="give `predicted`"):
        BY_HAND.decide_measured([0.1])
    with pytest.raises(UqError, match="`predicted` must hold 1 classes"):
        BY_HAND.decide_measured([0.1], [0, 1])
    with pytest.raises(UqError, match="`predicted` must be from 0 to 2"):
        BY_HAND.decide_measured([0.1], [3])


@pytest.mark.parametrize("measure", ["predictive_entropy", "mutual_information", "logit_variance", "score"])
def test_the_snippet_applies_the_policy(measure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = some_probs(6, 40, 3)
    draws = Draws(np.log(samples), score=np.arange(40.0))
    values, predicted = MEASURES[measure].compute(draws), draws.predictive.argmax(axis=1)
    policy = replace(BY_HAND, measure=measure, thresholds=tuple(np.quantile(values, [0.2, 0.5, 0.8])))
    filename = 'a "policy" isn\'t\\code.json'
    policy.save(filename)
    np.save("probs.npy", samples)
    np.save(f"{measure}.npy", values)
    np.save("predicted.npy", predicted)
    names: dict[str, Any] = {}
    exec(policy.snippet(filename), names)  # as a person would who pastes it
    assert (names["accept"] == policy.decide_measured(values, predicted)).all()
    assert 0 < names["accept"].sum() < 40


def test_a_policy_needs_only_numpy(tmp_path: Path) -> None:
    POLICY.save(tmp_path / "policy.json")
    np.save(tmp_path / "probs.npy", some_probs(20, 3))
    blocked = ("scipy", "sklearn", "streamlit", "tensorflow", "pandas", "pyarrow", "PIL", "threadpoolctl", "plotly")
    script = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {blocked}:\n"
        "            raise ImportError(f'{name} is not installed')\n"
        "sys.meta_path.insert(0, Block())\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "try:\n"
        "    import scipy\n"
        "except ImportError:\n"
        "    print('blocked')\n"
        f"{POLICY.snippet('policy.json')}"
        "print(*accept.astype(int))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    accept = POLICY.decide(np.load(tmp_path / "probs.npy"))
    assert done.stdout.split() == ["blocked", *map(str, accept.astype(int))]


BY_GROUP = replace(POLICY, thresholds=(0.9, -math.inf, 0.2), groups=("north", "south", "(none)"))


def test_thresholds_by_group(tmp_path: Path) -> None:
    probs = some_probs(400, 3)
    group = np.array(["north", " south", "", "nowhere"])[np.arange(400) % 4]
    measure = entropy(probs)
    limits = np.array([0.9, -math.inf, 0.2, -math.inf])[np.arange(400) % 4]  # one that is not known is deferred
    assert (BY_GROUP.decide(probs, group) == (measure <= limits)).all()
    assert (BY_GROUP.decide_measured(measure, group=group) == (measure <= limits)).all()
    BY_GROUP.save(tmp_path / "policy.json")
    assert ThresholdPolicy.load(tmp_path / "policy.json") == BY_GROUP
    assert "decide(probs, group=group)" in BY_GROUP.snippet("policy.json")
    assert "groups" not in json.loads(POLICY.to_json())


def test_mistakes_with_groups_are_one_sentence() -> None:
    probs = some_probs(4, 3)
    with pytest.raises(UqError, match="a threshold for each of 3 groups: give"):
        BY_GROUP.decide(probs)
    with pytest.raises(UqError, match=r"one group for each of 4 examples\. Received: 2"):
        BY_GROUP.decide(probs, ["north", "south"])
    with pytest.raises(UqError, match=r"one for each of the 2 `groups`\. Received: 3"):
        replace(BY_GROUP, groups=("a", "b"))
    with pytest.raises(UqError, match="different names"):
        replace(BY_GROUP, groups=("a", "b", "a"))
    with pytest.raises(UqError, match="groups"):
        ThresholdPolicy.from_json(changed(groups=["a", 3, "b"], thresholds=[1, 2, 3]))
