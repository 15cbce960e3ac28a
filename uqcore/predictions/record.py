"""`Predictions`: what a model, ours or a visitor's, says about N examples, and what is known about them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from uqcore.metrics.classification import checked_numbers, checked_probs
from uqcore.metrics.uncertainty import MEASURES
from uqcore.networks.parallel import map_examples
from uqcore.predictions.raw import NO_LABEL, Kind
from uqcore.predictions.roles import Roles
from uqcore.types import Draws, FloatArray, IntArray, UqError

CHUNK_NUMBERS = 2**18  # of `values` at a time: 2 MB in float64, so that 10 million examples need little more memory
_TINY = np.finfo(np.float32).tiny


class Images(Protocol):
    """Pictures ``(N, H, W[, C]) uint8``: an array, or what makes those that are asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class Predictions:
    """S samples of a model's output at N examples of K classes. Make one with `from_draws` or `read_predictions`.

    Attributes:
        name: what to call them: a model's name or a file's.
        kind: whether ``values`` are probabilities or logits.
        values: ``(S, N, K)``, or ``(N, K)`` for one sample; kept as ``(S, N, K) float32`` in C order, on which alone
            all that follows depends.
        class_names: the name of each of the K classes.
        labels: ``(N,) int64`` in 0..K-1, `NO_LABEL` where ``ood``; None where the labels are not known.
        ood: ``(N,) bool``, or None where no example is OOD.
        images: ``(N, H, W[, C]) uint8``, or None.
        mean_logits, variance, mean_field_factor: the closed form as in `Draws`, or None.
        score: ``(N,)`` the method's own score as in `Draws`, or None.
        averaged_over: of how many samples ``values``, one row of probabilities, are the average; None where the
            samples are here.
        of_samples: measure's id -> ``(N,)``, what those samples said before they were averaged.
        ids: column's name -> ``(N,)`` text: what names the examples, as it stands in their file.
        group: ``(N,)`` text, which group each is of; ``weight (N,)`` float64; ``time (N,)`` text. None without.
        roles: what the columns of the file were read as; None for predictions from elsewhere.
        left_out: what the file calls the columns or arrays that were not read.
        notes: a sentence for everything that was guessed, repaired or left out when a file was read.

    Raises:
        UqError: the arrays do not have these shapes, probabilities do not sum to 1, or a logit is not finite.
    """

    name: str
    kind: Kind
    values: FloatArray
    class_names: tuple[str, ...]
    labels: IntArray | None = None
    ood: NDArray[np.bool_] | None = None
    images: Images | None = None
    mean_logits: FloatArray | None = None
    variance: FloatArray | None = None
    mean_field_factor: float | None = None
    score: FloatArray | None = None
    averaged_over: int | None = None
    of_samples: Mapping[str, FloatArray] = field(default_factory=dict)
    ids: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    group: NDArray[Any] | None = None
    weight: FloatArray | None = None
    time: NDArray[Any] | None = None
    roles: Roles | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _measured: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False)
    _joined_of: Callable[[], Sequence[Predictions]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        values = checked_numbers(self.values, "values")
        if values.ndim not in (2, 3) or values.size == 0:
            raise UqError(
                f"`values` must have the axes (S, N, K) or (N, K) and not be empty. Received: {values.shape}."
            )
        values = checked_probs(values) if self.kind == "probs" else _finite(values, "values")
        for name in ("mean_logits", "variance", "score"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _finite(checked_numbers(getattr(self, name), name), name))
        object.__setattr__(self, "values", values if values.ndim == 3 else values[None])
        if len(self.class_names) != self.n_classes:
            raise UqError(f"Expected {self.n_classes} class names. Received: {len(self.class_names)}.")
        arrays = (self.labels, self.ood, self.images, self.mean_logits, self.variance, self.score)
        extras = (self.group, self.weight, self.time, *self.ids.values())
        for part in (*arrays, *extras, *self.of_samples.values()):
            if part is not None and len(part) != len(self):
                raise UqError(f"Every array must have {len(self)} examples, as `values` has. Received: {len(part)}.")

    @classmethod
    def from_draws(
        cls,
        draws: Draws,
        *,
        name: str,
        class_names: tuple[str, ...],
        labels: IntArray | None = None,
        ood: NDArray[np.bool_] | None = None,
        images: NDArray[np.uint8] | None = None,
    ) -> Predictions:
        """Predictions of one of our models, with its closed form where it has one. Labels of OOD are dropped."""
        ood = ood if ood is not None and ood.any() else None
        return cls(
            name,
            "logits",
            np.asarray(draws.logits, np.float32),
            class_names,
            labels if labels is None or ood is None else np.where(ood, NO_LABEL, labels),
            ood,
            images,
            draws.mean_logits,
            draws.variance,
            None if draws.mean_logits is None else draws.mean_field_factor,
            draws.score,
        )

    @classmethod
    def joined(
        cls,
        parts: Sequence[Predictions],
        labels: IntArray | None,
        ood: NDArray[np.bool_] | None,
        images: Images | None,
    ) -> Predictions:
        """What one model says of the examples of ``parts``, one after the other: probabilities, by as many samples.

        What is computed an example at a time is asked of the parts, which keep it: others may have them in common.
        Labels, OOD and images are those given.
        """
        first = parts[0]
        made = cls(
            first.name,
            "probs",
            np.concatenate([part.values for part in parts], axis=1),
            first.class_names,
            labels,
            ood,
            images,
            averaged_over=first.averaged_over,
            of_samples={name: np.concatenate([part.of_samples[name] for part in parts]) for name in first.of_samples},
        )
        object.__setattr__(made, "_joined_of", lambda: parts)  # a call, so that who counts bytes counts no part twice
        return made

    def __len__(self) -> int:
        return self.values.shape[1]

    @property
    def n_samples(self) -> int:
        return self.averaged_over or self.values.shape[0]

    @property
    def n_classes(self) -> int:
        return self.values.shape[2]

    @property
    def n_bytes(self) -> int:
        """Of memory that the arrays take, without what is computed of them."""
        parts = (self.values, self.labels, self.ood, self.images, self.mean_logits, self.variance, self.score)
        more = (self.group, self.weight, self.time, *self.ids.values(), *self.of_samples.values())
        return sum(part.nbytes for part in (*parts, *more) if isinstance(part, np.ndarray))

    @property
    def measures(self) -> tuple[str, ...]:
        """The ids in `MEASURES` that mean something here: several need samples, logits or exactly two classes."""
        return tuple(
            measure_id
            for measure_id, measure in MEASURES.items()
            if measure_id in self.of_samples
            or measure.fits(
                n_samples=len(self.values),
                n_classes=self.n_classes,
                has_logits=self.kind == "logits",
                has_variance=self.variance is not None,
                has_score=self.score is not None,
            )
        )

    def draws(self, part: slice = slice(None)) -> Draws:
        """The samples at some of the examples. Probabilities get their logarithms as logits, with log 0 = -87.3."""
        values, score = self.values[:, part], None if self.score is None else self.score[part]
        if self.kind == "probs":
            return Draws(np.log(np.maximum(values, _TINY)), sample_probs=values, score=score)
        if self.mean_logits is None or self.variance is None or self.mean_field_factor is None:
            return Draws(values, score=score)
        return Draws(values, self.mean_logits[part], self.variance[part], self.mean_field_factor, score=score)

    def measure(self, measure_id: str) -> FloatArray:
        """A measure of every example, ``(N,)`` read-only, computed some examples at a time and then kept.

        Raises:
            UqError: it is not one of `measures`.
        """
        if measure_id not in self.measures:
            raise UqError(
                f"Expected a measure that {self.name} has: {', '.join(self.measures)}. Received: {measure_id}."
            )
        if measure_id in self.of_samples:
            return self.of_samples[measure_id]
        if measure_id not in self._measured:
            compute = MEASURES[measure_id].compute
            self._measured[measure_id] = self._of_each(
                lambda one: one.measure(measure_id), lambda part: compute(self.draws(part))
            )
        return self._measured[measure_id]

    @cached_property
    def predictive(self) -> FloatArray:
        """Predictive class probabilities ``(N, K) float32``, as `Draws.predictive`. `predicted` needs less memory."""
        if self.kind == "probs" and len(self.values) == 1:
            return self.values[0]
        return self._in_chunks(lambda part: self.draws(part).predictive.astype(np.float32, copy=False))

    @cached_property
    def predicted(self) -> IntArray:
        """The most probable class of every example, ``(N,) int64``; of classes that tie, the first."""
        return self._of_each(lambda one: one.predicted, lambda part: self.draws(part).predictive.argmax(axis=1))

    @cached_property
    def correct(self) -> NDArray[np.bool_] | None:
        """Whether the label is the predicted class, ``(N,)``: never for OOD, which has none. None without labels."""
        return None if self.labels is None else self.predicted == self.labels

    @cached_property
    def in_distribution(self) -> NDArray[np.bool_]:
        """Which examples are not OOD, ``(N,)``."""
        return np.ones(len(self), np.bool_) if self.ood is None else ~self.ood

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of values, closed form, labels and OOD: the same for the same predictions from any kind of file."""
        digest = hashlib.sha256(f"{self.kind} {self.values.shape} {self.mean_field_factor}".encode())
        for name in ("mean_logits", "variance", "score", "labels", "ood"):
            array = getattr(self, name)
            if array is not None:
                digest.update(f"{name} {array.dtype.str}".encode() + np.ascontiguousarray(array).data)
        for name, array in sorted(self.of_samples.items()):
            digest.update(f"{name} {self.averaged_over}".encode() + np.ascontiguousarray(array).data)
        for sample in self.values:
            for part in self._parts():
                digest.update(np.ascontiguousarray(sample[part]).data)
        return digest.hexdigest()

    def subset(self, indices: IntArray | NDArray[np.bool_] | slice) -> Predictions:
        """These predictions at some of the examples: their numbers ``(M,)``, a mask ``(N,)`` or a slice."""

        def some(array: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if array is None else array[indices]

        ood = some(self.ood)
        return replace(
            self,
            values=self.values[:, indices],
            labels=some(self.labels),
            ood=ood if ood is not None and ood.any() else None,
            images=None if self.images is None else self.images[indices],
            mean_logits=some(self.mean_logits),
            variance=some(self.variance),
            score=some(self.score),
            of_samples={name: array[indices] for name, array in self.of_samples.items()},
            ids={name: array[indices] for name, array in self.ids.items()},
            group=some(self.group),
            weight=some(self.weight),
            time=some(self.time),
        )

    def _step(self) -> int:
        return max(1, CHUNK_NUMBERS // (len(self.values) * self.n_classes))

    def _parts(self) -> list[slice]:
        return [slice(i, i + self._step()) for i in range(0, len(self), self._step())]

    def _of_each(
        self, of_part: Callable[[Predictions], NDArray[Any]], of_slice: Callable[[slice], NDArray[Any]]
    ) -> NDArray[Any]:
        """Of every example: joined of the parts, where these predictions are, else computed of some at a time."""
        if self._joined_of is None:
            return self._in_chunks(of_slice)
        joined = np.concatenate([of_part(one) for one in self._joined_of()])
        joined.flags.writeable = False
        return joined

    def _in_chunks(self, function: Callable[[slice], NDArray[Any]]) -> NDArray[Any]:
        joined = np.concatenate(map_examples(function, len(self), self._step()))
        joined.flags.writeable = False
        return joined


def _finite(numbers: FloatArray, name: str) -> NDArray[np.float32]:
    checked = np.ascontiguousarray(numbers, np.float32)
    n_wrong = checked.size - sum(int(np.count_nonzero(np.isfinite(part))) for part in checked)
    if n_wrong:
        raise UqError(f"`{name}` must be finite 32-bit numbers. Received {n_wrong:,} that are NaN or infinite.")
    return checked
