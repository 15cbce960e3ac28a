"""The bank gives what `draw` gives and draws only what is missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from uqcore.methods import METHODS
from uqcore.models.sampling import SampleBank, draw, draw_in_chunks, load_posterior, sample_numbers, with_mean_field
from uqcore.store import Store
from uqcore.types import ClosedForm, Draws, FloatArray, ModelRecord, Posterior, UqError


class Lines(Posterior):
    """A posterior whose sample s at x has the logits (s x, x): simple, and it notes what it is asked."""

    def __init__(self, n_samples: int | None = None, factor: float | None = None) -> None:
        self._n_samples, self._factor = n_samples, factor
        self.asked: list[list[int]] = []
        self.n_closed_forms = 0

    @property
    def n_samples(self) -> int | None:
        return self._n_samples

    @property
    def mean_field_factor(self) -> float | None:
        return self._factor

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        self.asked.append(list(samples))
        return np.stack([np.concatenate([sample * x, x], axis=1) for sample in samples]).astype(np.float32)

    def closed_form(self, x: FloatArray) -> ClosedForm | None:
        self.n_closed_forms += 1
        return None if self._factor is None else ClosedForm(np.hstack([x, -x]), x[:, 0] ** 2)


X = np.arange(6, dtype=np.float32)[:, None]


def assert_same(ours: Draws, expected: Draws) -> None:
    np.testing.assert_array_equal(ours.logits, expected.logits)
    np.testing.assert_array_equal(ours.predictive, expected.predictive)
    np.testing.assert_array_equal(ours.logit_variance, expected.logit_variance)


@pytest.mark.parametrize("factor", [None, 2.0])
def test_the_bank_draws_only_what_is_missing_and_gives_what_draw_gives(factor: float | None) -> None:
    posterior = Lines(factor=factor)
    bank = SampleBank(posterior)
    for n_samples in (3, 7, 5, 7, 1):
        assert_same(bank.take("x", X, n_samples), draw(Lines(factor=factor), X, n_samples))
    assert posterior.asked == [[0, 1, 2], [3, 4, 5, 6]]


def test_the_closed_form_is_computed_once() -> None:
    posterior = Lines(factor=1.0)
    bank = SampleBank(posterior)
    for n_samples in (2, 4, 6):
        bank.take("x", X, n_samples)
    assert posterior.n_closed_forms == 1


def test_inputs_are_told_apart_by_their_keys() -> None:
    posterior = Lines()
    bank = SampleBank(posterior)
    bank.take("x", X, 2)
    assert_same(bank.take("y", X + 1, 2), draw(Lines(), X + 1, 2))
    assert posterior.asked == [[0, 1], [0, 1]]


def test_what_was_taken_cannot_be_changed() -> None:
    taken = SampleBank(Lines()).take("x", X, 2)
    with pytest.raises(ValueError, match="read-only"):
        taken.logits[...] = 0


def test_the_inputs_used_least_recently_are_forgotten() -> None:
    posterior = Lines()
    drawn = draw(Lines(), X, 4)
    bank = SampleBank(posterior, max_bytes=2 * (drawn.logits.nbytes + drawn.probs.nbytes))
    for key in ("a", "b", "a", "c"):  # b is the one used least recently when c makes it too many
        bank.take(key, X, 4)
    posterior.asked.clear()
    bank.take("a", X, 4)
    bank.take("c", X, 4)
    assert posterior.asked == []
    bank.take("b", X, 4)
    assert posterior.asked == [[0, 1, 2, 3]]


def test_more_samples_of_the_same_inputs_count_as_what_they_add() -> None:
    posterior = Lines()
    drawn = draw(Lines(), X, 4)
    bank = SampleBank(posterior, max_bytes=2 * (drawn.logits.nbytes + drawn.probs.nbytes))
    for n in (1, 2, 3, 4, 4):
        for key in ("a", "b"):
            bank.take(key, X, n)
    assert len(posterior.asked) == 8  # each was drawn once: two of four samples have room
    bank.take("c", X, 1)
    bank.take("b", X, 4)
    assert len(posterior.asked) == 9
    bank.take("a", X, 1)
    assert posterior.asked[-1] == [0]


def test_one_set_of_inputs_is_kept_however_large() -> None:
    posterior = Lines()
    bank = SampleBank(posterior, max_bytes=1)
    bank.take("x", X, 2)
    assert_same(bank.take("x", X, 4), draw(Lines(), X, 4))
    assert posterior.asked == [[0, 1], [2, 3]]


def test_threads_get_the_same_and_no_sample_is_drawn_twice() -> None:
    posterior = Lines()
    bank = SampleBank(posterior)
    asked = [(key, n) for n in (5, 2, 9, 7) * 10 for key in range(4)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda job: bank.take(str(job[0]), X + job[0], job[1]), asked))
    for (key, n), drawn in zip(asked, taken, strict=True):
        assert_same(drawn, draw(Lines(), X + key, n))
    assert sum(map(len, posterior.asked)) == 4 * 9


def test_threads_get_the_same_while_the_bank_forgets() -> None:
    bank = SampleBank(Lines(), max_bytes=200)
    jobs = [(key, n) for n in (5, 2, 9) * 10 for key in range(4)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda job: bank.take(str(job[0]), X + job[0], job[1]), jobs))
    for (key, n), drawn in zip(jobs, taken, strict=True):
        assert_same(drawn, draw(Lines(), X + key, n))


def out_of_memory(logits: FloatArray) -> FloatArray:
    raise MemoryError


def test_a_failure_leaves_the_bank_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = SampleBank(Lines())
    bank.take("x", X, 2)
    with monkeypatch.context() as patch:
        patch.setattr("uqcore.models.sampling.softmax", out_of_memory)
        with pytest.raises(MemoryError):
            bank.take("x", X, 5)
    assert_same(bank.take("x", X, 5), draw(Lines(), X, 5))


def test_a_method_with_fewer_samples_gives_those_it_has() -> None:
    assert sample_numbers(Lines(n_samples=3), 50) == range(3)
    assert sample_numbers(Lines(n_samples=3), 2) == range(2)
    assert sample_numbers(Lines(), 50) == range(50)
    assert SampleBank(Lines(n_samples=3)).take("x", X, 50).logits.shape == (3, 6, 2)


@pytest.mark.parametrize("n_samples", [0, -1])
def test_no_sample_is_an_error(n_samples: int) -> None:
    words = f"at least 1 sample. Received: n_samples={n_samples}"
    with pytest.raises(UqError, match=words):
        draw(Lines(), X, n_samples)
    with pytest.raises(UqError, match=words):
        SampleBank(Lines()).take("x", X, n_samples)


@pytest.mark.parametrize("factor", [None, 2.0])
def test_drawing_in_chunks_is_drawing(factor: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uqcore.models.sampling.CHUNK", 4)
    ticks: list[int] = []
    assert_same(draw_in_chunks(Lines(factor=factor), X, 3, ticks.append), draw(Lines(factor=factor), X, 3))
    assert ticks == [4, 6]


def test_another_mean_field_factor_changes_the_predictive_alone() -> None:
    drawn = draw(Lines(factor=2.0), X, 3)
    assert_same(with_mean_field(drawn, 5.0), draw(Lines(factor=5.0), X, 3))
    plain = draw(Lines(), X, 3)
    assert_same(with_mean_field(plain, 5.0), plain)


# From the store


def test_every_method_loads_with_the_samples_that_it_has(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    n_samples = {method: load_posterior(tiny_store, record).n_samples for method, record in tiny.items()}
    assert n_samples.pop("deep_ensemble") == 2
    assert n_samples["deterministic"] == 1
    assert n_samples["mc_dropout"] is None
    assert set(n_samples.values()) == {1, None}


def test_a_record_that_does_not_fit_the_program_is_one_sentence(
    tiny_store: Store, tiny: dict[str, ModelRecord]
) -> None:
    record = tiny["sngp"]
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"method": "magic"}, "Unknown method 'magic'"),
        ({"task": "stars"}, f"one of the tasks {', '.join(METHODS['sngp'].configs)}; .* is for 'stars'"),
        ({"config": {"epochs": 1}}, r"`python -m uqcore train .*Expected the settings epochs, .*Received: epochs"),
        ({"config": {**record.config, "ridge": -1.0}}, "ridge must be above 0"),
    )
    for changes, words in cases:
        with pytest.raises(UqError, match=words):
            load_posterior(tiny_store, dataclasses.replace(record, **changes))


def test_a_score_comes_with_the_draws_and_is_asked_for_once() -> None:
    class Scored(Lines):
        n_scores = 0

        def score(self, x: FloatArray) -> FloatArray:
            Scored.n_scores += 1
            return x[:, 0] ** 2

    bank = SampleBank(Scored())
    for n_samples in (2, 4):
        np.testing.assert_array_equal(bank.take("x", X, n_samples).score, X[:, 0] ** 2)
    assert Scored.n_scores == 1
    np.testing.assert_array_equal(draw_in_chunks(Scored(), X, 2).score, X[:, 0] ** 2)
