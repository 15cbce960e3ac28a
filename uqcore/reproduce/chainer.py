"""The Chainer article: the images of every digit that MC Dropout is surest of, and those that it is least sure of."""

from __future__ import annotations

from uqcore.exhibits.gallery import N_CHAINER, ClassEnds, chainer_table
from uqcore.models.answers import TEST, Answers
from uqcore.reproduce.rows import Row, Source, claim, spread
from uqcore.store import Store
from uqcore.text import exact_percent, fine_percent

TITLE = "Chainer article"
N_SAMPLES = 50
_N = N_CHAINER


def rows(store: Store) -> list[Row]:
    """What the article shows as pictures, counted; one value a digit.

    Raises:
        UqError: the MC Dropout model or its tables cannot be read.
    """
    predictions = Answers(store, store.find("digits", "mc_dropout")).predictions([TEST], N_SAMPLES)
    table = chainer_table(predictions)
    assert predictions.correct is not None
    return [_entropy(table), _wrong(table, 1 - float(predictions.correct.mean()))]


def _entropy(table: tuple[ClassEnds, ...]) -> Row:
    surest, least_sure = [ends.surest.mean for ends in table], [ends.least_sure.mean for ends in table]
    return claim(
        TITLE,
        f"mean entropy in nats of the {_N} surest and the {_N} least sure of every digit",
        "the surest are written clearly, the least sure oddly (pictures)",
        f"{spread(surest, 4)} and {spread(least_sure, 2)} (10 digits)",
        max(surest) < 0.01 and min(least_sure) > 0.1,
        "in every digit below 0.01 for the surest and above 0.1 for the least sure",
        {"surest": surest, "least sure": least_sure},
    )


def _wrong(table: tuple[ClassEnds, ...], test_error: float) -> Row:
    surest, least_sure = [ends.surest.error_rate for ends in table], [ends.least_sure.error_rate for ends in table]
    among_surest, among_least = sum(surest) / len(surest), sum(least_sure) / len(least_sure)
    shares = " and ".join(exact_percent(round(share, 3)) for share in (among_surest, among_least))  # in 300: none false
    spared = [ends.class_name for ends in table if ends.least_sure.error_rate == 0]
    return claim(
        TITLE,
        "share of them that is read wrong",
        "the surest are read right, the least sure sometimes wrong (pictures)",
        f"{shares} (of {_N * len(table)} each)",
        among_surest == 0 and among_least >= 10 * test_error,
        "none of the surest, and of the least sure at least ten times the share of all test digits",
        {"surest": surest, "least sure": least_sure},
        f"Of all test digits {fine_percent(test_error)}."
        + (f" All {_N} least sure are read right for {', '.join(spared)}." if spared else ""),
    )


SOURCE = Source(
    title=TITLE,
    same=f"MC Dropout with {N_SAMPLES} samples, predictive entropy, the {_N} images at either end of every digit.",
    differs="The network is ours, and the article's pictures are turned into conditions on numbers.",
    rows=rows,
)
