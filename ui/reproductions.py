"""The page of published numbers: rows that are kept between visitors, as tables and as words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ui.budget import kept
from uqcore.reproduce import SOURCES, Row, Source, counted, to_csv, to_plain
from uqcore.reproduce.trainings import store_beside
from uqcore.store import Store, default_store
from uqcore.text import unbroken

_HEAD = ("", "quantity", "published", "ours", "note")


def rows_of(source: Source) -> Sequence[Row]:
    """The rows of one source, as they are kept, or counted once for all visitors until a model changes.

    Raises:
        UqError: a model or a training cannot be read.
    """
    return _rows(source.title, *_state())


def files(sources: Sequence[Source]) -> tuple[str, str]:
    """All rows of these to take home, as JSON and CSV. UqError: as for `rows_of`."""
    return _files(tuple(source.title for source in sources), *_state())


def _state() -> tuple[Path, object]:
    """The store, and what tells its states and those of the trainings beside it apart."""
    store = default_store()
    return store.root, (store.state(), store_beside(store).state())


@kept("Counting …")
def _rows(title: str, root: Path, state: object) -> Sequence[Row]:
    (source,) = (source for source in SOURCES if source.title == title)
    return counted.rows_of(source, Store(root))


@kept()
def _files(titles: Sequence[str], root: Path, state: object) -> tuple[str, str]:
    rows = [row for title in titles for row in _rows(title, root, state)]
    return json.dumps(to_plain(rows), indent=2, ensure_ascii=False), to_csv(rows)


def what_came_out(rows: Sequence[Row]) -> str:
    """The answer of the page, in Markdown: how many agree, and why the others do not."""
    if not rows:
        return "No trained model can be shown."
    others = [row for row in rows if not row.agrees]
    start = f"**{len(rows) - len(others)} of {len(rows)}** published numbers and claims agree with ours."
    reasons = [f"- {row.source}, {row.quantity}: {row.published}, here {row.ours}. {row.explanation}" for row in others]
    return "\n".join([start + (" The others:" if others else ""), *reasons])


def table(rows: Sequence[Row]) -> str:
    """A row a number, in HTML; on a narrow screen each row is a block of its own."""
    head = "".join(f"<th>{name}</th>" if name else "<td></td>" for name in _HEAD)
    return f'<table class="published"><tr>{head}</tr>{"".join(map(_line, rows))}</table>'


def _line(row: Row) -> str:
    mark = '<td class="accept">✓ agrees</td>' if row.agrees else '<td class="defer">✗ differs</td>'
    remarks = " ".join(filter(None, (row.note, row.explanation)))
    return unbroken(
        f"<tr>{mark}<th>{escape(row.quantity)}</th>"
        f'<td data-label="published">{escape(row.published)}</td>'
        f'<td data-label="ours">{escape(row.ours)} <small>{escape(row.rule)}</small></td>'
        f"<td>{escape(remarks)}</td></tr>"
    )
