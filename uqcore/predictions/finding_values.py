"""Which columns of a table are the values: by their names, by what stands in them, and by what they sum to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from uqcore.metrics.classification import ROW_SUM_TOLERANCE
from uqcore.predictions.labels import matching
from uqcore.predictions.raw import listed, plain
from uqcore.predictions.roles import Asked, Unclear, ValueKind
from uqcore.predictions.table import HeadColumn, Table
from uqcore.predictions.vocabulary import (
    AFTER,
    BEFORE,
    FIRST_BEFORE,
    LOGIT,
    PREDICTED_WORDS,
    PROB,
    WHOLE,
    class_in,
    is_documented,
    is_label,
    is_role,
    strength,
    strength_of_word,
    word_of,
)
from uqcore.types import FloatArray, UqError

_WAYS = (("before", BEFORE), ("first before", FIRST_BEFORE), ("after", AFTER), ("after all of", AFTER))
_MOST_TRIED = 200  # columns, of which every run is tried


class Values(NamedTuple):
    """Columns that may be the values: of which kind, by which name, how sure the name and the rows' sums make it."""

    kind: ValueKind
    columns: tuple[HeadColumn, ...]
    classes: tuple[str, ...] | None
    sums: bool
    word: int  # 2 for a name that says probability or logit, 1 for one that may, 0 for none
    key: str = ""


class SeveralScores(Unclear):
    """Several columns may each be the probability of one of two classes: ``columns``."""

    def __init__(self, columns: Sequence[HeadColumn]) -> None:
        self.columns = tuple(columns)
        super().__init__(
            f"Expected the probabilities of one model. Received several columns that could be: "
            f"{listed([c.name for c in columns])}; say which.",
            "values",
        )


def asked_values(table: Table, asked: Asked, label_texts: Sequence[str]) -> Values:
    """The columns that a person has named, with what their names say of the classes."""
    columns = [table[name] for name in asked.values or ()]
    found = _family(columns, asked.kind) if len(columns) > 1 else _single(columns[0], label_texts)
    if len(columns) > 1:
        families = [family for family in _families(columns) if len(family.columns) == len(columns)]
        found = families[0] if families else found._replace(classes=_default(tuple(c.header for c in columns)))
        if {column.name for column in found.columns} == {column.name for column in columns} and asked.classes:
            found = found._replace(columns=tuple(columns))  # named in the order in which they were given
    return found._replace(kind=asked.kind or found.kind)


def found_values(columns: Sequence[HeadColumn], label_texts: Sequence[str]) -> Values | None:
    """The values, or None if the file has at most one column that could be the probability of a predicted class."""
    found = _families(columns, label_texts)
    for column in columns:
        if (vectors := column.vectors) is not None:
            word = word_of(column.header)
            kind, sums = kind_and_sums(vectors.values.astype(np.float64), word)
            found.append(Values(kind, (column,), vectors.classes, sums, strength_of_word(word), column.name))
    found = [values for values in found if _is_credible(values, label_texts)]
    if not any(values.sums for values in found):
        run = _summing(columns)
        if run is not None and not _is_named(run, label_texts):
            _check_alone(run, columns)
        found = [run] if run is not None else found
    if not found:
        return _one_score(columns, label_texts)
    return _best(found, label_texts)


