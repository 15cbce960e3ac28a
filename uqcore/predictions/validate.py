"""The border: what a file holds becomes `Predictions`, or one sentence says what was expected and what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from uqcore.metrics.classification import ROW_SUM_TOLERANCE
from uqcore.predictions.axes import Clues, in_order, reordered
from uqcore.predictions.labels import (
    Labels,
    checked_class_names,
    checked_labels,
    checked_ood,
    column_length,
    largest_label,
    texts_of,
)
from uqcore.predictions.raw import Found, TextColumn, counted
from uqcore.predictions.record import Predictions
from uqcore.types import FloatArray, UqError

_CHUNK_NUMBERS = 2**20
_CHANNELS = (1, 3, 4)
_LARGEST = float(np.finfo(np.float32).max)
_MOST_NAMES = 10**6  # characters of class names in roles, which go into policies and links


class NotNormalized(UqError):  # noqa: N818  what is the matter, not that it is one
    """Rows of probabilities do not sum to 1, which dividing each by its sum would repair.

    Attributes:
        n_examples: how many examples have such a row.
        furthest: the largest distance of a sum from 1.
    """

    def __init__(self, examples: NDArray[np.bool_], furthest: float, up_to_one: bool) -> None:
        self.n_examples, self.furthest = int(examples.sum()), furthest
        advice = "apply softmax if these are logits"
        if up_to_one:  # no logits, then
            advice = "leave it at that if several classes can be true at once (a sigmoid for each)"
        super().__init__(
            f"Expected rows of `probs` that sum to 1, give or take {ROW_SUM_TOLERANCE}. Received sums up to "
            f"{furthest:.3g} away for {counted(examples)}; {advice}, or have them normalised."
        )


def checked(found: Found, name: str, normalize: bool, max_examples: int | None = None) -> Predictions:
    """The predictions in a file, at most so many, all of it checked; ``normalize`` divides rows of probabilities by
    their sums.

    Sums within `ROW_SUM_TOLERANCE` of 1 are rounding: such rows stay as they came, so that a policy chosen here
    decides the same about the same numbers elsewhere.

    Raises:
        NotNormalized: only the sums of the rows are wrong.
        UqError: anything else is.
    """
    if _is_one_column(found.values):  # before there are two
        _check_count(found.values.size, max_examples)
    found = of_two(found)
    values, note = _ordered(found)
    _check_count(values.shape[1], max_examples)
    n_classes = values.shape[2]
    _check_finite(found.kind, values)
    notes = [*found.notes, note] if note else [*found.notes]
    note = note_on_logits(values) if found.kind == "logits" else _as_probs(values, found.kind, normalize)
    notes += [note] if note else []
    class_names = None if found.class_names is None else checked_class_names(found.class_names, n_classes)
    ood = None if found.ood is None else checked_ood(found.ood)
    labels = Labels(None) if found.labels is None else checked_labels(found.labels, ood, n_classes, class_names)
    class_names = class_names or labels.class_names or tuple(map(str, range(n_classes)))
    if found.images is not None:
        _check_images(found.images)
    if found.score is not None:
        _check_score(found.score, values.shape[1])
    _check_extras(found, values.shape[1])
    return _with_closed_form(
        Predictions(
            name=name,
            kind="logits" if found.kind == "logits" else "probs",
            values=values,
            class_names=class_names,
            labels=labels.labels,
            ood=ood,
            images=found.images,
            score=found.score,
            ids=found.ids,
            group=None if found.group is None else texts_of(found.group),
            weight=None if found.weight is None else _checked_weight(found.weight),
            time=found.time,
            roles=found.roles and replace(found.roles, classes=default_classes(class_names)),
            left_out=found.left_out,
            notes=(*notes, *labels.notes),
        ),
        found,
    )


def _check_count(n_examples: int, most: int | None) -> None:
    if most is not None and n_examples > most:
        raise UqError(f"Expected at most {most:,} examples here. Received {n_examples:,}; save fewer of them.")


def _is_one_column(values: FloatArray) -> bool:
    return values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)


def of_two(found: Found) -> Found:
    """Of one column ``(N,)`` or ``(N, 1)``, what it says of both classes: 1 - p and p, or the logits 0 and z."""
    if not _is_one_column(found.values):
        return found
    one = found.values.reshape(-1, 1)
    if found.kind == "logits":
        note = "One column of logits was read as that of the second of two classes, beside 0 for the first."
        return replace(
            found, values=np.concatenate([np.zeros_like(one), one], axis=1), order="NK", notes=(*found.notes, note)
        )
    if found.kind == "percent":
        one = one / np.float32(100)
    finite = one[np.isfinite(one)]
    if finite.size and (finite.min() < 0 or finite.max() > 1):
        raise UqError(
            f"Expected one column of probabilities from 0 to 1, of the second of two classes. Received numbers from "
            f"{finite.min():.3g} to {finite.max():.3g}; if these are logits, say so by their name."
        )
    note = "One column of probabilities was read as that of the second of two classes."
    notes = found.notes if found.roles and found.roles.predicted else (*found.notes, note)
    return replace(found, kind="probs", values=np.concatenate([1 - one, one], axis=1), order="NK", notes=notes)


def default_classes(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """None for the names that classes have where nothing names them, the numbers from 0, and for names like books."""
    too_long = sum(map(len, names)) > _MOST_NAMES
    return None if too_long or names == tuple(map(str, range(len(names)))) else names


def _checked_weight(weight: FloatArray) -> FloatArray:
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        raise UqError(f"Expected weights of 0 or more. Received others, or none, for {counted(wrong)}; correct them.")
    return weight


def _ordered(found: Found) -> tuple[FloatArray, str | None]:
    """The values as ``(S, N, K)``, and a note if the axes were guessed."""
    if found.values.size == 0:
        raise UqError(
            f"Expected at least one example in `{found.kind}`. Received shape: {found.values.shape}; save the "
            f"examples too."
        )
    n_others = _n_examples(found)
    if found.order is not None:
        values, note = reordered(found.values, found.order), None
        if n_others not in (None, values.shape[1]):
            raise UqError(
                f"Expected as many labels as predictions. Received {n_others:,} labels and {values.shape[1]:,} "
                f"predictions; check that both files are about the same examples."
            )
    else:
        n_classes = None if found.class_names is None else found.class_names.size
        clues = Clues(n_others, n_classes, largest_label(found.labels))
        values, note = in_order("logits" if found.kind == "logits" else "probs", found.values, clues)
    if values.shape[2] < 2:
        raise UqError(
            f"Expected `{found.kind}` of 2 classes or more. Received samples of 1, shape {found.values.shape}; save "
            f"the values of both classes."
        )
    return values, note


def _n_examples(found: Found) -> int | None:
    """How many examples the arrays beside the values are about; None if there are none."""
    lengths = {}
    if found.labels is not None:
        lengths["labels"] = column_length(found.labels, "labels")
    if found.ood is not None:
        lengths["ood"] = column_length(found.ood, "ood")
    if found.images is not None and found.images.ndim:
        lengths["images"] = len(found.images)
    if len(set(lengths.values())) > 1:
        came = " and ".join(f"{n:,} in `{name}`" for name, n in lengths.items())
        raise UqError(
            f"Expected as many entries in every array as there are examples. Received: {came}; save all of the same."
        )
    return next(iter(lengths.values()), None)


def _chunks(values: FloatArray) -> Iterator[slice]:
    step = max(1, _CHUNK_NUMBERS // (values.shape[0] * values.shape[2]))
    return (slice(i, i + step) for i in range(0, values.shape[1], step))


def _check_finite(kind: str, values: FloatArray) -> None:
    finite = np.concatenate([np.isfinite(values[:, part]).all(axis=(0, 2)) for part in _chunks(values)])
    if not finite.all():
        raise UqError(
            f"Expected a finite number for every class in `{kind}`. Received NaN, infinity, an empty cell or a number "
            f"beyond 32 bits for {counted(~finite)}; leave those examples out."
        )


def _as_probs(values: FloatArray, kind: str, normalize: bool) -> str | None:
    """Puts probabilities right in place, as the array was made for us; a note on what had to be done."""
    smallest = np.concatenate([values[:, part].min(axis=(0, 2)) for part in _chunks(values)])
    if (smallest < 0).any():
        raise UqError(
            f"Expected probabilities from 0 to 1 in `probs`. Received numbers down to {smallest.min():.3g} for "
            f"{counted(smallest < 0)}; if these are logits, name the array or the columns so."
        )
    note = None
    distance = _distance(values)
    if kind == "percent" or (kind == "probs" and distance.min() > 50 and _distance(values, 100).max() <= 1):
        note = "Percentages were divided by 100."
        values /= 100
        distance = _distance(values)
    wrong = distance > ROW_SUM_TOLERANCE
    if not wrong.any():
        return note
    zeros = np.concatenate([(_sums(values[:, part]) == 0).any(axis=0) for part in _chunks(values)])
    if zeros.any():
        raise UqError(
            f"Expected rows of `probs` that sum to 1. Received nothing but zeros for {counted(zeros)}; leave those out."
        )
    is_rounding = _is_rounding(values, float(distance.max()))
    if not (is_rounding or normalize or kind == "scores"):
        up_to_one = all(values[:, part].max() <= 1 for part in _chunks(values))
        raise NotNormalized(wrong, float(distance.max()), up_to_one)
    for part in _chunks(values):
        sums = _sums(values[:, part])
        if is_rounding:  # the other rows stay as they came
            sums[np.abs(sums - 1) <= ROW_SUM_TOLERANCE] = 1
        values[:, part] /= sums[..., None]
    repair = "Rows of `probs` did not sum to 1 and were divided by their sums."
    if is_rounding:
        repair = (
            f"Probabilities are rounded, so that sums are up to {distance.max():.2g} away from 1: "
            f"{counted(wrong)} with sums {ROW_SUM_TOLERANCE} away or more were divided by them."
        )
    return f"{note} {repair}" if note else repair


def _distance(values: FloatArray, total: float = 1) -> FloatArray:
    """Of each example's sum from ``total``, the largest of its samples ``(N,)``."""
    return np.concatenate([np.abs(_sums(values[:, part]) - total).max(axis=0) for part in _chunks(values)])


