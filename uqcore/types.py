"""The records that travel between the parts of the package: frozen, with no behaviour beyond views of themselves.

Axes are always ``(S, N, K)``: samples (draws of the model), examples, classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
Weights = Mapping[str, NDArray[Any]]


class UqError(Exception):
    """An error whose message is one clear sentence for the person at the keyboard: expected, came, what to do."""


def softmax(logits: FloatArray) -> FloatArray:
    """Softmax over the last axis, in the logits' dtype, shifted by the maximum: it neither overflows nor becomes 0/0.

    Computed in float64: rounded to float32 only then, it seldom depends on how a processor rounds exponentials.
    """
    exps = np.exp(np.subtract(logits, _largest(logits), dtype=np.float64))
    # Of two numbers there is one sum; of more, NumPy's order is kept.
    total = exps[..., :1] + exps[..., 1:] if exps.shape[-1] == 2 else exps.sum(axis=-1, keepdims=True)
    return (exps / total).astype(logits.dtype)


def _largest(values: FloatArray) -> FloatArray:
    """Over the last axis, which stays with length 1. Where it is short NumPy takes ten times as long as by columns."""
    if values.shape[-1] > _SHORT:
        return values.max(axis=-1, keepdims=True)
    largest = values[..., :1]
    for k in range(1, values.shape[-1]):
        largest = np.maximum(largest, values[..., k : k + 1])
    return largest


_SHORT = 16
_FEW = 100  # values of a sample


def folded_sum(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the first axis by halves: in the same order for any memory layout, rounding with log2 of its length."""
    while len(terms) > 1:
        half = len(terms) // 2
        last = terms[-1] if len(terms) % 2 else 0
        terms = terms[:half] + terms[half : 2 * half]
        terms[0] += last
    return terms[0]


def mean_over_samples(samples: FloatArray) -> NDArray[np.float64]:
    """Mean of ``(S, ...)`` over the first axis in float64, one sample after the other: the same for any layout."""
    if samples[0].size <= _FEW:  # of one input: the loop takes ten times as long, as many operations as samples
        return np.add.accumulate(samples, dtype=np.float64)[-1] / len(samples)
    total = np.zeros(samples.shape[1:])
    for sample in samples:
        total += sample
    return total / len(samples)


@dataclass(frozen=True, eq=False)
class Split:
    """Examples with their labels: ``x (N, *input_shape) float32``, ``y (N,) int64``; in regression ``y`` is float64."""

    x: FloatArray
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.y)

    def some(self, rows: IntArray | slice) -> FloatArray:
        """``x`` of some examples, by their numbers. Of images it is made from their bytes: a quarter of the memory."""
        return self.x[rows]


