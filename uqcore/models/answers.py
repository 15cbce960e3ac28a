"""What a stored model says of whole sets of inputs, kept beside it in tables: pages look it up and draw nothing.

A table holds, for each number of samples that one can choose, the predictive probabilities and those measures that need
the samples themselves. The probabilities are kept as logarithms in float16, which rounds the smallest of them most: all
that pages say of a set is said of the rounded ones. What no table has is drawn when asked for, and is rounded alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from uqcore import datasets
from uqcore.datasets.corruptions import add_noise, rotate
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.content import problem_with_answers
from uqcore.models.sampling import CHUNK, LADDER, draw, load_posterior, rungs
from uqcore.predictions.raw import NO_LABEL
from uqcore.predictions.record import Predictions
from uqcore.store import Store
from uqcore.types import (
    Dataset,
    Draws,
    FloatArray,
    IntArray,
    ModelRecord,
    Posterior,
    StoredFile,
    Tick,
    UqError,
    Weights,
    shifted,
    softmax,
)

MOST_SAMPLES = 50
"""Of a method that draws as many as one likes: as many as the Chainer article draws."""

TEST = ("test", 0.0)
"""The test set as a part to ask for, see `Answers.of`."""

PLANE = "plane"
"""The points of `Dataset.plane` as a part; of them there are as many samples as sliders go to."""

N_DISTURBED = 1000
"""How many test images noise and rotation disturb: the first 1,000, as in the MNIST article."""

NOISES = tuple(round(i / 20, 2) for i in range(21))
ROTATIONS = tuple(range(0, 181, 15))
_DISTURBANCES: dict[str, tuple[Sequence[float], Callable[[FloatArray, float, IntArray], FloatArray]]] = {
    "noise": (NOISES[1:], lambda x, weight, rows: add_noise(x, weight, 0, rows)),
    "rotation": (ROTATIONS[1:], lambda x, degrees, rows: rotate(x, degrees)),
}
"""Their values, and what they make of images ``x`` that are the ``rows`` of the test set."""
N_DISTURBANCES = sum(len(values) for values, _ in _DISTURBANCES.values())
"""How often they are disturbed."""

_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Unseen:
    """What stands for OOD, one group after the other.

    Attributes:
        others: the OOD sets of which answers are kept (`Dataset.kept`), e.g. Fashion-MNIST for a model of digits.
        noise: weight of the noise that replaces the first `N_DISTURBED` test images, one of `NOISES`; 0 for none.
        rotation: degrees by which the same images are turned, one of `ROTATIONS`; 0 for none.

    Raises:
        UqError: the noise or the rotation is none of those.
    """

    others: bool = True
    noise: float = 0.0
    rotation: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("noise", NOISES), ("rotation", ROTATIONS)):
            value = getattr(self, name)
            if value not in known:
                raise UqError(
                    f"The {name} must be from {known[0]:g} to {known[-1]:g} in steps of {known[1]:g}. "
                    f"Received: {value:g}."
                )


def answer(
    posterior: Posterior,
    x: FloatArray,
    tick: Callable[[int], None] = lambda done: None,
    most: int = MOST_SAMPLES,
) -> dict[str, FloatArray]:
    """What ``posterior`` says of ``x (N, *input_shape)``, as a table keeps it: by ``most`` samples at most.

    Returns:
        ``counts (R,)``, the numbers of samples to choose from; ``log_probs (R, N, K) float16``; and by its id, as
        ``(R, N) float32``, each measure that needs samples, logits or a score. R is 1 where all numbers say the same.
    """
    counts, chunks = rungs(posterior.n_samples, most), []
    for i in range(0, len(x), CHUNK):
        drawn = draw(posterior, x[i : i + CHUNK], counts[-1])
        of_counts = [_summary(drawn.first(n), counts[-1]) for n in counts]
        chunks.append({name: np.stack([one[name] for one in of_counts]) for name in of_counts[0]})
        tick(min(i + CHUNK, len(x)))
    joined = {name: np.concatenate([chunk[name] for chunk in chunks], axis=1) for name in chunks[0]}
    once = {name: array[:1] if (array == array[:1]).all() else array for name, array in joined.items()}
    return {"counts": np.array(counts), "has_variance": np.array([drawn.variance is not None]), **once}


def _summary(draws: Draws, n_samples: int) -> dict[str, FloatArray]:
    """Of the first of ``n_samples``: with all the measures that those have, so that every number has a row of each."""
    log_probs = np.log(np.maximum(draws.predictive, _TINY)).astype(np.float16)
    known = {
        measure_id: MEASURES[measure_id].compute(draws).astype(np.float32)
        for measure_id in _measures(n_samples, draws.variance is not None, draws.score is not None)
    }
    return {"log_probs": log_probs, **known}


def _measures(n_samples: int, has_variance: bool, has_score: bool) -> list[str]:
    """The measures that cannot be had from the predictive probabilities."""
    return [
        measure_id
        for measure_id, measure in MEASURES.items()
        if measure.needs & {"samples", "logits", "score"}
        and measure.fits(
            n_samples=n_samples, n_classes=0, has_logits=True, has_variance=has_variance, has_score=has_score
        )
    ]


def _has_all_measures(table: Weights) -> bool:
    """Not one that was made before somebody added a measure: it is as good as missing."""
    n_samples, has_variance = int(table["counts"].max()), bool(table["has_variance"].any())
    return set(_measures(n_samples, has_variance, "score" in table)) <= set(table)


def keep(store: Store, record: ModelRecord, tick: Tick = lambda done, total: None) -> ModelRecord:
    """Makes the tables of a model, stores them and puts the row that lists them; returns that row.

    A task without `Dataset.kept` has none, but that of its plane, if its inputs are points of one.

    Raises:
        UqError: the model cannot be read or the store not be written.
    """
    dataset, tables = datasets.load(record.task), dict(record.tables)
    if len(dataset.plane):
        tables[PLANE] = store.save_arrays(record.model_id, _plane(load_posterior(store, record), dataset), PLANE)
    if dataset.kept:
        tables |= _sets(store, record, dataset, tick)
    if tables == record.tables:
        return record
    record = replace(record, tables=tables)
    store.put(record)
    return record


def _plane(posterior: Posterior, dataset: Dataset) -> dict[str, FloatArray]:
    """`answer` on `Dataset.plane`; with ``mean_field_factor (1,)``, that of the probabilities, where there is one."""
    made, factor = answer(posterior, dataset.plane, most=LADDER[-1]), posterior.mean_field_factor
    return made if factor is None else made | {"mean_field_factor": np.array([factor])}


def _sets(store: Store, record: ModelRecord, dataset: Dataset, tick: Tick) -> dict[str, StoredFile]:
    """The tables of `Dataset.kept` and of what noise and rotation make of the test set."""
    tables = {}
    posterior, rows, done = load_posterior(store, record), np.arange(n_disturbed(dataset)), 0
    total = sum(len(dataset.part(name)) for name in dataset.kept) + N_DISTURBANCES * len(rows)
    for name in dataset.kept:
        made = answer(posterior, dataset.part(name).x, shifted(tick, done, total))
        tables[name] = store.save_arrays(record.model_id, made, f"answers-{name}")
        done += len(dataset.part(name))
    for name, (values, _) in _DISTURBANCES.items():
        each = []
        for value in values:
            each.append(answer(posterior, _disturbed(dataset, name, value, rows)))
            done += len(rows)
            tick(done, total)
        stacked = {array: np.stack([one[array] for one in _alike(each)]) for array in each[0]}
        tables[name] = store.save_arrays(record.model_id, stacked, f"answers-{name}")
    return tables


def _alike(tables: Sequence[Weights]) -> list[dict[str, FloatArray]]:
    """With as many rows in each table, where some would do with one."""
    most = {name: max(len(table[name]) for table in tables) for name in tables[0]}
    return [{name: np.repeat(a, most[name] // len(a), axis=0) for name, a in table.items()} for table in tables]


def checked(
    store: Store,
    record: ModelRecord,
    name: str,
    n_examples: int,
    values: tuple[int, ...] = (),
    most: int = MOST_SAMPLES,
) -> Weights:
    """The table ``name`` of a model as it is stored, made by `answer` of ``n_examples`` with ``most`` samples at most.

    Args:
        values: the shape of the axes in front: none, or the number of disturbances.

    Raises:
        UqError: it cannot be read, or is not one of this model's.
    """
    table = store.table(record, name)
    said = table["counts"].max(initial=1) if "counts" in table else 1
    counts = rungs(int(min(max(said, 1), most)), most)
    n_classes = len(datasets.load(record.task).class_names)
    problem = problem_with_answers(table, counts, n_examples, n_classes, values)
    if problem is not None:
        raise store.damage(record, record.tables[name], f"is intact and no such table: {problem}")
    return table


class Answers:
    """What one stored model says: read from its tables once and then kept, or drawn. Any number of threads may ask."""

    def __init__(self, store: Store, record: ModelRecord, name: str | None = None) -> None:
        """``name``: of its predictions; its method's label if there is none."""
        self.record, self.name = record, name or METHODS[record.method].label
        self._store = store
        self._read: dict[tuple[str, float], Weights] = {}
        self._lock = threading.Lock()

    @cached_property
    def dataset(self) -> Dataset:
        return datasets.load(self.record.task)

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of samples to choose from. UqError: a table cannot be read."""
        return tuple(self.of(*TEST)["counts"].tolist())

    def of(self, part: str, value: float = 0.0) -> Weights:
        """The table of ``part``: test set, OOD set, `PLANE`, or with its ``value`` a disturbance of the test set.

        Raises:
            UqError: the table, or without one the model, cannot be read.
        """
        with self._lock:  # else two first visitors would each read it
            if (part, value) not in self._read:
                self._read[part, value] = self._made(part, value)
            return self._read[part, value]

    def _made(self, part: str, value: float) -> Weights:
        if part in self.record.tables and _has_all_measures(whole := self.check(part)):
            if part not in _DISTURBANCES:
                return whole
            for i, known in enumerate(_DISTURBANCES[part][0]):
                self._read[part, known] = {name: array[i] for name, array in whole.items()}
            return self._read[part, value]
        posterior = load_posterior(self._store, self.record)
        if part == PLANE:
            return _plane(posterior, self.dataset)
        if part in _DISTURBANCES:
            return answer(posterior, _disturbed(self.dataset, part, value, np.arange(n_disturbed(self.dataset))))
        return answer(posterior, self.dataset.part(part).x)

    def check(self, part: str) -> Weights:
        """The table of ``part`` as it is stored. UqError: it is not one of this model's."""
        if part == PLANE:
            return checked(self._store, self.record, part, len(self.dataset.plane), most=LADDER[-1])
        if part in _DISTURBANCES:
            return checked(self._store, self.record, part, n_disturbed(self.dataset), (len(_DISTURBANCES[part][0]),))
        return checked(self._store, self.record, part, len(self.dataset.part(part)))

    def plane(self, n_samples: int, factor: float | None = None) -> Predictions:
        """What the model says of `Dataset.plane` by its first ``n_samples`` samples.

        All measures are there, also those that say little of one sample. With ``factor`` the mean-field factor is that
        (no effect without a closed form): the logarithms of the probabilities are the mean logits divided by
        ``sqrt(1 + factor x variance)``, and so are scaled by the ratio of two such roots.
        """
        return averaged(self.of(PLANE), self.record.method, self.dataset.class_names, n_samples, factor)

    def said(self, part: str, value: float, n_samples: int) -> Predictions:
        """What the model says of one part (see `of`) by its first ``n_samples`` samples. Labels are those of the test
        set; nothing is known of the others."""
        table = self.of(part, value)
        rung = _rung(table, n_samples)
        n_averaged = int(table["counts"][rung])
        at = {
            name: table[name][min(rung, len(table[name]) - 1)]
            for name in ("log_probs", *_measures(n_averaged, bool(table["has_variance"][0]), "score" in table))
        }
        return Predictions(
            self.name,
            "probs",
            softmax(at.pop("log_probs").astype(np.float32)),
            self.dataset.class_names,
            labels=self.dataset.test.y if (part, value) == TEST else None,
            images=Images((self._images(part, value),)),
            averaged_over=n_averaged,
            of_samples=at,
        )

    def predictions(
        self,
        parts: Sequence[tuple[str, float]],
        n_samples: int,
        said: Callable[[str, float], Predictions] | None = None,
    ) -> Predictions:
        """What the model says of ``parts`` (see `of`), one after the other, by its first ``n_samples`` samples.

        All but the test set count as OOD, if the test set is there; else nothing is known of them. ``said`` may give
        what it has kept of `said`.
        """
        each = [said(*part) if said is not None else self.said(*part, n_samples) for part in parts]
        if len(each) == 1:
            return each[0]
        n_test = len(self.dataset.test) if parts[0] == TEST else 0
        n = sum(map(len, each))
        return Predictions.joined(
            each,
            np.append(self.dataset.test.y, np.full(n - n_test, NO_LABEL)) if n_test else None,
            np.arange(n) >= n_test if n_test else None,
            Images(tuple(self._images(*part) for part in parts)),
        )

    def _images(self, part: str, value: float) -> Group:
        if part not in _DISTURBANCES:
            return Group(part, value, len(self.dataset.part(part)), lambda i: levels(self.dataset.part(part).some(i)))
        return Group(part, value, n_disturbed(self.dataset), lambda i: levels(_disturbed(self.dataset, part, value, i)))


