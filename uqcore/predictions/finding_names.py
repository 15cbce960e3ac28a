"""Which columns go together by their names, and what classes these are of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from uqcore.predictions.finding_kinds import kind_and_sums
from uqcore.predictions.labels import matcher
from uqcore.predictions.raw import listed, plain
from uqcore.predictions.roles import ValueKind
from uqcore.predictions.table import HeadColumn
from uqcore.predictions.vocabulary import (
    AFTER,
    BEFORE,
    FIRST_BEFORE,
    LOGIT,
    WHOLE,
    class_in,
    is_documented,
    strength_of_word,
    word_of,
)
from uqcore.types import UqError

_LONGEST = 60  # that words around the name of a class are
_WAYS = (("before", BEFORE), ("first before", FIRST_BEFORE), ("after", AFTER), ("after all of", AFTER))


class Values(NamedTuple):
    """Columns that may be the values: of which kind, by which name, how sure the name and the rows' sums make it."""

    kind: ValueKind
    columns: tuple[HeadColumn, ...]
    classes: tuple[str, ...] | None
    sums: bool
    word: int  # 2 for a name that says probability or logit, 1 for one that may, 0 for none
    key: str = ""


def families_of(columns: Sequence[HeadColumn], label_texts: Sequence[str] = ()) -> list[Values]:
    """Columns that go together by their names: with the same word before or after a class, with numbers as names, or
    with the label's texts."""
    groups: dict[tuple[str, str], list[tuple[str, HeadColumn]]] = {}
    blank: list[tuple[str, HeadColumn]] = []
    for column in columns:
        if not (column.mostly_numbers or (is_documented(column.header) and column.vectors is None)):
            continue
        header = column.header
        for way, pattern in _WAYS:
            if match := pattern.fullmatch(header):
                groups.setdefault((way, match["key"].lower()), []).append((class_in(match), column))
        if WHOLE.fullmatch(header):
            groups.setdefault(("number", ""), []).append((str(int(float(header))), column))
        if header.lower() == "distribution" or (blank and not header):  # Weka's, over columns without a name
            blank.append((str(len(blank)), column))
    found = [_named_family(way, key, members) for (way, key), members in groups.items()]
    if len(blank) > 1:
        of_weka = family_of([column for _, column in blank], None)
        found.append(of_weka._replace(word=2, classes=None, key="distribution"))
    is_label = matcher(label_texts)
    chosen = [column for column in columns if column.mostly_numbers and is_label(column.header)]
    if len(chosen) > 1 and len(chosen) >= len(label_texts):
        found.append(family_of(chosen, None)._replace(classes=tuple(column.header for column in chosen)))
    return [values for values in found if values is not None and len(values.columns) > 1]


def _named_family(way: str, key: str, members: list[tuple[str, HeadColumn]]) -> Values | None:
    names = [name for name, _ in members]
    if way == "after" and len(names) > 1:
        # DataRobot: `<target>_<class>_PREDICTION`, beside which `<target>_PREDICTION` is the class itself.
        members = [
            (n, c) for n, c in members if not any(o != n and re.match(re.escape(n) + r"[\W_]", o) for o in names)
        ]
        shared = _shared_start([name for name, _ in members])
        members = [(name[len(shared) :], column) for name, column in members]
        names = [name for name, _ in members]
    if len(members) < 2:
        return None
    if all(WHOLE.fullmatch(name) for name in names):
        names = [str(int(float(name))) for name in names]
        members = sorted(((str(int(float(name))), column) for name, column in members), key=lambda one: int(one[0]))
    twice = next((name for name, n in Counter(names).items() if n > 1), None)
    if twice is not None and way != "before":
        return None
    if twice is not None:
        same = [column.header for name, column in members if name == twice]
        raise UqError(f"Expected each column once. Received {listed(same)}; keep one of them.")
    word = word_of(key) if key else ""
    found = family_of([column for _, column in members], "logits" if word in LOGIT else None, word)
    return found._replace(classes=default_names(tuple(name for name, _ in members)), key=f"{way} {key}")


def _shared(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)  # between which all others lie
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:n]


def _shared_start(names: Sequence[str]) -> str:
    """What all names begin with, up to the end of a word."""
    if len(names) < 2:
        return ""
    whole = re.match(r".*[\W_]", _shared(names))
    return whole[0] if whole and all(len(name) > len(whole[0]) for name in names) else ""


def family_of(columns: Sequence[HeadColumn], kind: ValueKind | None, word: str = "") -> Values:
    matrix = np.column_stack([column.parsed for column in columns]) if columns else np.empty((0, 0))
    found, sums = kind_and_sums(matrix, word)
    return Values(kind or found, tuple(columns), None, sums, strength_of_word(word))


def by_label(values: Values, label_texts: Sequence[str]) -> Values:
    """With the names of the classes that the label has, where the columns have these amid what all of them share, as
    in ``Pr(Y=cat)`` and ``Probability of cat``."""
    headers = [column.header for column in values.columns]
    if not label_texts or len(headers) < 2 or is_named(values, label_texts):
        return values
    start = len(_shared(headers))
    end = len(_shared([header[start:][::-1] for header in headers]))
    if max(start, end) > _LONGEST:
        return values
    for i, j in product(range(start, -1, -1), range(end, -1, -1)):
        names = tuple(header[i : len(header) - j].strip() for header in headers)
        if all(names) and all(map(matcher(names), label_texts)):
            return values._replace(classes=names)
    return values


def is_named(values: Values, label_texts: Sequence[str]) -> bool:
    """Whether the columns have the names that the label's texts are."""
    return bool(label_texts and values.classes) and all(map(matcher(values.classes or ()), label_texts))


def of_two_classes(header: str, label_texts: Sequence[str]) -> tuple[str, ...] | None:
    """The two classes in order, the one that the column's name ends in last: 0, or one of the label's two texts."""
    if re.search(r"[A-Za-z][\W_]*0$", header):
        return "1", "0"
    if len(label_texts) != 2:
        return None
    name = plain(header)
    named = [text for text in label_texts if name == plain(text) or name.endswith(f"_{plain(text)}")]
    return (next(text for text in label_texts if text != named[0]), named[0]) if len(named) == 1 else None


def default_names(names: Sequence[str]) -> tuple[str, ...] | None:
    """None for the numbers from 0, which classes have by themselves, and where a column has no name."""
    classes = tuple(names)
    return None if "" in classes or classes == tuple(map(str, range(len(classes)))) else classes
