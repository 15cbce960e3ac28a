"""What a file was understood as, before any number is made of it: for a person to see at a glance that it is so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from uqcore.predictions.raw import listed
from uqcore.predictions.record import Predictions
from uqcore.selection.weighted import weighted_shares
from uqcore.text import fine_percent as fine
from uqcore.types import FloatArray, IntArray

FIRST_ROWS = 10
_SUSPICIOUS = 30  # labelled examples from which an accuracy of 0 or 1 says something
_FEW = 0.1  # a class that is predicted for less than this share of its examples' number is named
_MANY = 10  # examples of a class from which that says something
_MOST_ORDERED = 50  # classes of which other orders are tried
_SHOWN_CLASSES = 6


class ClassShare(NamedTuple):
    """A class: its name, the share of the labels that it is, None without labels, and of the predictions."""

    name: str
    of_labels: float | None
    of_predictions: float


class ReadBack(NamedTuple):
    """A file as it was understood.

    Attributes:
        n_examples: with those that are OOD.
        n_ood: how many are.
        n_samples: of every example.
        kind: ``"probs"`` or ``"logits"``.
        classes: each with its shares among the examples that are not OOD.
        accuracy: share of those whose label is the most probable class; None without labels.
        base_rate: the share of the most frequent label, which always naming it would reach; None without labels.
        first_rows: of the first examples, column -> text: ids, the values of (up to 6) classes, predicted, label, ood.
        left_out: what the file calls the columns that were not read.
        notes: what was inferred, repaired or left out, a sentence each.
        warnings: what looks wrong, a sentence each.
    """

    n_examples: int
    n_ood: int
    n_samples: int
    kind: str
    classes: tuple[ClassShare, ...]
    accuracy: float | None
    base_rate: float | None
    first_rows: tuple[dict[str, str], ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The same in one line."""
        shares = [
            f"{one.name[:40]!r}" + (f" {fine(one.of_labels)}" if one.of_labels is not None else "")
            for one in self.classes[:_SHOWN_CLASSES]
        ]
        more = f" and {len(self.classes) - _SHOWN_CLASSES:,} more" if len(self.classes) > _SHOWN_CLASSES else ""
        ood = f", {self.n_ood:,} of them unseen (OOD)" if self.n_ood else ""
        samples = f", {self.n_samples:,} samples each" if self.n_samples > 1 else ""
        rate = "no labels"
        if self.accuracy is not None and self.base_rate is not None:
            rate = f"accuracy {fine(self.accuracy)}, where always naming the largest class has {fine(self.base_rate)}"
        classes = f"{len(self.classes):,} classes: {', '.join(shares)}{more}"
        return f"{self.n_examples:,} examples{ood}{samples}, {classes}; {rate}."


def read_back(predictions: Predictions) -> ReadBack:
    """What these predictions are, with warnings where a person would want one."""
    known = predictions.in_distribution
    k, names = predictions.n_classes, predictions.class_names
    predicted = predictions.predicted[known]
    of_predictions = _shares(np.bincount(predicted, minlength=k))
    labels = None if predictions.labels is None else predictions.labels[known]
    of_labels = None if labels is None else _shares(np.bincount(labels, minlength=k))
    right = None if labels is None or not len(labels) else float(np.mean(predicted == labels))
    return ReadBack(
        n_examples=len(predictions),
        n_ood=int(np.count_nonzero(~known)),
        n_samples=predictions.n_samples,
        kind=predictions.kind,
        classes=tuple(
            ClassShare(names[i], None if of_labels is None else float(of_labels[i]), float(of_predictions[i]))
            for i in range(k)
        ),
        accuracy=right,
        base_rate=None if right is None or of_labels is None else float(of_labels.max()),
        first_rows=tuple(_row(predictions, i) for i in range(min(FIRST_ROWS, len(predictions)))),
        left_out=predictions.left_out,
        notes=(*predictions.notes, *_on_weights(predictions, right)),
        warnings=() if labels is None or not len(labels) else tuple(_warnings(predictions)),
    )


