"""Several models' predictions of the same examples: from one file or several, in one order of examples and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.raw import listed
from uqcore.predictions.reading import Source, read_predictions
from uqcore.predictions.record import Predictions
from uqcore.predictions.roles import SeveralModels
from uqcore.types import IntArray, UqError


def read_models(source: Source, name: str, **options: Any) -> dict[str, Predictions]:
    """All models of a file, by name: one under ``name`` itself, or several, each as `read_predictions` reads it.

    Args:
        source, name: as for `read_predictions`.
        options: its others, without ``model``.

    Raises:
        UqError: as for `read_predictions`.
    """
    try:
        return {name: read_predictions(source, name, **options)}
    except SeveralModels as several:
        read = {one: read_predictions(source, name, model=one, **options) for one in several.names}
    return {one: replace(predictions, name=one) for one, predictions in read.items()}


def same_examples(models: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """The predictions of all models in the first one's order of examples and classes.

    Examples are told by an id, where all have one under the same name that no two examples share; else by their order,
    where labels, which are equal, or at least their number say that it is the same. Who has no labels gets those of the
    others.

    Raises:
        UqError: there are fewer than two models, or they are not about the same examples or classes.
    """
    if len(models) < 2:
        raise UqError(f"Expected predictions of two models or more. Received {len(models)}; give another file.")
    (first, of_first), *others = models.items()
    labelled = next((one for one in models.values() if one.labels is not None), of_first)
    ids = _common_id([*models.values()])
    made = {first: of_first}
    for name, predictions in others:
        classes = _classes(of_first, predictions, (first, name))
        rows = None if ids is None else _rows(of_first.ids[ids], predictions.ids[ids], (first, name), ids)
        aligned = predictions if rows is None else predictions.subset(rows)
        if len(aligned) != len(of_first):
            raise UqError(
                f"Expected the same examples in all predictions. Received {len(of_first):,} of {first[:40]!r} and "
                f"{len(aligned):,} of {name[:40]!r}; give both the same, or ids to match them by."
            )
        made[name] = aligned if classes is None else _reordered(aligned, classes)
    reference = made[next(name for name, one in models.items() if one is labelled)]
    return {name: _with_labels(one, reference, name) for name, one in made.items()}


def _common_id(models: Sequence[Predictions]) -> str | None:
    """A column of ids that all have, each example its own."""
    for name in models[0].ids:
        if all(name in one.ids and len({*one.ids[name].tolist()}) == len(one) for one in models):
            return name
    return None


def _rows(wanted: NDArray[Any], given: NDArray[Any], names: tuple[str, str], column: str) -> IntArray:
    place = {text: i for i, text in enumerate(given.tolist())}
    missing = [text for text in wanted.tolist() if text not in place]
    if missing or len(place) != len(wanted):
        more = [*place.keys() - {*wanted.tolist()}]
        whose, lacks = (names[1], missing) if missing else (names[0], sorted(more))
        raise UqError(
            f"Expected the same examples in all predictions. Received {len(lacks):,} of them, such as "
            f"{listed(lacks, 2)} in {column[:40]!r}, that {whose[:40]!r} lacks; keep those that all have."
        )
    return np.array([place[text] for text in wanted.tolist()], np.int64)


def _classes(first: Predictions, other: Predictions, names: tuple[str, str]) -> list[int] | None:
    """The places of the first one's classes in the other; None where they are the same."""
    if first.class_names == other.class_names:
        return None
    if {*first.class_names} != {*other.class_names} or len({*first.class_names}) != first.n_classes:
        raise UqError(
            f"Expected the same classes in all predictions. Received {listed(first.class_names)} of {names[0][:40]!r} "
            f"and {listed(other.class_names)} of {names[1][:40]!r}; give them the same names."
        )
    return [other.class_names.index(name) for name in first.class_names]


def _reordered(predictions: Predictions, classes: list[int]) -> Predictions:
    place = np.argsort(classes)

    def some(array: Any) -> Any:
        return None if array is None else array[..., classes]

    labels = predictions.labels
    return replace(
        predictions,
        values=predictions.values[..., classes],
        class_names=tuple(predictions.class_names[k] for k in classes),
        labels=None if labels is None else np.where(labels < 0, labels, place[labels]),
        mean_logits=some(predictions.mean_logits),
        # The policy that is chosen has the order of the file that it will meet.
        roles=None if predictions.roles is None else _roles(predictions, classes),
    )


def _roles(predictions: Predictions, classes: list[int]) -> Any:
    roles = predictions.roles
    assert roles is not None
    if len(roles.values) == len(classes):
        names = tuple(predictions.class_names[k] for k in classes)
        return replace(roles, values=tuple(roles.values[k] for k in classes), classes=names)
    return roles


def _with_labels(predictions: Predictions, reference: Predictions, name: str) -> Predictions:
    if predictions.labels is None:
        return replace(predictions, labels=reference.labels, ood=reference.ood)
    assert reference.labels is not None
    differ = np.flatnonzero(predictions.labels != reference.labels)
    if len(differ):
        raise UqError(
            f"Expected the same true labels in all predictions. Received others of {name[:40]!r} for {len(differ):,} "
            f"of {len(predictions):,} examples, first of number {differ[0]:,}; check that all have the same examples "
            f"in the same order, or give ids to match them by."
        )
    return predictions
