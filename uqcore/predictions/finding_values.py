"""Which columns of a table are the values: by their names, by what stands in them, and by what they sum to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uqcore.predictions.cells import is_nested, vectors
from uqcore.predictions.finding_kinds import (
    are_percents,
    has_fractions,
    is_prediction,
    kind_and_sums,
    kind_of_one,
    sum_tolerance,
)
from uqcore.predictions.finding_names import (
    Values,
    by_label,
    default_names,
    families_of,
    family_of,
    is_named,
    of_two_classes,
)
from uqcore.predictions.labels import matcher
from uqcore.predictions.raw import listed, plain
from uqcore.predictions.roles import Asked, Unclear
from uqcore.predictions.table import HeadColumn, Table
from uqcore.predictions.vocabulary import (
    LOGIT,
    WHOLE,
    is_label,
    is_role,
    strength,
    strength_of_word,
    word_of,
)
from uqcore.types import UqError

_MOST_TRIED = 200  # columns, of which every run is tried


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
    found = family_of(columns, asked.kind) if len(columns) > 1 else _single(columns[0], label_texts)
    if len(columns) > 1:
        families = [family for family in families_of(columns) if len(family.columns) == len(columns)]
        found = families[0] if families else found._replace(classes=default_names([c.header for c in columns]))
        if {column.name for column in found.columns} == {column.name for column in columns} and asked.classes:
            found = found._replace(columns=tuple(columns))  # named in the order in which they were given
        found = by_label(found, label_texts)
    return found._replace(kind=asked.kind or found.kind)


def found_values(columns: Sequence[HeadColumn], label_texts: Sequence[str]) -> Values | None:
    """The values, or None if the file has at most one column that could be the probability of a predicted class."""
    found = families_of(columns, label_texts)
    for column in columns:
        if (vectors := column.vectors) is not None:
            word = word_of(column.header)
            kind, sums = kind_and_sums(vectors.values.astype(np.float64), word)
            found.append(Values(kind, (column,), vectors.classes, sums, strength_of_word(word), column.name))
    found = [values for values in found if _is_credible(values, label_texts)]
    if not any(values.sums for values in found):
        run = _summing(columns)
        if run is not None and not is_named(run, label_texts):
            _check_alone(run, columns)
        found = [run] if run is not None else found
    if not found:
        return _one_score(columns, label_texts)
    return by_label(_best(found, label_texts), label_texts)


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
    for column in columns:
        if is_nested(column.cells.type) and strength(column.header) == 2:
            vectors(column.cells)  # which says why they are none
    cut = [c for c in columns if c.texts and c.texts[0].startswith("[") and "..." in c.texts[0]]
    if cut:
        raise UqError(
            f"Expected all numbers of a vector. Received cells of {cut[0].name!r} in which NumPy wrote '...' for most "
            f"of them; save the arrays with np.savez, or the table as Parquet."
        )
    if classes and not [c for c in columns if c.numbers is not None and has_fractions(c)]:
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
    if labels and all(map(matcher(names), labels)):
        return
    start = values.columns[-1].header.removesuffix(str(numbers[-1]))
    missing = next(k for k in range(numbers[-1] + 1) if k not in numbers)
    raise UqError(
        f"Expected columns {start}0 to {start}{numbers[-1]} without a gap. Received none named {start}{missing}; "
        f"add it or number the columns from 0."
    )


def _is_credible(values: Values, label_texts: Sequence[str]) -> bool:
    """Whether sums, a sure word, the label's texts, or classes by number under a less sure word speak for them."""
    whole = not any(has_fractions(c) for c in values.columns)
    if values.sums or is_named(values, label_texts):
        return True
    if values.key.startswith("after") and values.kind != "logits":  # `rf_prob` and `nn_prob`: two models, not classes
        return False
    return values.word == 2 or (values.word == 1 and values.classes is None and not whole)


def _check_alone(run: Values, columns: Sequence[HeadColumn]) -> None:
    """Unclear where columns happen to sum to 1 and another one is called a probability."""
    others = [c for c in columns if c not in run.columns and strength(c.header) == 2 and has_fractions(c)]
    if others:
        raise Unclear(
            f"Expected the probabilities of one model. Received {listed([c.name for c in run.columns])}, which sum to "
            f"1, and {listed([c.name for c in others])}; say which.",
            "values",
        )


def _best(found: Sequence[Values], label_texts: Sequence[str]) -> Values:
    def rank(values: Values) -> tuple[bool, bool, int, bool]:
        # A class may be called by a word for values: then its names can be read in several ways, and the label tells.
        return values.sums, is_named(values, label_texts), values.word, values.kind != "logits"

    best = max(found, key=rank)
    equal = [values for values in found if rank(values) == rank(best) and not {*values.columns} <= {*best.columns}]
    if equal:
        shown = " or ".join(listed([column.name for column in values.columns], 2) for values in (best, *equal[:3]))
        raise Unclear(
            f"Expected the probabilities of one model. Received several that could be: {shown}; say which.", "values"
        )
    return best


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
        if any(np.abs(sums - of).max() <= sum_tolerance(j - i) * of for of in (1, 100)):
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
    whole = [family for family in families_of(best[0]) if len(family.columns) == longest]  # which knows the classes
    return whole[0] if whole else family_of(best[0], None)._replace(classes=default_names([c.header for c in best[0]]))


def _one_score(columns: Sequence[HeadColumn], label_texts: Sequence[str]) -> Values | None:
    """The one column that may be the probability, or the logit, of one of two classes."""
    scores = [c for c in columns if c.numbers is not None and not c.is_bool and strength(c.header)]
    scores += [c for c in columns if c not in scores and c.numbers is not None and plain(c.header) in ("p1", "p_1")]
    scores = [c for c in scores if (has_fractions(c) or are_percents(c)) and not is_role(c.header)]
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
    kind = kind_of_one(numbers, word_of(column.header)) if numbers.size else "probs"
    return Values(kind, (column,), of_two_classes(column.header, label_texts), False, 2)


def _goes_with_prediction(score: HeadColumn, columns: Sequence[HeadColumn]) -> bool:
    """Whether the score is that of the predicted class: of more than two, or never below one half whichever it is."""
    predictions = [c for c in columns if c is not score and (is_prediction(c) or _is_hugging_face(c, score, columns))]
    n_classes = max((len(c.entries) for c in predictions), default=0)
    return n_classes > 2 or (n_classes == 2 and float(np.nanmin(score.parsed)) >= 0.5)


def _is_hugging_face(label: HeadColumn, score: HeadColumn, columns: Sequence[HeadColumn]) -> bool:
    """Whether ``{label, score}`` are the predicted class and its probability: another column has the truth, or none."""
    named = plain(label.header) == "label" and plain(score.header) == "score" and label.numbers is None
    return named and (len(columns) == 2 or any(is_label(c.header) for c in columns if c is not label))
