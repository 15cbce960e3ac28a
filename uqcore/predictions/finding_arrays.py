"""Which array of an NPZ file is what, by names, shapes and types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from uqcore.predictions.finding_models import bare_names
from uqcore.predictions.raw import listed, plain
from uqcore.predictions.roles import Asked, Roles, SeveralModels, Unclear
from uqcore.predictions.vocabulary import GROUPS, LABELS, OOD, TIMES, WEIGHTS, is_id, is_role, strength
from uqcore.types import UqError

_CLASS_NAMES = ("class_names", "classes", "class_labels", "label_names", "target_names", "labels_names", "names")
_DOCUMENTED = ("probs", "logits")


class ArrayHead(NamedTuple):
    """An array as its header has it: its shape, and the kind of its dtype as `numpy.dtype.kind`."""

    shape: tuple[int, ...]
    kind: str


class SeveralArrays(Unclear):
    """Several arrays may be the values: ``names``."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(
            f"Expected the probabilities of one model. Received several arrays that could be: {listed(names)}; "
            f"say which.",
            "values",
        )


def settled_arrays(arrays: Mapping[str, ArrayHead], asked: Roles | Asked | None) -> Roles:
    """What the arrays are; ``kind`` and ``classes`` are left to their content.

    Raises:
        Unclear: several arrays may be the values.
        UqError: none may, or what is asked for is not there.
    """
    if isinstance(asked, Roles):
        return asked.within(arrays)
    asked = asked or Asked()
    for name in (*(asked.values or ()), *(n for n in (asked.label, asked.ood, asked.group, asked.weight) if n)):
        if name not in arrays:
            raise UqError(
                f"Expected the name of an array. Received {name[:40]!r}; the arrays are {listed([*arrays], 20)}."
            )
    if asked.values and len(asked.values) > 1:
        raise UqError(f"Expected one array of values. Received {listed(asked.values)}; choose one.")
    values = asked.values[0] if asked.values else _values_of_one(arrays, asked)
    n = _lengths(arrays[values]) if values in arrays else set()
    rest = {
        name: array
        for name, array in arrays.items()
        if name != values and array.shape and (not n or array.shape[0] in n) and array.kind in "fiubUS"
    }
    # What has the documented name is the label whatever it holds, so that a mistake in it is found.
    label = asked.label or ("labels" if "labels" in arrays else _label(rest, values))
    rest = {name: array for name, array in rest.items() if name not in (label, "images")}
    return Roles(
        asked.kind or "probs",
        (values,),
        label=label,
        ood=asked.ood or _named(arrays, OOD),
        ids=tuple(name for name in rest if is_id(name)) if asked.ids is None else asked.ids,
        group=asked.group or _named(rest, GROUPS),
        weight=asked.weight or _named(rest, WEIGHTS),
        time=asked.time or _named(rest, TIMES),
    )


def class_names_array(arrays: Mapping[str, ArrayHead]) -> str | None:
    """The array with the names of the classes."""
    if "class_names" in arrays:
        return "class_names"
    return _named({name: array for name, array in arrays.items() if array.kind in "US"}, _CLASS_NAMES)


def _values_of_one(arrays: Mapping[str, ArrayHead], asked: Asked) -> str:
    """The array of values. SeveralModels: there are those of several models of the same examples and classes."""
    try:
        return _values(arrays)
    except SeveralArrays as several:
        names = bare_names(several.names)
        same = len({arrays[name].shape for name in several.names}) == 1
        if not same or names.keys() == {*names.values()}:
            raise
        models = {names[one]: replace(asked, values=(one,)) for one in several.names}
        raise SeveralModels(models, models) from None


def _values(arrays: Mapping[str, ArrayHead]) -> str:
    for name in _DOCUMENTED:
        if name in arrays:
            return name
    numbers = {name: array for name, array in arrays.items() if array.kind in "fiu" and not is_role(name)}
    several = [name for name, array in numbers.items() if len(array.shape) in (2, 3) and array.shape[-1] > 1]
    several = [
        name for name in several if name not in ("images", "mean_logits") and numbers[name].kind == "f"
    ] or several
    one = [name for name, array in numbers.items() if array.kind == "f" and _is_flat(array) and strength(name)]
    one = [name for name in one if name not in ("score", "variance")] or one
    for found in (several, one):
        best = max(map(strength, found), default=0)
        found = [name for name in found if strength(name) == best]
        probs = [name for name in found if "logit" not in plain(name)]  # of both, what needs no softmax
        found = probs or found
        if len(found) == 1:
            return found[0]
        if found:
            raise SeveralArrays(found)
    raise Unclear(
        f"Expected an array of probabilities or logits, (examples, classes). Received: {listed([*arrays])}; say "
        f"which it is, or save it with np.savez(file, probs=probs, labels=labels).",
        "values",
    )


def _lengths(values: ArrayHead) -> set[int]:
    """How many examples there may be: any axis, as somebody may have mixed them up."""
    return {*values.shape}


def _label(arrays: Mapping[str, ArrayHead], values: str) -> str | None:
    for names in LABELS:
        found = [name for name in arrays if plain(name) in names]
        if len(found) > 1:
            raise Unclear(f"Expected one array of true labels. Received {listed(found)}; say which.", "label")
        if found:
            return found[0]
    unnamed = [name for name, array in arrays.items() if name.startswith("arr_") and _is_flat(array)]
    whole = [name for name in unnamed if arrays[name].kind in "iubUS"]
    return whole[0] if len(whole) == 1 and values.startswith("arr_") else None  # np.savez(file, probs, labels)


def _is_flat(array: ArrayHead) -> bool:
    return len(array.shape) == 1 or (len(array.shape) == 2 and array.shape[1] == 1)


def _named(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    present = {plain(name): name for name in names}
    return next((present[name] for name in wanted if name in present), None)