def _on_weights(predictions: Predictions, right: float | None) -> tuple[str, ...]:
    """What weights there are, and what they count in."""
    if predictions.weight is None:
        return ()
    weight = predictions.weight[predictions.in_distribution]
    told = f"Weights from {weight.min():.4g} to {weight.max():.4g} count in a weighted risk" if len(weight) else ""
    if predictions.correct is not None and right is not None and weight.max(initial=0) > 0:
        correct = predictions.correct[predictions.in_distribution]
        share = weighted_shares(correct, correct, weight).accuracy
        told += f", and by weight the accuracy is {fine(share)}"
    return (f"{told}. Everywhere else every example counts once.",) if told else ()


def _shares(counts: IntArray) -> FloatArray:
    return counts / max(counts.sum(), 1)


def _row(predictions: Predictions, i: int) -> dict[str, str]:
    row = {name: str(ids[i]) for name, ids in predictions.ids.items()}
    for k in range(min(predictions.n_classes, _SHOWN_CLASSES)):
        row[f"{predictions.kind} {predictions.class_names[k]}"] = (
            f"{predictions.values[:, i, k].mean(dtype=np.float64):.4g}"
        )
    row["predicted"] = predictions.class_names[predictions.predicted[i]]
    if predictions.labels is not None:
        row["label"] = predictions.class_names[predictions.labels[i]] if predictions.labels[i] >= 0 else ""
    if predictions.ood is not None:
        row["ood"] = str(bool(predictions.ood[i])).lower()
    if predictions.group is not None:
        row["group"] = str(predictions.group[i])
    return row


def _warnings(predictions: Predictions) -> list[str]:
    known, k, names = predictions.in_distribution, predictions.n_classes, predictions.class_names
    assert predictions.labels is not None
    labels, predicted = predictions.labels[known], predictions.predicted[known]
    confusion = np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k) if k <= _MOST_ORDERED else None
    n_of, n_predicted = np.bincount(labels, minlength=k), np.bincount(predicted, minlength=k)
    right, largest, n = int(np.count_nonzero(labels == predicted)), int(n_of.argmax()), len(labels)
    found = []
    if right == n >= _SUSPICIOUS:
        found.append("Every label is the most probable class: check that the labels are not the model's predictions.")
    elif right <= n_of[largest] and n >= _SUSPICIOUS and not (n_predicted[largest] == n and right):
        found.append(
            f"The accuracy, {fine(right / n)}, is no better than always saying {names[largest][:40]!r}, "
            f"{fine(n_of[largest] / n)}: check the order of the classes and the column of labels."
        )
        if confusion is not None and (better := _better_order(confusion)) is not None:
            order, share = better
            found.append(
                f"With the values read as those of {listed([names[i] for i in order], _SHOWN_CLASSES)}, in this order, "
                f"the accuracy would be {fine(share)}."
            )
    rare = [i for i in range(k) if n_of[i] >= _MANY and n_predicted[i] < _FEW * n_of[i]]
    if rare:
        which = ", ".join(
            f"{names[i][:40]!r} ({n_of[i]:,} labels, {n_predicted[i]:,} predictions)" for i in rare[:_SHOWN_CLASSES]
        )
        found.append(f"Almost never predicted: {which}. An accuracy or a risk over all classes hides how these fare.")
    if n_of[largest] == n > 1:
        found.append(f"All labels are {names[largest][:40]!r}: nothing can be said of the other classes.")
    return found


def _better_order(confusion: IntArray) -> tuple[list[int], float] | None:
    """For each column of values the class that it would have to be of, if that makes most predictions right; and the
    share of them."""
    from scipy.optimize import linear_sum_assignment

    labels, columns = linear_sum_assignment(confusion, maximize=True)
    right, total = float(confusion[labels, columns].sum()), float(confusion.sum())
    if right <= max(float(np.trace(confusion)), float(confusion.sum(axis=1).max())):
        return None
    of_column = dict(zip(columns.tolist(), labels.tolist(), strict=True))
    return [of_column[i] for i in range(len(confusion))], right / total
