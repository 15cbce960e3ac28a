"""Predictions of several models side by side in one table: columns whose names are a model and a class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from uqcore.predictions.finding_kinds import kind_and_sums
from uqcore.predictions.finding_names import Values
from uqcore.predictions.labels import matcher
from uqcore.predictions.raw import plain
from uqcore.predictions.table import HeadColumn
from uqcore.predictions.vocabulary import LOGIT, WHOLE, is_role, is_value_word, word_of

_MOST_COLUMNS = 5000  # of which names are taken apart
_SEPARATOR = re.compile(r"[\W_]+")

Block = dict[str, HeadColumn]
"""Class -> its column, of one model."""


def found_models(columns: Sequence[HeadColumn], label_texts: Sequence[str]) -> dict[str, Values]:
    """Model's name -> its values, where at least two models have columns for the same two classes or more; else empty.

    Names propose: what stands before or after a separator is the model, the rest the class. Content decides: the rows
    of every model sum to 1 (or to 100), or all are called logits.
    """
    usable = [c for c in columns if c.numbers is not None and not c.is_bool and not is_role(c.header)]
    if not 4 <= len(usable) <= _MOST_COLUMNS:
        return {}
    best: dict[str, Block] = {}
    for blocks in _same_classes(usable):
        kept = _whole({key: block for key, block in blocks.items() if _bare(key)})
        if len(kept) > 1 and _rank(kept, label_texts) > _rank(best, label_texts):
            best = kept
    return {name: _values(key, best[key]) for key, name in bare_names([*best]).items()}


def bare_names(keys: Sequence[str]) -> dict[str, str]:
    """What a file calls models or classes -> the same without words such as ``prob``, if that tells them apart."""
    bare = {key: _bare(key) for key in keys}
    return bare if all(bare.values()) and len({*bare.values()}) == len(keys) else {key: key for key in keys}


def _bare(key: str) -> str:
    return "_".join(word for word in _SEPARATOR.split(key) if word and not is_value_word(word))


def _same_classes(columns: Sequence[HeadColumn]) -> list[dict[str, Block]]:
    """For every way to take names apart and every set of classes the models that have it: model -> its columns."""
    blocks: dict[tuple[bool, str], Block] = {}
    for column in columns:
        for cut in _SEPARATOR.finditer(column.header):
            left, right = column.header[: cut.start()], column.header[cut.end() :]
            for is_first, model, one in ((True, left, right), (False, right, left)):
                if model and one:
                    blocks.setdefault((is_first, model), {}).setdefault(one, column)
    together: dict[tuple[bool, frozenset[str]], dict[str, Block]] = {}
    for (is_first, model), block in blocks.items():
        # Beside the classes there may be how sure the model is of the one that it names.
        block = {one: column for one, column in block.items() if not is_value_word(one)}
        if len(block) > 1:
            together.setdefault((is_first, frozenset(block)), {})[model] = block
    return [some for some in together.values() if len(some) > 1]


def _whole(blocks: Mapping[str, Block]) -> dict[str, Block]:
    """Those that are the probabilities of all classes; where there are none, those that are called logits."""
    sums, logits = {}, {}
    for key, block in blocks.items():
        if kind_and_sums(np.column_stack([c.parsed for c in block.values()]), "")[1]:
            sums[key] = block
        elif all(word_of(column.header) in LOGIT for column in block.values()):
            logits[key] = block
    return sums or logits


def _rank(blocks: Mapping[str, Block], label_texts: Sequence[str]) -> tuple[int, bool, int]:
    """The more columns the better, then classes that the labels are of, then names without words beside the class."""
    if not blocks:
        return 0, False, 0
    classes = [*bare_names([*next(iter(blocks.values()))]).values()]
    named = bool(label_texts) and all(map(matcher(classes), label_texts))
    return sum(map(len, blocks.values())), named, -sum(len(plain(one).split("_")) for one in classes)


def _values(model: str, block: Block) -> Values:
    names = bare_names([*block])
    classes = [*names]
    if all(WHOLE.fullmatch(one) for one in names.values()):
        classes.sort(key=lambda one: float(names[one]))
    columns = tuple(block[one] for one in classes)
    kind, sums = kind_and_sums(np.column_stack([c.parsed for c in columns]), word_of(columns[0].header))
    return Values(kind, columns, tuple(names[one] for one in classes), sums, 2, model)