def _is_rounding(values: FloatArray, furthest: float) -> bool:
    """Whether sums are no further from 1 than rounding K numbers to the decimals that all have can bring them."""
    for decimals in (4, 3, 2):
        if furthest <= 0.5001 * values.shape[2] * 10.0**-decimals + 1e-6:
            scaled = (values[:, part].astype(np.float64) * 10**decimals for part in _chunks(values))
            if all(np.abs(some - some.round()).max() < 1e-3 for some in scaled):
                return True
    return False


def note_on_logits(values: FloatArray) -> str | None:
    """A note on logits that look like something else."""
    if not all(values[:, part].min() >= 0 and values[:, part].max() <= 1 for part in _chunks(values)):
        return None
    near = _distance(values) <= ROW_SUM_TOLERANCE
    if near.all():
        return "These logits are from 0 to 1 and every row sums to 1, as probabilities do; check which they are."
    if not near.any():
        return (
            "These logits are from 0 to 1 and no row sums to 1, as if each class had a sigmoid of its own; check that "
            "they are logits, and that one class is true and not several."
        )
    return None


def _sums(probs: FloatArray) -> FloatArray:
    return probs.sum(axis=2, dtype=np.float64)


def _check_extras(found: Found, n_examples: int) -> None:
    """UqError unless group, weight, time and ids have an entry for each example."""
    for name, column in {"group": found.group, "weight": found.weight, "time": found.time, **found.ids}.items():
        if column is None:
            continue
        shape = column.codes.shape if isinstance(column, TextColumn) else column.shape
        if shape not in ((n_examples,), (n_examples, 1)):
            raise UqError(
                f"Expected one entry of {name[:40]!r} for each of {n_examples:,} examples. Received shape {shape}; "
                f"leave it out, or save it again."
            )


