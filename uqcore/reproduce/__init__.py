"""The numbers that the five sources publish beside ours. A new source is one file with a `Source` and its line here."""

from __future__ import annotations

from uqcore.reproduce import chainer, keras_question, mnist_entropy, sngp_tutorial, svi
from uqcore.reproduce.rows import Row, Source, to_csv, to_plain
from uqcore.store import Store
from uqcore.types import UqError

__all__ = ["SOURCES", "Row", "Source", "collect", "to_csv", "to_plain"]

SOURCES = (mnist_entropy.SOURCE, chainer.SOURCE, sngp_tutorial.SOURCE, keras_question.SOURCE, svi.SOURCE)


def collect(store: Store) -> tuple[list[Row], list[str]]:
    """The rows of every source that can be had, and a sentence for each that cannot."""
    rows: list[Row] = []
    problems: list[str] = []
    for source in SOURCES:
        try:
            rows += source.rows(store)
        except UqError as error:
            problems.append(f"{source.title}: {error}")
    return rows, problems