def top_class(columns: Sequence[HeadColumn], table: Table) -> tuple[Values, str | None]:
    """A predicted class and how probable it is, which is all of two classes. Else the sentence that says what lacks."""
    own = [c for c in columns if is_prediction(c)]
    scores = [c for c in columns if c.numbers is not None and not c.is_bool and strength(c.header)]
    scores = [c for c in scores if c not in own and float(np.nanmax(c.parsed)) <= 1]
    if not own and len(scores) == 1:  # Hugging Face: {label, score}, where the label is the predicted one
        own = [c for c in columns if _is_hugging_face(c, scores[0], columns)]
    if len(own) == 1 and len(scores) == 1:
        entries = {*own[0].entries}
        if len(entries) <= 2:
            return Values("probs", (scores[0],), None, False, 2), own[0].name
        raise UqError(
            f"Expected a probability for every class. Received only that of the predicted one ({scores[0].name!r}, of "
            f"the class in {own[0].name!r}), and there are more than two classes; save all that the model puts out."
        )
    classes = [c for c in table.columns if c.entries and (is_prediction(c) or is_label(c.header))]
    if any(c.entries[0].startswith("[") and c.numbers is None for c in classes):
        raise UqError(
            f"Expected one true class for each example. Received lists of them ({listed([c.name for c in classes])}), "
            f"and no probabilities that sum to 1: a multi-label task, for which no threshold on the predicted class "
            f"means anything; bring one class at a time as a task of two."
        )
    if not table.columns or not [c for c in table.columns if c.entries]:
        raise UqError(
            f"Expected names of columns in the first row and examples below. Received {listed(table.names)} and no row "
            f"with as many cells."
        )
    if classes and not [c for c in columns if c.numbers is not None and _has_fractions(c)]:
        raise UqError(
            f"Expected a probability or a logit for every class. Received classes without any "
            f"({listed([c.name for c in classes])}), and how sure the model was cannot be told from them; save what "
            f"it puts out for each class, as `predict_proba` does."
        )
    raise Unclear(
        f"Expected columns of probabilities or logits, one for each class, such as p_0 and p_1 or the names of the "
        f"classes, named in the first row. Received {listed(table.names)}; say which they are.",
        "values",
    )


def check_gap(values: Values, labels: Sequence[str]) -> None:
    """UqError where a number is missing among ``p_0``, ``p_1`` and so on, unless the labels have such numbers."""
    names = values.classes or ()
    if "before" not in values.key or not all(WHOLE.fullmatch(name) for name in names) or len(names) < 2:
        return
    numbers = sorted(map(int, names))
    if numbers == [*range(numbers[0], numbers[0] + len(numbers))] and numbers[0] in (0, 1):
        return
    if labels and all(matching(text, names) for text in labels):
        return
    start = values.columns[-1].header.removesuffix(str(numbers[-1]))
    missing = next(k for k in range(numbers[-1] + 1) if k not in numbers)
    raise UqError(
        f"Expected columns {start}0 to {start}{numbers[-1]} without a gap. Received none named {start}{missing}; "
        f"add it or number the columns from 0."
    )


def _is_credible(values: Values, label_texts: Sequence[str]) -> bool:
    """Whether sums, a sure word, the label's texts, or classes by number under a less sure word speak for them."""
    whole = not any(_has_fractions(c) for c in values.columns)
    if values.sums or _is_named(values, label_texts):
        return True
    if values.key.startswith("after") and values.kind != "logits":  # `rf_prob` and `nn_prob`: two models, not classes
        return False
    return values.word == 2 or (values.word == 1 and values.classes is None and not whole)


def _is_named(values: Values, label_texts: Sequence[str]) -> bool:
    """Whether the columns have the names that the label's texts are."""
    return bool(label_texts and values.classes) and all(matching(t, values.classes or ()) for t in label_texts)


def _check_alone(run: Values, columns: Sequence[HeadColumn]) -> None:
    """Unclear where columns happen to sum to 1 and another one is called a probability."""
    others = [c for c in columns if c not in run.columns and strength(c.header) == 2 and _has_fractions(c)]
    if others:
        raise Unclear(
            f"Expected the probabilities of one model. Received {listed([c.name for c in run.columns])}, which sum to "
            f"1, and {listed([c.name for c in others])}; say which.",
            "values",
        )


def _best(found: Sequence[Values], label_texts: Sequence[str]) -> Values:
    def rank(values: Values) -> tuple[bool, bool, int, bool]:
        # A class may be called by a word for values: then its names can be read in several ways, and the label tells.
        return values.sums, _is_named(values, label_texts), values.word, values.kind != "logits"

    best = max(found, key=rank)
    equal = [values for values in found if rank(values) == rank(best) and not {*values.columns} <= {*best.columns}]
    if equal:
        shown = " or ".join(listed([column.name for column in values.columns], 2) for values in (best, *equal[:3]))
        raise Unclear(
            f"Expected the probabilities of one model. Received several that could be: {shown}; say which.", "values"
        )
    return best


