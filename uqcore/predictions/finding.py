"""From the first rows of a table to the `Roles` of its columns, by their names and by what stands in them.

Names propose and content decides: probabilities are columns whose rows sum to 1, a true label is a column of classes,
and one that always says the most probable class holds the prediction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from uqcore.predictions.finding_kinds import is_prediction
from uqcore.predictions.finding_long import Long, found_long
from uqcore.predictions.finding_models import bare_names, found_models
from uqcore.predictions.finding_names import Values
from uqcore.predictions.finding_values import SeveralScores, asked_values, check_gap, found_values, top_class
from uqcore.predictions.labels import could_be_labels, matcher
from uqcore.predictions.raw import listed, plain
from uqcore.predictions.roles import Asked, Roles, SeveralModels, Unclear
from uqcore.predictions.table import HeadColumn, Table
from uqcore.predictions.vocabulary import (
    GROUPS,
    INDEX,
    LABEL_WORDS,
    LABELS,
    MODELS,
    OOD,
    PEOPLE,
    TIMES,
    WEIGHTS,
    is_documented,
    is_id,
    is_role,
)
from uqcore.types import UqError

_SAID = ("label", "ood", "group", "weight", "time", "model")  # fields of `Asked` that name one column


def find_roles(table: Table, asked: Asked = Asked()) -> Roles:  # noqa: B008  it is frozen
    """The roles of a table's columns; those that are ``asked`` for are not searched.

    Raises:
        Unclear: nothing, or more than one thing, can have a role; saying what has it would do.
        UqError: there are no probabilities, or what is asked for is not there.
    """
    asked = _resolved(table, asked)
    taken = {*(asked.ids or ()), *(n for n in (getattr(asked, role) for role in _SAID) if n)}
    free = [column for column in table.columns if column.name not in taken]
    texts = _label_texts(table, asked)
    long = found_long(free) if not asked.values else None
    if long is not None and asked.model is None:
        return _of_long(long, free, asked)
    if not asked.values:
        _refuse_several(table, asked, free, texts)
    values = asked_values(table, asked, texts) if asked.values else found_values(free, texts)
    predicted = None
    if values is None:
        values, predicted = top_class(free, table)
    used = {predicted, *(column.name for column in values.columns)}
    free = [column for column in free if column.name not in used]
    label = asked.label or _label(free, values)
    check_gap(values, table[label].entries if label else ())
    rest = [column for column in free if column.name != label]
    model = asked.model or _named([column for column in rest if not _has_numbers(column)], MODELS)
    rest = [column for column in rest if column.name != model]
    return Roles(
        kind=asked.kind or values.kind,
        values=tuple(column.name for column in values.columns),
        classes=asked.classes or values.classes,
        label=label,
        predicted=predicted,
        ood=asked.ood or _named(rest, OOD),
        ids=_ids(rest) if asked.ids is None else asked.ids,
        group=asked.group or _named(_with_few_entries(rest), (*GROUPS, *PEOPLE)),
        weight=asked.weight or _named([column for column in rest if _are_weights(column)], (*WEIGHTS, "w")),
        time=asked.time or _named(rest, TIMES),
        model=model,
    )


def _of_long(long: Long, columns: Sequence[HeadColumn], asked: Asked) -> Roles:
    """The roles where every example has a row for each class."""
    score = Values("probs", (long.score,), long.classes, False, 2)
    rest = [column for column in columns if column not in long]
    label = asked.label or _label(rest, score, len(long.classes))
    rest = [column for column in rest if column.name != label]
    more = tuple(name for name in _ids(rest) if name != long.example.name)
    return Roles(
        kind="probs",
        values=(long.score.name,),
        classes=asked.classes or long.classes,
        label=label,
        predicted=long.of_class.name,
        ood=asked.ood or _named(rest, OOD),
        ids=(long.example.name, *(more if asked.ids is None else asked.ids)),
        group=asked.group or _named(_with_few_entries(rest), (*GROUPS, *PEOPLE)),
        weight=asked.weight or _named([column for column in rest if _are_weights(column)], (*WEIGHTS, "w")),
        time=asked.time or _named(rest, TIMES),
    )


def _refuse_several(table: Table, asked: Asked, columns: Sequence[HeadColumn], texts: Sequence[str]) -> None:
    """SeveralModels where the columns are those of several models, side by side."""
    models = found_models(columns, texts)
    asked_of = {n: (tuple(c.name for c in values.columns), values.classes) for n, values in models.items()}
    if not models:
        try:
            found_values(columns, texts)
        except SeveralScores as several:
            keys = {column.name: column for column in several.columns}
            names = bare_names([*keys])
            if names.keys() == {*names.values()}:  # nothing but words for values: no names of models
                return
            asked_of = {names[name]: ((name,), None) for name in keys}
        except UqError:
            return
    if asked_of:
        roles = {}
        for name, (columns_of, classes) in asked_of.items():
            one = find_roles(table, replace(asked, values=columns_of, classes=asked.classes or classes))
            numbers = tuple(map(str, range(len(one.classes or ()))))
            roles[name] = replace(one, classes=None) if one.classes == numbers else one
        raise SeveralModels(roles, roles)


def settled(table: Table, asked: Roles | Asked | None) -> Roles:
    """The roles of a table's columns: found, or as given whole by `Roles`, of which a file may lack all but the values.

    Raises:
        UqError: as `find_roles` and `Roles.within`.
    """
    if isinstance(asked, Roles):
        return asked.within(table.names)
    return find_roles(table, asked or Asked())


def label_alone(table: Table) -> str:
    """The column of true labels in a file that holds little else. UqError: there are several columns."""
    columns = [c for c in table.columns if c.name not in _ids(table.columns) and not _is_counting(c)] or table.columns
    named = [c for names in LABELS for c in columns if plain(c.header) in names]
    found = named[:1] or columns
    if len(found) != 1:
        raise UqError(
            f"Expected a file with one column of labels, or one named label. Received {listed(table.names)}; leave the "
            f"others out."
        )
    return found[0].name


def left_out(table: Table, roles: Roles) -> tuple[str, ...]:
    """What the file calls the columns that have no role."""
    used = {*roles.columns}
    return tuple(column.header for column in table.columns if column.name not in used)


def said(roles: Roles) -> str | None:
    """How the columns were understood, in a sentence; None where they have the names that are documented."""
    parts = []
    of_array = roles.values[0] in ("probs", "logits")
    documented = of_array or (all(is_documented(name) for name in roles.values) and len(roles.values) > 1)
    words = {"probs": "probabilities", "percent": "percentages", "scores": "scores", "logits": "logits"}[roles.kind]
    if not documented:
        parts.append(
            f"{listed(roles.values)} as {words}" + (f" of the class in {roles.predicted!r}" * bool(roles.predicted))
        )
    if roles.label is not None and roles.label.lower() not in ("label", "labels"):
        parts.append(f"{roles.label!r} as the label")
    if roles.ood is not None and roles.ood.lower() != "ood":
        parts.append(f"{roles.ood!r} as the mark of unseen examples")
    parts += [
        f"{name!r} as the {role}" for role, name in roles.others.items() if role in ("group", "weight", "time", "model")
    ]
    if roles.ids:
        parts.append(f"{listed(roles.ids)} as the id")
    return f"Read {', '.join(parts)}." if parts else None


def _resolved(table: Table, asked: Asked) -> Asked:
    """With the names that the table has for those that a person gave."""

    def one(name: str | None) -> str | None:
        return None if name is None else _there(table, name)

    singles: dict[str, Any] = {r: one(getattr(asked, r)) for r in _SAID}
    values = asked.values
    if values is not None:
        values = tuple(name for pattern in values for name in _matches(table, pattern))
    return replace(
        asked,
        values=values,
        ids=None if asked.ids is None else tuple(_there(table, name) for name in asked.ids),
        **singles,
    )


def _there(table: Table, name: str) -> str:
    names = table.names
    same = [name] if name in names else [other for other in names if other.lower() == name.strip().lower()]
    if not same:
        raise UqError(f"Expected the name of a column. Received {name[:40]!r}; the columns are {listed(names, 20)}.")
    return same[0]


def _matches(table: Table, pattern: str) -> list[str]:
    if pattern in table.names or not re.search(r"[*?\[]", pattern):
        return [_there(table, pattern)]
    found = [name for name in table.names if fnmatchcase(name.lower(), pattern.strip().lower())]
    if not found:
        raise UqError(f"Expected columns like {pattern[:40]!r}. Received {listed(table.names, 20)}.")
    return found


def _label_texts(table: Table, asked: Asked) -> tuple[str, ...]:
    """The entries of the column that is called the label, if it is one of text."""
    if asked.label is not None:
        return table[asked.label].entries
    for names in LABELS:
        for column in table.columns:
            if plain(column.header) in names and column.numbers is None and column.entries:
                return column.entries
    return ()


def _label(columns: Sequence[HeadColumn], values: Values, n_classes: int = 0) -> str | None:
    if not n_classes:
        n_classes = len(values.columns) if len(values.columns) > 1 else 2
        if values.columns[0].vectors is not None and len(values.columns) == 1:
            n_classes = values.columns[0].vectors.values.shape[1]
    for names in LABELS:
        found = [c for c in columns if plain(c.header) in names]
        fitting = [c for c in found if could_be_labels(c.entries, n_classes, values.classes)] or found
        if len({tuple(c.texts) for c in fitting}) > 1:
            raise Unclear(
                f"Expected one column of true labels. Received {listed([c.name for c in fitting])}; say which.", "label"
            )
        if fitting:
            return fitting[0].name
    others = [c for c in columns if not is_prediction(c) and not is_role(c.header)]
    others = [c for c in others if len(c.entries) > 1 and could_be_labels(c.entries, n_classes, values.classes)]
    by_word = [c for c in others if LABEL_WORDS & {*plain(c.header).split("_")}]
    of = {
        plain(stem) for c in values.columns for stem in re.split(r"(?i)[\W_]*(?:prob|score|pred)", c.header)[:1] if stem
    }
    by_stem = [c for c in others if plain(c.header).removeprefix("is_").removeprefix("has_") in of]
    by_text = [c for c in others if values.classes and _by_name(c, values.classes) and not _is_argmax(c, values)]
    texts = [c for c in columns if c.numbers is None and len(c.entries) == n_classes]
    unnamed = [c for c in (*others, *texts) if not any(one.header for one in (c, *values.columns))]
    unnamed = [c for c in unnamed if not _is_argmax(c, values)]
    for found in (by_word, by_stem, by_text, unnamed):
        if len(found) == 1:
            return found[0].name
        if found:
            raise Unclear(
                f"Expected one column of true labels. Received several that could be: "
                f"{listed([c.name for c in found])}; say which.",
                "label",
            )
    return None


def _by_name(column: HeadColumn, classes: Sequence[str]) -> bool:
    return column.numbers is None and all(map(matcher(classes), column.entries))


def _is_argmax(column: HeadColumn, values: Values) -> bool:
    """Whether it always says the class of the largest value, so that it is no label but the prediction."""
    matrix = np.column_stack([c.parsed for c in values.columns])
    if matrix.shape[1] < 2 or not np.isfinite(matrix).all():
        return False
    names = values.classes or tuple(map(str, range(matrix.shape[1])))
    best = [names[k] for k in matrix.argmax(axis=1)]
    return all(matcher([name])(text) for text, name in zip(column.texts, best, strict=True) if text)


def _named(columns: Sequence[HeadColumn], names: Iterable[str]) -> str | None:
    return next((c.name for name in names for c in columns if plain(c.header) == name), None)


def _with_few_entries(columns: Sequence[HeadColumn]) -> list[HeadColumn]:
    return [column for column in columns if 0 < len(column.entries) <= max(20, len(column.texts) // 4)]


def _are_weights(column: HeadColumn) -> bool:
    return bool(np.isfinite(column.parsed).all() and column.parsed.min(initial=0) >= 0)


def _has_numbers(column: HeadColumn) -> bool:
    return column.numbers is not None and bool((column.numbers != np.floor(column.numbers)).any())


def _ids(columns: Sequence[HeadColumn]) -> tuple[str, ...]:
    """Columns that name examples; one that only counts them from 0 or 1 says nothing that a row's place does not."""
    found = []
    for column in columns:
        is_index = plain(column.header) in INDEX
        says_nothing = is_index and (_is_counting(column) or (not column.header and column.name != "column 1"))
        if (is_index or is_id(column.header)) and column.entries and not says_nothing:
            found.append(column.name)
    return tuple(found)


def _is_counting(column: HeadColumn) -> bool:
    numbers = column.numbers
    return numbers is not None and len(numbers) > 1 and bool((np.diff(numbers) == 1).all()) and numbers[0] in (0, 1)