class Grid(NamedTuple):
    """The points at which a task with two coordinates is drawn: every ``y`` with every ``x``, both read-only."""

    x: FloatArray
    y: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: one row for each y, upwards, and one column for each x."""
        return len(self.y), len(self.x)

    def points(self) -> FloatArray:
        """``(rows * columns, 2)`` float32 as (x, y), row by row: values at them, in `shape`, are a picture."""
        x, y = np.meshgrid(self.x, self.y)
        return np.stack([x.ravel(), y.ravel()], axis=-1)


@dataclass(frozen=True, eq=False)
class OodSet:
    """Inputs from elsewhere, normalised as the task's own are.

    Attributes:
        title, noun: what people call the set and one of its inputs, e.g. "Fashion-MNIST" and "garment".
        make: reads or draws it: inputs with labels, or with none (``y (0,)``).
        class_names: of its own classes, none where it has none.
    """

    title: str
    noun: str
    make: Callable[[], Split]
    class_names: tuple[str, ...] = ()


class Drawn(NamedTuple):
    """What can be drawn for a task, ``noun``, and how strokes ``(n, 2)`` in [0, 1] become the input ``(*input_shape)``
    that shows it."""

    noun: str
    read: Callable[[Sequence[NDArray[Any]]], FloatArray]


class Dataset:
    """A task's data: what it is, at once, and its examples, each part made when it is first asked for and then kept.

    OOD data is for evaluation only: neither training nor any choice may look at it. All arrays are read-only. Asking
    for a part raises `UqError` if a bundled file is missing or damaged.

    Attributes:
        task_id: a key of `uqcore.datasets.DATASETS`.
        title, noun: what people call the set and one of its inputs, e.g. "MNIST" and "digit".
        class_names: the name of each of the K classes; none in regression, where one output is the function's value.
        ood_sets: OOD set's name -> the set.
        kept: the inputs, ``test`` or an OOD set, on which answers are kept beside each model for the pages over whole
            data sets (gallery, threshold lab); none where drawing is as quick as reading, and such pages leave it out.
        grid: where the inputs are points of a plane.
        usual_risk: the selective risk that pages ask for at first: what such models can mostly keep, set beforehand.
        half_precision: whether weights are stored in half precision where that changes no prediction.
        of_picture: a PNG or JPEG file -> the input that shows what is on it, normalised as the task's own are.
        drawn: what can be drawn, which may be of an OOD set.
    """

    def __init__(
        self,
        task_id: str,
        *,
        title: str,
        noun: str,
        train: Callable[[], Split],
        validation: Callable[[], Split],
        test: Callable[[], Split],
        ood: Mapping[str, OodSet],
        class_names: tuple[str, ...],
        kept: tuple[str, ...] = (),
        grid: Grid | None = None,
        usual_risk: float = 0.01,
        half_precision: bool = False,
        of_picture: Callable[[bytes], FloatArray] | None = None,
        drawn: Drawn | None = None,
    ) -> None:
        self.task_id, self.title, self.noun = task_id, title, noun
        self.ood_sets, self.class_names, self.kept, self.grid = ood, class_names, kept, grid
        self.usual_risk = usual_risk
        self.half_precision = half_precision
        self.of_picture, self.drawn = of_picture, drawn
        self._make = {"train": train, "validation": validation, "test": test}
        self._make |= {name: each.make for name, each in ood.items()}
        self._made: dict[str, Split] = {}
        self._lock = Lock()

    @property
    def train(self) -> Split:
        return self.part("train")

    @property
    def validation(self) -> Split:
        return self.part("validation")

    @property
    def test(self) -> Split:
        return self.part("test")

    @property
    def ood(self) -> Mapping[str, FloatArray]:
        """OOD set's name -> its inputs ``(N, *input_shape)``."""
        return {name: self.part(name).x for name in self.ood_sets}

    @property
    def is_regression(self) -> bool:
        """Whether labels are numbers to be met, not classes."""
        return not self.class_names

    def part(self, name: str) -> Split:
        """``train``, ``validation``, ``test`` (disjoint, normalised), or an OOD set with labels of its own classes."""
        with self._lock:  # else two first visitors would each build it
            if name not in self._made:
                split = self._make[name]()
                for array in vars(split).values():
                    if isinstance(array, np.ndarray):
                        array.setflags(write=False)
                self._made[name] = split
            return self._made[name]

    @cached_property
    def plane(self) -> FloatArray:
        """What is asked where the inputs are points of a plane, ``(N, 2)``: the grid's points first, then the test
        points, then the OOD points. ``(0, 2)`` where they are none."""
        if self.grid is None:
            return np.empty((0, 2), np.float32)
        return np.concatenate([self.grid.points(), self.test.x, *self.ood.values()])

    def names_in(self, name: str) -> tuple[str, ...]:
        """The names of the classes of `part` ``name``: the task's own, or the OOD set's."""
        return self.ood_sets[name].class_names if name in self.ood_sets else self.class_names

    def title_of(self, name: str) -> str:
        """What people call `part` ``name``."""
        return self.ood_sets[name].title if name in self.ood_sets else self.title


@dataclass(frozen=True, eq=False)
class Draws:
    """What a model says about N examples: S samples of the logits and, where the method has one, a closed form.

    In regression K is 1 and what is called a logit is the value of a sampled function: `uqcore.metrics.regression`
    reads it, and probabilities mean nothing.

    Attributes:
        logits: ``(S, N, K)``; slice s depends only on the model, the sample's number and the inputs.
        mean_logits: ``(N, K)`` posterior mean of the logits, or None where the method has only samples.
        variance: ``(N,)`` posterior variance of the logits, the same for every class, or None as above.
        mean_field_factor: the factor of `predictive` where the closed form is used.
        score: ``(N,)`` what the method itself computes of an input, e.g. its distance from the training data; not
            negative, larger is more uncertain. None for a method without one.
        sample_probs: ``softmax(logits)`` where somebody has it already, or None.
    """

    logits: FloatArray
    mean_logits: FloatArray | None = None
    variance: FloatArray | None = None
    mean_field_factor: float = np.pi / 8
    sample_probs: FloatArray | None = None
    score: FloatArray | None = None

    @cached_property
    def probs(self) -> FloatArray:
        """Class probabilities of every sample, ``(S, N, K)``."""
        return softmax(self.logits) if self.sample_probs is None else self.sample_probs

    @cached_property
    def predictive(self) -> FloatArray:
        """Predictive class probabilities ``(N, K)``.

        The mean of the samples' probabilities or, where there is a closed form, the mean-field approximation
        ``softmax(mean / sqrt(1 + factor * variance))`` (Lu, Ie & Sha 2020, arXiv 2006.07584).
        """
        if self.mean_logits is None or self.variance is None:
            return mean_over_samples(self.probs).astype(self.probs.dtype)
        return softmax(self.mean_logits / np.sqrt(1 + self.mean_field_factor * self.variance)[:, None])

    def first(self, n_samples: int) -> Draws:
        """The same without the samples after the first ``n_samples``; closed form and score stay."""
        probs = None if self.sample_probs is None else self.sample_probs[:n_samples]
        return replace(self, logits=self.logits[:n_samples], sample_probs=probs)

    @classmethod
    def concatenate(cls, draws: Sequence[Draws]) -> Draws:
        """The draws of one model for several groups of examples, as one."""
        return cls(
            np.concatenate([part.logits for part in draws], axis=1),
            _join([part.mean_logits for part in draws]),
            _join([part.variance for part in draws]),
            draws[0].mean_field_factor,
            score=_join([part.score for part in draws]),
        )

    @cached_property
    def logit_variance(self) -> FloatArray:
        """Variance of the logits ``(N,)``: the closed form, or over the samples (ddof 0) averaged over classes."""
        if self.variance is not None:
            return self.variance.astype(np.float64)
        mean, squares = mean_over_samples(self.logits), np.zeros(self.logits.shape[1:])
        for sample in self.logits:
            squares += np.square(sample - mean)
        of_class = np.moveaxis(squares, -1, 0)
        return folded_sum(of_class) / (len(self.logits) * len(of_class))