def averaged(
    table: Weights, method_id: str, class_names: tuple[str, ...], n_samples: int, factor: float | None = None
) -> Predictions:
    """What a table (see `answer`) of a model says by the first ``n_samples`` samples: see `Answers.plane`."""
    rung = _rung(table, n_samples)
    at = {name: array[min(rung, len(array) - 1)] for name, array in table.items() if array.ndim > 1}
    log_probs = at.pop("log_probs").astype(np.float32)
    if factor is not None and "mean_field_factor" in table:
        kept, variance = table["mean_field_factor"][0], at["logit_variance"]
        log_probs *= np.sqrt((1 + kept * variance) / (1 + factor * variance))[:, None]
    return Predictions(
        METHODS[method_id].label,
        "probs",
        softmax(log_probs),
        class_names,
        averaged_over=int(table["counts"][rung]),
        of_samples=at,
    )


def _rung(table: Weights, n_samples: int) -> int:
    """The place in ``counts`` of the largest that is at most ``n_samples``, or of the first."""
    return max(0, int(np.searchsorted(table["counts"], n_samples, side="right")) - 1)


def n_disturbed(dataset: Dataset) -> int:
    """How many test images are disturbed: `N_DISTURBED`, or all of a smaller set."""
    return min(N_DISTURBED, len(dataset.test))