def _check_images(images: NDArray[np.uint8]) -> None:
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in _CHANNELS) or images.size == 0:
        raise UqError(
            f"Expected `images` of shape (N, H, W), or (N, H, W, C) with 1, 3 or 4 channels. Received: {images.shape}; "
            f"save them so, or leave them out."
        )


def _check_score(score: FloatArray, n_examples: int) -> None:
    if score.shape != (n_examples,) or not np.isfinite(score).all():
        raise UqError(
            f"Expected `score` of shape {(n_examples,)}, a finite number for each example. Received: {score.shape}"
            f"{'' if np.isfinite(score).all() else ' with NaN or infinity'}; correct it, or leave it out."
        )


def _with_closed_form(predictions: Predictions, found: Found) -> Predictions:
    """With the closed form of a model such as SNGP, if the file has one, as `write_npz` leaves it."""
    mean, variance, factor = found.mean_logits, found.variance, found.mean_field_factor
    if mean is None and variance is None and factor is None:
        return predictions
    _, n, k = predictions.values.shape
    if mean is None or variance is None or factor is None or predictions.kind != "logits":
        raise UqError(
            "Expected `logits`, `mean_logits`, `variance` and `mean_field_factor` together, or only the first. "
            "Received some of them; leave out the rest."
        )
    if mean.shape != (n, k) or variance.shape != (n,) or factor.shape != ():
        raise UqError(
            f"Expected `mean_logits` of shape {(n, k)}, `variance` of {(n,)} and `mean_field_factor` of (). "
            f"Received: {mean.shape}, {variance.shape} and {factor.shape}; correct them, or leave all three out."
        )
    if not all(np.isfinite(array).all() for array in (mean, variance, factor)) or variance.min() < 0 or factor < 0:
        raise UqError(
            "Expected finite numbers in the closed form, with a variance and a factor of 0 or more. Received others; "
            "correct them, or leave the three out."
        )
    largest = float(factor) * float(variance.max())
    if largest > _LARGEST:
        raise UqError(
            f"Expected `mean_field_factor` times `variance` of at most {_LARGEST:.2g}. Received up to {largest:.3g}; "
            f"check both."
        )
    return replace(predictions, mean_logits=mean, variance=variance, mean_field_factor=float(factor))