def _join(parts: Sequence[FloatArray | None]) -> FloatArray | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if present else None


class ClosedForm(NamedTuple):
    """A method's exact posterior of the logits: ``mean (N, K)`` and ``variance (N,)``, the same for every class."""

    mean: FloatArray
    variance: FloatArray


class Answer(NamedTuple):
    """All that a model says of inputs at once; see `Posterior.draw`, `Posterior.closed_form` and `Posterior.score`."""

    logits: FloatArray
    closed_form: ClosedForm | None
    score: FloatArray | None


class Posterior(ABC):
    """A trained model as served: read-only arrays and pure functions of them. Safe to share between threads."""

    @property
    def n_samples(self) -> int | None:
        """How many samples there are: 1 (a single pass), the members, or None for as many as one likes."""
        return None

    @property
    def mean_field_factor(self) -> float | None:
        """The factor chosen for `Draws.predictive`, or None for a method without a closed form."""
        return None

    @abstractmethod
    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        """Logits ``(len(samples), N, K)`` at ``x (N, *input_shape)``: sample s is the same function each time."""

    def closed_form(self, x: FloatArray) -> ClosedForm | None:
        """The posterior of the logits at ``x`` without sampling, or None for a method that has only samples."""
        return None

    def score(self, x: FloatArray) -> FloatArray | None:
        """The method's own score ``(N,)`` of inputs, see `Draws.score`, or None for a method without one."""
        return None

    def answer(self, x: FloatArray, samples: Sequence[int]) -> Answer:
        """The three of them, to the bit. A method whose samples and the rest come of one pass makes it once."""
        return Answer(self.draw(x, samples), self.closed_form(x), self.score(x))


@dataclass(frozen=True)
class StoredFile:
    """One file of the store: its path below the store's folder (with ``/``), its sha256 and its size."""

    path: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True)
class ModelRecord:
    """One row of the manifest: what a stored model is, where its arrays are and how it came to be.

    Attributes:
        model_id: ``task-method-seed<seed>``, with a digest of the configuration added unless it is the default.
        files: the arrays, in order. A method that is made of other models' arrays (MC Dropout of the deterministic
            network's, an ensemble of its members') lists those models' files, so nothing is stored twice.
        n_parameters: all parameters as Keras counts them; ``n_trainable``: those that training moved.
        metrics: figures of the last epoch, e.g. ``loss`` and ``accuracy``, on training and validation data.
        tables: name -> file of what was computed with the model once, for pages to look up (`uqcore.models.answers`,
            `uqcore.exhibits.front_page`, `uqcore.exhibits.function_table`).
    """

    model_id: str
    task: str
    method: str
    seed: int
    config: Mapping[str, Any]
    files: tuple[StoredFile, ...]
    n_parameters: int
    n_trainable: int
    training_time_s: float
    versions: Mapping[str, str]
    created: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, StoredFile] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What training leaves: arrays to store, the parameter counts and the last epoch's figures."""

    arrays: Weights
    n_parameters: int
    n_trainable: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Progress:
    """Where a training stands: epoch ``done`` of ``total`` and the figures so far."""

    done: int
    total: int
    metrics: Mapping[str, float]


Report = Callable[[Progress], None]

Tick = Callable[[int, int], None]
"""Told how many of how many parts of a piece of work are done."""

ShareTick = Callable[[float], None]
"""Told the share that is done, in 0..1."""


def shifted(tick: Tick, before: int, total: int) -> Callable[[int], None]:
    """For one piece of several: told what of it is done, tells ``tick`` what of all is, ``before`` it and in it."""
    return lambda done: tick(before + done, total)