def _disturbed(dataset: Dataset, part: str, value: float, rows: IntArray) -> FloatArray:
    """Some of the first `n_disturbed` test images, disturbed: `rows` of what the table of ``part`` is of."""
    return _DISTURBANCES[part][1](dataset.test.some(rows), value, rows)


def predictions_of(
    answers: Answers,
    unseen: Unseen,
    n_samples: int,
    said: Callable[[str, float], Predictions] | None = None,
) -> Predictions:
    """What a model says about its test images and then about ``unseen``, from its first ``n_samples`` samples.
    ``said``: as of `Answers.predictions`.

    Raises:
        UqError: the model's files, or its tables, cannot be read.
    """
    dataset, parts = answers.dataset, [TEST]
    if unseen.others:
        parts += [(name, 0.0) for name in dataset.kept if name in dataset.ood_sets]
    parts += [(name, getattr(unseen, name)) for name in _DISTURBANCES if getattr(unseen, name)]
    return answers.predictions(parts, n_samples, said)


@dataclass(frozen=True, eq=False)
class Group:
    """``n`` images, of which ``take`` gives those with the numbers ``(M,)`` as ``(M, 28, 28) uint8``.

    ``part`` and ``value``: as `Answers.of` names them.
    """

    part: str
    value: float
    n: int
    take: Callable[[IntArray], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Images:
    """Groups of images one after the other, of which few are ever looked at: an array that makes what is asked for."""

    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return sum(group.n for group in self.groups)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.groups[0].take(np.arange(1)).shape[1:])

    def of(self, i: int) -> tuple[str, float, int]:
        """Part and value (see `Answers.of`) of image ``i``, and its number there."""
        for group in self.groups:
            if i < group.n:
                return group.part, group.value, i
            i -= group.n
        raise IndexError(i)

    def __getitem__(self, asked: IntArray | NDArray[np.bool_] | slice) -> NDArray[np.uint8]:
        indices = np.arange(len(self))[asked]
        made = np.empty((len(indices), *self.shape[1:]), np.uint8)
        start = 0
        for group in self.groups:
            inside = (indices >= start) & (indices < start + group.n)
            if inside.any():
                made[inside] = group.take(indices[inside] - start)
            start += group.n
        return made


def levels(images: FloatArray) -> NDArray[np.uint8]:
    """Grey levels ``(N, 28, 28) uint8`` of ``(N, 28, 28, 1)`` in [0, 1]."""
    return np.rint(255 * images[..., 0]).astype(np.uint8)
