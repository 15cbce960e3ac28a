"""The command ``reproduce``: the published numbers beside ours."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from uqcore.reproduce import SOURCES, Row, collect, counted, to_plain
from uqcore.store import MODELS_VARIABLE, Store, default_store
from uqcore.types import UqError


def add_command(commands: Any, train_into: Callable[[Store], None]) -> None:
    """Adds it to the sub-parsers of ``python -m uqcore``; ``train_into`` fills a store, showing progress."""
    reproducing = commands.add_parser("reproduce", help="the numbers that the sources publish, beside ours")
    reproducing.add_argument("--json", action="store_true")
    reproducing.add_argument("--keep", action="store_true", help="also beside the models, for the dashboard's page")
    reproducing.add_argument(
        "--retrain",
        action="store_true",
        help=f"train all of it first, about two hours: in the folder that {MODELS_VARIABLE} names, where it goes on "
        "if it was stopped, or in a temporary one",
    )
    reproducing.set_defaults(run=lambda arguments: _reproduce(arguments, train_into))


def _reproduce(arguments: argparse.Namespace, train_into: Callable[[Store], None]) -> None:
    if not arguments.retrain:
        _print(default_store(), arguments.json, arguments.keep)
    elif os.environ.get(MODELS_VARIABLE):
        train_into(default_store())
        _print(default_store(), arguments.json, arguments.keep)
    else:
        with TemporaryDirectory(prefix="uqcore-") as folder:
            train_into(Store(Path(folder)))
            _print(Store(Path(folder)), arguments.json, keep=False)


def _print(store: Store, as_json: bool, keep: bool) -> None:
    asked = counted.Asked(store.root)
    rows, problems = collect(asked)
    if keep and not problems:
        counted.keep(store, rows, asked.model_ids)
    if as_json:
        print(json.dumps(to_plain(rows), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print_text(rows)
    for problem in problems[:-1]:
        print(f"error: {problem}", file=sys.stderr)
    if problems:
        raise UqError(problems[-1])


def _print_text(rows: Sequence[Row]) -> None:
    for source in SOURCES:
        print(f"{source.title}. The same: {source.same} What differs: {source.differs} {source.found}".rstrip())
        for row in (row for row in rows if row.source == source.title):
            verdict = "agrees " if row.agrees else "DIFFERS"
            print(f"  {verdict}  {row.quantity}: {row.published}; ours {row.ours} [{row.rule}]")
            for text in filter(None, (row.note, row.explanation)):
                print(f"           {text}")
    print(f"{sum(row.agrees for row in rows)} of {len(rows)} agree with ours.")
