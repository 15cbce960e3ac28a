"""From arrays to a policy, as a notebook does it, and the package as a library."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uqcore
from tests import ROOT
from uqcore import tuning
from uqcore.predictions import NO_LABEL, Predictions
from uqcore.types import FloatArray, IntArray, UqError


def some(n: int = 4000, seed: int = 0) -> tuple[FloatArray, IntArray]:
    """Calibrated probabilities ``(N, 3)`` and labels drawn from them."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet([0.05, 0.03, 0.03], n)
    return probs, (rng.random((n, 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)


def test_the_lines_of_the_readme_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    probs, labels = some()
    names: dict[str, Any] = {"probs": probs, "labels": labels, "new_probs": some(seed=1)[0]}
    exec(lines, names)
    assert names["tuned"].policy.certified
    assert 0 < names["accept"].mean() < 1
    assert uqcore.ThresholdPolicy.load("policy.json") == names["tuned"].policy
    assert "What is promised" in Path("report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("asked", "goal"),
    [
        ({"target_risk": 0.05, "delta": 0.1, "procedure": "sgr"}, tuning.Goal("risk", 0.05, 0.1, "sgr")),
        ({"target_risk": 0.05, "per_class": True}, tuning.Goal("risk", 0.05, per_class=True)),
        ({"coverage": 0.7}, tuning.Goal("coverage", 0.7)),
    ],
)
def test_arrays_are_tuned_as_predictions_are(asked: dict[str, Any], goal: tuning.Goal) -> None:
    probs, labels = some()
    tuned = uqcore.tune(probs, labels, measure="margin", calibration_share=0.4, seed=3, **asked)
    predictions = Predictions("predictions", "probs", probs, ("0", "1", "2"), labels)
    expected = tuning.tune(tuning.study(predictions, "margin", 0.4, 3), goal)
    assert (tuned.policy, tuned.promise) == expected[:2]
    np.testing.assert_equal(tuned.assessment, expected.assessment)


def test_samples_ood_names_and_costs() -> None:
    probs, labels = some()
    samples = np.stack([probs, np.roll(probs, 1, axis=1)])
    ood = np.full((2, 300, 3), 1 / 3)
    costs = uqcore.Costs.uniform(3, deferral=0.1, ood_accepted=1, ood_share=0.2)
    tuned = uqcore.tune(samples, labels, costs=costs, ood_probs=ood, class_names=["a", "b", "c"], name="mine")
    predictions = tuned.study.predictions
    assert (len(predictions), predictions.class_names, predictions.name) == (4300, ("a", "b", "c"), "mine")
    assert predictions.labels is not None
    assert (predictions.labels[4000:] == NO_LABEL).all()
    assert tuned.assessment.ood_accepted.value == 0
    assert (tuned.decide(samples) == tuned.policy.decide(samples)).all()
    assert "mine" in tuned.report()


def test_a_coverage_needs_no_labels() -> None:
    probs, _ = some()
    tuned = uqcore.tune(probs, coverage=0.8)
    assert tuned.policy.risk is None
    assert tuned.decide(probs).mean() == pytest.approx(0.8, abs=0.02)


PROBS, LABELS = some(100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_risk": 0.1, "coverage": 0.5}, "Give exactly one of target_risk, .* Received: target_risk, coverage"),
        ({}, "Received: none of them"),
        ({"target_risk": 0.1, "measure": "energy"}, "`measure` must be one of .* Received: 'energy'"),
        ({"target_risk": 0.1, "measure": "mutual_information"}, "Expected a measure that predictions has"),
        ({"target_risk": 0.1, "labels": LABELS[:9]}, "`labels` must hold 100 classes.* Received: 9"),
        ({"target_risk": 0.1, "labels": LABELS + 1}, "`labels` must be from 0 to 2. Received: 1 to 3"),
        ({"target_risk": 0.1, "labels": LABELS + 0.5}, "`labels` must hold one integer for each example"),
        ({"target_risk": 0.1, "labels": LABELS.astype(str)}, "one integer for each example, its class from 0 to 2"),
        ({"target_risk": 0.1, "labels": None}, "needs labels"),
        ({"target_risk": 0.1, "probs": 3 * PROBS}, "sum to 1"),
        ({"target_risk": 0.1, "class_names": ["a"]}, "Expected 3 class names. Received: 1"),
        ({"target_risk": 0.1, "ood_probs": PROBS[None]}, "as many samples as `probs`"),
        ({"target_risk": 0.1, "ood_probs": PROBS[:, :2]}, "must have 3 classes"),
        ({"coverage": 0.5, "per_class": True}, "Thresholds per class are chosen for a risk or for costs"),
        ({"target_risk": 0.1, "probs": PROBS[:0], "labels": LABELS[:0]}, "not be empty"),
    ],
)
def test_what_cannot_be_tuned_is_one_sentence(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"probs": PROBS, "labels": LABELS, **arguments}
    with pytest.raises(UqError, match=message):
        uqcore.tune(given.pop("probs"), given.pop("labels"), **given)


def test_what_the_package_exports_is_there() -> None:
    assert all(getattr(uqcore, name) is not None for name in uqcore.__all__)
    assert set(uqcore.__all__) <= set(dir(uqcore))
    assert re.fullmatch(r"\d+\.\d+\.\d+", uqcore.__version__)
    with pytest.raises(AttributeError, match="'uqcore' has no attribute 'nothing'"):
        uqcore.nothing  # noqa: B018


def test_using_the_library_leaves_the_threads_of_the_process_alone() -> None:
    script = (
        "import numpy as np, threadpoolctl as t\n"
        "np.ones((9, 9)) @ np.ones((9, 9))\n"
        "def threads(): return {p['filepath']: p['num_threads'] for p in t.threadpool_info()}\n"
        "t.threadpool_limits(2, 'blas')\n"
        "before = threads()\n"
        "import uqcore\n"
        "uqcore.predict_with_uncertainty, uqcore.read_predictions\n"
        "probs = np.tile([[.9, .1], [.4, .6]], (500, 1))\n"
        "uqcore.tune(probs, np.zeros(1000, int), coverage=.5).decide(probs)\n"
        "assert 2 in before.values() and before.items() <= threads().items()\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