def _families(columns: Sequence[HeadColumn], label_texts: Sequence[str] = ()) -> list[Values]:
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
        found.append(_family([column for _, column in blank], None)._replace(word=2, classes=None, key="distribution"))
    chosen = [column for column in columns if column.mostly_numbers and matching(column.header, label_texts)]
    if len(chosen) > 1 and len(chosen) >= len(label_texts):
        found.append(_family(chosen, None)._replace(classes=tuple(column.header for column in chosen)))
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
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None and way != "before":
        return None
    if twice is not None:
        same = [column.header for name, column in members if name == twice]
        raise UqError(f"Expected each column once. Received {listed(same)}; keep one of them.")
    word = word_of(key) if key else ""
    found = _family([column for _, column in members], "logits" if word in LOGIT else None, word)
    return found._replace(classes=_default(tuple(name for name, _ in members)), key=f"{way} {key}")


def _shared_start(names: Sequence[str]) -> str:
    """What all names begin with, up to the end of a word."""
    if len(names) < 2:
        return ""
    shared = names[0]
    while not all(name.startswith(shared) for name in names):
        shared = shared[:-1]
    whole = re.match(r".*[\W_]", shared)
    return whole[0] if whole and all(len(name) > len(whole[0]) for name in names) else ""


def _family(columns: Sequence[HeadColumn], kind: ValueKind | None, word: str = "") -> Values:
    matrix = np.column_stack([column.parsed for column in columns]) if columns else np.empty((0, 0))
    found, sums = kind_and_sums(matrix, word)
    return Values(kind or found, tuple(columns), None, sums, strength_of_word(word))


def kind_and_sums(matrix: FloatArray, word: str) -> tuple[ValueKind, bool]:
    """What rows of numbers are, and whether their sums say so."""
    full = matrix[np.isfinite(matrix).all(axis=1)] if matrix.size else matrix
    if not full.size:
        return ("logits" if word in LOGIT else "probs"), False
    tolerance = _tolerance(full.shape[1])
    sums = full.sum(axis=1)
    if full.min() >= 0 and np.mean(np.abs(sums - 1) <= tolerance) >= 0.9:
        return "probs", True
    if full.min() >= 0 and np.mean(np.abs(sums - 100) <= max(1, 100 * tolerance)) >= 0.9:
        return "percent", True
    outside = full.min() < 0 or full.max() > 1
    return ("logits" if word in LOGIT or (outside and word not in PROB) else "probs"), False


def _tolerance(n_classes: int) -> float:
    """How far the sum of so many probabilities may be from 1, with room for two decimals."""
    return min(max(1.001 * ROW_SUM_TOLERANCE, 0.0051 * n_classes), 0.05)


def kind_of_rows(rows: FloatArray, name: str) -> ValueKind:
    """What rows ``(N, K)`` are, by their numbers and by the name of what holds them; K of 1 is of two classes."""
    if rows.shape[1] > 1:
        return kind_and_sums(rows, word_of(name))[0]
    finite = rows[np.isfinite(rows)]
    return _kind_of_one(finite, word_of(name)) if finite.size else "probs"


def _kind_of_one(numbers: FloatArray, word: str) -> ValueKind:
    if word in LOGIT or (word not in PROB and numbers.min() < 0):
        return "logits"
    return "percent" if numbers.min() >= 0 and 1 < numbers.max() <= 100 else "probs"


def _summing(columns: Sequence[HeadColumn]) -> Values | None:
    """The longest run of columns, whatever their names, whose rows sum to 1 or to 100."""
    usable = [c for c in columns if c.numbers is not None and not c.is_bool and not is_role(c.header)]
    usable = [c for c in usable if np.isfinite(c.parsed).all() and c.parsed.min(initial=0) >= 0]
    if len(usable) < 2 or not len(usable[0].texts):
        return None
    ends = [(0, len(usable))]
    if len(usable) <= _MOST_TRIED:
        ends = [(i, j) for i in range(len(usable)) for j in range(i + 2, len(usable) + 1)]
    matrix = np.column_stack([c.parsed for c in usable])
    total = np.column_stack([np.zeros(len(matrix)), matrix]).cumsum(axis=1)
    runs: list[tuple[int, int]] = []
    for i, j in ends:
        sums = total[:, j] - total[:, i]
        if any(np.abs(sums - of).max() <= _tolerance(j - i) * of for of in (1, 100)):
            runs.append((i, j))
    runs = [(i, j) for i, j in runs if not np.isin(matrix[:, i:j], (0, 1)).all()]  # one-hot: nothing uncertain
    longest = max((j - i for i, j in runs), default=0)
    best: list[list[HeadColumn]] = []
    for i, j in runs:
        if j - i == longest and not any(usable[i] in other for other in best):
            best.append(usable[i:j])
    if len(best) > 1:
        shown = " or ".join(listed([column.name for column in some], 2) for some in best[:4])
        raise Unclear(
            f"Expected the probabilities of one model. Received several that could be: {shown}; say which.", "values"
        )
    if not best:
        return None
    whole = [family for family in _families(best[0]) if len(family.columns) == longest]  # which knows the classes
    return whole[0] if whole else _family(best[0], None)._replace(classes=_default(tuple(c.header for c in best[0])))


