"""Samples on demand: a trained model, and a bank that keeps what was drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from uqcore.methods import method
from uqcore.methods.base import config_from_dict
from uqcore.models.content import checked_arrays
from uqcore.store import Store, rebuild_command
from uqcore.types import Answer, Draws, FloatArray, ModelRecord, Posterior, UqError, softmax

_BANK_BYTES = 2**22  # of each model: some thousand images
CHUNK = 1000
LADDER = (1, 2, 5, 10, 20, 50, 100)
"""The numbers of samples that a slider stops at: between them an estimate hardly changes."""

_NOTHING = np.empty((0, 0, 0), np.float32)


def load_posterior(store: Store, record: ModelRecord) -> Posterior:
    """The stored model, ready to draw from; its files are verified first."""
    chosen = method(record.method)
    if record.task not in chosen.configs:
        raise UqError(
            f"Expected one of the tasks {', '.join(chosen.configs)}; {record.model_id} is for {record.task!r}."
        )
    try:
        config = config_from_dict(chosen.configs[record.task], record.config)
    except UqError as error:
        raise UqError(
            f"{record.model_id} does not fit this version of the program; train it again with "
            f"`{rebuild_command(record)}`. ({error})"
        ) from error
    arrays = checked_arrays(store, record, chosen, config)
    try:
        return chosen.load(record.task, config, record.seed, arrays)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise store.damage(record, record.files[-1], f"is no model of {chosen.label} ({error})") from error


def sample_numbers(posterior: Posterior, n_samples: int) -> range:
    """Samples 0, 1, ... of a posterior: ``n_samples`` of them, or as many as it has."""
    if n_samples < 1:
        raise UqError(f"Expected at least 1 sample. Received: n_samples={n_samples}")
    return range(n_samples if posterior.n_samples is None else min(n_samples, posterior.n_samples))


def rungs(n_samples: int | None, most: int = LADDER[-1]) -> tuple[int, ...]:
    """The numbers of samples to choose from, where ``n_samples`` are there (None: as many as one likes)."""
    most = most if n_samples is None else min(n_samples, most)
    return (*(n for n in LADDER if n < most), most)


def draw(posterior: Posterior, x: FloatArray, n_samples: int) -> Draws:
    """The first ``n_samples`` samples at ``x (N, *input_shape)``, with closed form and score where there are such."""
    said = posterior.answer(x, sample_numbers(posterior, n_samples))
    return _draws(posterior, said.logits, _beside(said))


def draw_in_chunks(
    posterior: Posterior, x: FloatArray, n_samples: int, tick: Callable[[int], None] = lambda done: None
) -> Draws:
    """`draw` for many examples, some at a time, so that progress can be shown."""
    chunks = []
    for i in range(0, len(x), CHUNK):
        chunks.append(draw(posterior, x[i : i + CHUNK], n_samples))
        tick(min(i + CHUNK, len(x)))
    return Draws.concatenate(chunks)


class _Beside(NamedTuple):
    """What a posterior says of inputs beside its samples; see `Draws`."""

    mean_logits: FloatArray | None
    variance: FloatArray | None
    score: FloatArray | None


def _beside(said: Answer) -> _Beside:
    mean, variance = (None, None) if said.closed_form is None else said.closed_form
    return _Beside(mean, variance, said.score)


def _draws(posterior: Posterior, logits: FloatArray, beside: _Beside, probs: FloatArray | None = None) -> Draws:
    factor = posterior.mean_field_factor
    if factor is None:
        return Draws(logits, sample_probs=probs, score=beside.score)
    return Draws(logits, beside.mean_logits, beside.variance, factor, probs, beside.score)


@dataclass(eq=False)
class _Drawn:
    """What was drawn for one set of inputs: the first samples, in order, and what is said beside them."""

    logits: FloatArray
    probs: FloatArray
    beside: _Beside
    counted: int = 0  # bytes, in the bank's sum
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def n_bytes(self) -> int:
        return self.logits.nbytes + self.probs.nbytes + sum(array.nbytes for array in self.beside if array is not None)


class SampleBank:
    """Keeps the samples of one posterior: `take` draws only what is missing.

    Inputs are named by the caller with a key that determines them (an id, a seed, a sha256). The inputs used least
    recently are forgotten when all samples together exceed ``max_bytes``. Any number of threads may take at once.
    """

    def __init__(self, posterior: Posterior, max_bytes: int = _BANK_BYTES) -> None:
        self.posterior = posterior
        self._max_bytes = max_bytes
        self._drawn: OrderedDict[str, _Drawn] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()

    def take(self, key: str, x: FloatArray, n_samples: int) -> Draws:
        """The first ``n_samples`` samples at the inputs ``x`` named ``key``: the same as `draw` gives."""
        numbers = sample_numbers(self.posterior, n_samples)
        drawn = self._find(key)
        with drawn.lock:
            n_bytes = drawn.n_bytes
            missing = range(len(drawn.logits), len(numbers))
            if missing:
                if len(drawn.logits):
                    more = self.posterior.draw(x, missing)
                else:
                    said = self.posterior.answer(x, missing)
                    more, drawn.beside = said.logits, _beside(said)
                # Together: a failure between them would pair samples with the probabilities of fewer.
                drawn.logits, drawn.probs = _extended(drawn.logits, more), _extended(drawn.probs, softmax(more))
            logits, probs, beside = drawn.logits, drawn.probs, drawn.beside
            more_bytes = drawn.n_bytes - n_bytes
        self._count(key, drawn, more_bytes)
        return _draws(self.posterior, logits[: len(numbers)], beside, probs[: len(numbers)])

    def _find(self, key: str) -> _Drawn:
        with self._lock:
            drawn = self._drawn.setdefault(key, _Drawn(_NOTHING, _NOTHING, _Beside(None, None, None)))
            self._drawn.move_to_end(key)
            return drawn

    def _count(self, kept: str, drawn: _Drawn, more_bytes: int) -> None:
        """Adds what ``drawn`` takes more, and forgets others until all have room."""
        with self._lock:
            if self._drawn.get(kept) is drawn:  # else it was forgotten while it was drawn
                drawn.counted += more_bytes
                self._n_bytes += more_bytes
            while self._n_bytes > self._max_bytes and len(self._drawn) > 1:
                oldest = next(key for key in self._drawn if key != kept)
                self._n_bytes -= self._drawn.pop(oldest).counted


def _extended(logits: FloatArray, more: FloatArray) -> FloatArray:
    extended = np.concatenate([logits, more]) if len(logits) else more
    extended.flags.writeable = False
    return extended


def with_mean_field(draws: Draws, factor: float) -> Draws:
    """The same draws with another mean-field factor; no effect on a method without a closed form."""
    return replace(draws, mean_field_factor=factor)
