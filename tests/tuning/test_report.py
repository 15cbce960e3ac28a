"""The report on a policy: its numbers are those of the assessment, and its figures those of the ranking."""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browsing import needs_browser
from tests.report_pages import Elements, opened
from uqcore.plots.threshold_bins import measure_bins
from uqcore.predictions import NO_LABEL, Predictions
from uqcore.selection import error_roc, ood_roc
from uqcore.selection.cost import Costs
from uqcore.selection.policy import ThresholdPolicy
from uqcore.tuning import Goal, Study, Tuned, study, tune
from uqcore.tuning.report import POLICY_FILE, policy_report
from uqcore.types import softmax

LABEL = "Predictive entropy (nats)"
SOURCE = "<script>alert(1)</script>.npz"


def predictions(has_labels: bool = True, has_ood: bool = True, n: int = 3000) -> Predictions:
    """Calibrated predictions of 3 classes; the last tenth is OOD and looks uniform."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (n, 3))
    ood = np.arange(n) >= (0.9 * n if has_ood else n)
    logits[ood] /= 4
    probs = softmax(logits).astype(np.float32)
    labels = np.where(ood, NO_LABEL, (rng.random((n, 1)) > probs.cumsum(axis=1)[:, :2]).sum(axis=1))
    parts: dict[str, Any] = {"labels": labels if has_labels else None, "ood": ood if has_ood else None}
    return Predictions("mine", "probs", probs[None], ("a", "b", "c"), **parts)


def made(goal: Goal, has_labels: bool = True, has_ood: bool = True) -> tuple[Study, Tuned, str]:
    studied = study(predictions(has_labels, has_ood), "predictive_entropy")
    tuned = tune(studied, goal)
    return studied, tuned, written(studied, tuned)


def written(studied: Study, tuned: Tuned, **changed: Any) -> str:
    ranking = studied.held_out.ranking
    given: dict[str, Any] = {
        "source": SOURCE,
        "promise": tuned.promise,
        "assessment": tuned.assessment,
        "ranking": ranking,
        "bins": measure_bins(ranking.right, ranking.wrong, ranking.ood),
        "measure_label": LABEL,
    }
    return policy_report(tuned.policy, **given | changed)


def figures(page: str) -> list[dict[str, Any]]:
    return json.loads(Elements(page).texts("script")[0])["figures"]


def marked(figure: dict[str, Any]) -> tuple[float, float]:
    (mark,) = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    return mark["x"][0], mark["y"][0]


def test_it_says_what_is_promised_and_how_it_went() -> None:
    studied, tuned, page = made(Goal("risk", 0.05))
    assert tuned.policy.certified
    elements, seen = Elements(page), tuned.assessment
    assert elements.texts("h1") == [f"Rejection threshold for {SOURCE}"]
    assert elements.texts("p")[0] == tuned.promise
    assert f"{tuned.policy.thresholds[0]:.6g}" in elements.texts("p")[1]
    assert f"{seen.n_accepted:,} are accepted; {seen.n_errors:,} of these are wrong." in page
    for count, total in ((seen.n_accepted, seen.n), (seen.n_errors, seen.n_accepted)):
        assert f"<td>{count:,} of {total:,}</td>" in page
    n_ood_accepted = studied.held_out.ranking.at(tuned.policy.thresholds[0]).n_ood_accepted
    assert 0 < n_ood_accepted < 150
    assert f"<td>{n_ood_accepted:,} of 150</td>" in page
    assert tuned.policy.fingerprint in page
    assert tuned.policy.created in page
    assert "Python 3." in page


def test_the_policy_and_its_lines_can_be_copied() -> None:
    _, tuned, page = made(Goal("risk", 0.05))
    policy, python = (text.removesuffix("\n") for text in Elements(page).texts("pre"))
    assert ThresholdPolicy.from_json(policy) == tuned.policy
    assert python.strip() == tuned.policy.snippet(POLICY_FILE).strip()


def test_figures_mark_the_policy_where_the_ranking_has_it() -> None:
    studied, tuned, page = made(Goal("risk", 0.05))
    at = studied.held_out.ranking.at(tuned.policy.thresholds[0])
    bars, risk, roc = figures(page)
    assert bars["layout"]["shapes"][1]["x0"] == tuned.policy.thresholds[0]
    assert marked(risk) == pytest.approx((at.coverage, 1 - at.accuracy))
    assert marked(roc) == (1 - at.coverage, 1 - at.ood_accepted)
    curve = ood_roc(studied.held_out.ranking.table())
    assert set(roc["data"][0]["x"]) <= set(curve.fpr.tolist())


def test_without_ood_the_roc_is_that_of_errors() -> None:
    studied, tuned, page = made(Goal("coverage", 0.7), has_ood=False)
    ranking, roc = studied.held_out.ranking, figures(page)[2]
    assert roc["layout"]["yaxis"]["title"]["text"] == "errors deferred"
    curve = error_roc(ranking.table())
    row = int(np.searchsorted(curve.thresholds, tuned.policy.thresholds[0], side="right")) - 1
    assert marked(roc) == pytest.approx((curve.fpr[row], curve.tpr[row]))
    assert ">OOD examples accepted<" not in page


def test_without_labels_there_is_neither_risk_nor_wrong() -> None:
    _, _, page = made(Goal("coverage", 0.7), has_labels=False, has_ood=False)
    (bars,) = figures(page)
    assert [group["name"] for group in bars["data"]] == ["examples 1,500"]
    text = page[: page.index("<h2>How to apply it")]
    assert "wrong" not in text.split("<h2>What held-out examples show")[1]
    assert "Risk" not in text
    _, _, with_ood = made(Goal("coverage", 0.7), has_labels=False)
    assert [figure["data"][0]["type"] for figure in figures(with_ood)] == ["bar", "scatter"]


def test_a_policy_that_accepts_nothing_keeps_its_figures() -> None:
    _, tuned, page = made(Goal("manual", -math.inf))
    assert tuned.policy.risk is None
    assert "Rule: defer everything." in page
    bars, risk, roc = figures(page)
    assert bars["layout"]["shapes"][0]["x0"] == bars["layout"]["shapes"][1]["x0"]
    assert (marked(risk), marked(roc)) == ((0, 0), (1, 1))
    assert "<td>–</td><td>0 of 0</td>" in page
    assert "Rule: accept everything." in made(Goal("manual", math.inf))[2]


def test_thresholds_per_class_have_no_line_and_a_point_of_their_own() -> None:
    costs = Costs(np.array([[0, 1, 9], [1, 0, 9], [1, 1, 0]]), deferral=0.2)
    _, tuned, page = made(Goal("cost", costs=costs, per_class=True))
    assert len(tuned.policy.thresholds) == 3
    bars, risk, roc = figures(page)
    assert "shapes" not in bars["layout"]
    seen = tuned.assessment
    assert marked(risk) == (seen.coverage.value, seen.risk.value)
    assert marked(roc) == (1 - seen.coverage.value, 1 - seen.ood_accepted.value)
    assert "threshold of the predicted class" in page


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.12345, "12.3 %"),
        (0.9, "90 %"),
        (0.0004083, "0.0408 %"),
        (0.99996, "99.996 %"),
        (1e-9, "0.0000001 %"),
        (1 - 2**-40, "99.9999999999091 %"),
    ],
)
def test_shares_are_never_rounded_to_none_or_all(value: float, expected: str) -> None:
    studied, tuned, _ = made(Goal("coverage", 0.7))
    seen = tuned.assessment
    page = written(studied, tuned, assessment=seen._replace(coverage=seen.coverage._replace(value=value)))
    assert f"accepted</th><td>{expected.replace(' ', chr(0xA0))}</td>" in page


def test_notes_and_every_other_text_are_escaped() -> None:
    studied, tuned, page = made(Goal("coverage", 0.7))
    assert "was noted" not in page
    noted = written(studied, tuned, notes=["<b>one</b>"], promise="a < b & c", measure_label="<i>m</i>")
    elements = Elements(noted)
    assert elements.texts("p")[0] == "a < b & c"
    assert "<b>one</b>" in elements.texts("p")
    assert any(text.startswith("<i>m</i> of the held-out") for text in elements.texts("figcaption"))
    assert figures(noted)[0]["layout"]["xaxis"]["title"]["text"].startswith(escape("<i>m</i>"))


@needs_browser
def test_it_opens_from_disk_without_a_network(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(made(Goal("risk", 0.05))[2], encoding="utf-8")
    with opened(browser, path, "dark", 390) as (page, events):
        assert page.locator(".plot .main-svg:first-child").count() == 3
        assert page.locator(".barlayer .trace").count() == 3
        assert page.locator(".scatterlayer .trace").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert events == [path.as_uri()]