def _one_score(columns: Sequence[HeadColumn], label_texts: Sequence[str]) -> Values | None:
    """The one column that may be the probability, or the logit, of one of two classes."""
    scores = [c for c in columns if c.numbers is not None and not c.is_bool and strength(c.header)]
    scores += [c for c in columns if c not in scores and c.numbers is not None and plain(c.header) in ("p1", "p_1")]
    scores = [c for c in scores if _has_fractions(c) and not is_role(c.header)]
    strong = [c for c in scores if strength(c.header) == 2]
    scores = strong or scores
    not_logits = [c for c in scores if word_of(c.header) not in LOGIT]
    scores = not_logits or scores
    if len(scores) > 1:
        raise SeveralScores(scores)
    if not scores:
        return None
    return None if _goes_with_prediction(scores[0], columns) else _single(scores[0], label_texts)


def _single(column: HeadColumn, label_texts: Sequence[str] = ()) -> Values:
    if (vectors := column.vectors) is not None:
        kind, sums = kind_and_sums(vectors.values.astype(np.float64), word_of(column.header))
        return Values(kind, (column,), vectors.classes, sums, 2)
    numbers = column.parsed[np.isfinite(column.parsed)]
    kind = _kind_of_one(numbers, word_of(column.header)) if numbers.size else "probs"
    return Values(kind, (column,), _of_two(column.header, label_texts), False, 2)


def _of_two(header: str, label_texts: Sequence[str]) -> tuple[str, ...] | None:
    """The two classes in order, the one that the column's name ends in last: 0, or one of the label's two texts."""
    if re.search(r"[A-Za-z][\W_]*0$", header):
        return "1", "0"
    if len(label_texts) != 2:
        return None
    name = plain(header)
    named = [text for text in label_texts if name == plain(text) or name.endswith(f"_{plain(text)}")]
    return (next(text for text in label_texts if text != named[0]), named[0]) if len(named) == 1 else None


def _goes_with_prediction(score: HeadColumn, columns: Sequence[HeadColumn]) -> bool:
    """Whether the score is that of the predicted class: of more than two, or never below one half whichever it is."""
    predictions = [c for c in columns if c is not score and (is_prediction(c) or _is_hugging_face(c, score, columns))]
    n_classes = max((len(c.entries) for c in predictions), default=0)
    return n_classes > 2 or (n_classes == 2 and float(np.nanmin(score.parsed)) >= 0.5)


def _is_hugging_face(label: HeadColumn, score: HeadColumn, columns: Sequence[HeadColumn]) -> bool:
    """Whether ``{label, score}`` are the predicted class and its probability: another column has the truth, or none."""
    named = plain(label.header) == "label" and plain(score.header) == "score" and label.numbers is None
    return named and (len(columns) == 2 or any(is_label(c.header) for c in columns if c is not label))


def is_prediction(column: HeadColumn) -> bool:
    """Whether it is named as a prediction and holds classes: text or whole numbers."""
    if not PREDICTED_WORDS & {*plain(column.header).split("_")} or column.vectors is not None:
        return False
    return column.numbers is None or not _has_fractions(column)


def _has_fractions(column: HeadColumn) -> bool:
    finite = column.parsed[np.isfinite(column.parsed)]
    return bool((finite != np.floor(finite)).any())


def _default(classes: tuple[str, ...]) -> tuple[str, ...] | None:
    """None for the numbers from 0, which classes have by themselves, and where a column has no name."""
    return None if "" in classes or classes == tuple(map(str, range(len(classes)))) else classes
