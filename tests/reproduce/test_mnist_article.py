"""The MNIST article's tables, against a slow recount with SciPy's entropy from their probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.models.answers import Answers
from uqcore.reproduce.mnist_article import EXPLANATION, THRESHOLD, cut, tables
from uqcore.selection import Acceptance
from uqcore.store import Store
from uqcore.types import FloatArray, IntArray

N_SAMPLES = {"deterministic": 1, "mc_dropout": 5, "sngp": 2}


def recount(probs: FloatArray, labels: IntArray) -> dict[str, tuple[int, int]]:
    """``{"accepted": (right, all), "deferred": ...}``, one image at a time, with the article's own formula."""
    counts = {"accepted": (0, 0), "deferred": (0, 0)}
    of_each = stats.entropy(probs.astype(np.float64), axis=1) / math.log(10_000)
    for published, said, label in zip(of_each, probs.argmax(axis=1), labels, strict=True):
        side = "accepted" if published <= 0.005 else "deferred"
        right, total = counts[side]
        counts[side] = right + int(said == label), total + 1
    return counts


def assert_same(table: Acceptance, counts: dict[str, tuple[int, int]]) -> None:
    (right, accepted), (right_deferred, deferred) = counts["accepted"], counts["deferred"]
    assert (table.n_accepted, table.n_deferred) == (accepted, deferred)
    assert accepted + deferred == 10_000
    assert min(accepted, deferred) > 0
    assert table.accuracy == pytest.approx(right / accepted)
    assert table.deferred_accuracy == pytest.approx(right_deferred / deferred)
    assert table.coverage == accepted / 10_000
    assert (table.n_ood_accepted, math.isnan(table.ood_accepted)) == (0, True)


@pytest.fixture(scope="module")
def of_methods(committed: Store) -> dict[str, Mapping[str, Acceptance]]:
    return {m: tables(Answers(committed, committed.find("digits", m)), n) for m, n in N_SAMPLES.items()}


@pytest.mark.parametrize("method", N_SAMPLES)
def test_the_three_tables_are_a_slow_recount(
    committed: Store, of_methods: dict[str, Mapping[str, Acceptance]], method: str
) -> None:
    kept, y_test = Answers(committed, committed.find("digits", method)), mnist().y_test
    rung = kept.counts.index(N_SAMPLES[method])

    def probs(part: str, value: float = 0.0) -> FloatArray:
        log_probs = kept.of(part, value)["log_probs"]
        return softmax(log_probs[min(rung, len(log_probs) - 1)])

    clean, noisy, fashion = probs("test"), probs("noise", 0.7), probs("fashion")
    found = of_methods[method]
    assert list(found) == ["clean", "noise", "Fashion-MNIST"]
    assert_same(found["clean"], recount(clean, y_test))
    assert_same(found["noise"], recount(np.concatenate([noisy, clean[1000:]]), y_test))
    assert_same(found["Fashion-MNIST"], recount(fashion, fashion_mnist().y_test))


def softmax(logits: FloatArray) -> FloatArray:
    exps = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def test_what_the_article_saw_is_seen_again(of_methods: dict[str, Mapping[str, Acceptance]]) -> None:
    """Digits are mostly accepted and then right; noise and garments are handed back more often."""
    for found in of_methods.values():
        assert found["clean"].accuracy > 0.998 > found["clean"].deferred_accuracy
        assert found["clean"].n_accepted > found["noise"].n_accepted > found["Fashion-MNIST"].n_accepted
        assert found["Fashion-MNIST"].accuracy < 0.3


def test_the_threshold_is_the_published_one_in_other_units() -> None:
    assert math.isclose(THRESHOLD, 0.005 * math.log(1e4) / math.log(10))
    assert math.isclose(THRESHOLD, 0.02)  # ln(10^4) = 4 ln 10
    assert "it is 0.02." in EXPLANATION
    assert "the first 1,000 images are 70 % noise" in EXPLANATION


def test_a_cut_by_hand() -> None:
    """An entropy of 0 and one of ln 2 / ln 10 = 0.30 on either side of 0.02, and two just beside it."""
    p = np.zeros((6, 10))
    p[:2, 3] = 1
    p[2:4, :2] = 0.5
    # 0.0078 ln(1 / 0.0078) + 0.0078 = 0.0456 and 0.0080 ln(1 / 0.0080) + 0.0080 = 0.0466; 0.02 ln 10 is 0.0461.
    p[4, [3, 4]] = 1 - 0.0078, 0.0078
    p[5, [3, 4]] = 1 - 0.0080, 0.0080
    table = cut(p, np.array([3, 4, 0, 1, 3, 3]))
    assert (table.n_accepted, table.n_deferred) == (3, 3)
    assert table.accuracy == pytest.approx(2 / 3)
    assert table.deferred_accuracy == pytest.approx(2 / 3)
