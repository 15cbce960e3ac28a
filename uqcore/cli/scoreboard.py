"""The command ``scoreboard``: every method and control beside each other, with intervals over seeds."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from uqcore.extras import check_tensorflow
from uqcore.store import default_store
from uqcore.types import UqError

_SHOWN = ("accuracy", "nll", "ece", "error_auroc", "auroc", "accepted", "regression_nll", "coverage", "std_ratio")


def add_command(commands: Any) -> None:
    """Adds it to the sub-parsers of ``python -m uqcore``."""
    board = commands.add_parser("scoreboard", help="all methods and controls, with intervals over seeds")
    board.add_argument("--json", action="store_true", help="every row, as JSON")
    board.add_argument(
        "--format",
        choices=["csv", "markdown", "latex", "readme"],
        help="every row, as a table to take home; or the README's tables",
    )
    board.add_argument("--task", help="only this task")
    board.add_argument("--metric", help="only this figure, e.g. auroc")
    board.add_argument(
        "--run",
        dest="run_missing",  # `run` is the command's function
        action="store_true",
        help="first train and measure what is missing, a night on two cores; it goes on where it was stopped",
    )
    board.add_argument("--no-training", action="store_true", help="with --run: measure the models that there are")
    board.add_argument(
        "--folder", type=Path, default=Path(".scoreboard"), help="where --run keeps seeds and runs (.scoreboard)"
    )
    board.set_defaults(run=_scoreboard)


def _scoreboard(arguments: argparse.Namespace) -> None:
    from uqcore.scoreboard import METRICS, PUBLISHED, load_results, rows, stale, stale_said, to_plain
    from uqcore.scoreboard.campaign import TASKS
    from uqcore.scoreboard.markdown import tables
    from uqcore.scoreboard.systems import UNMEASURED, unmeasured
    from uqcore.scoreboard.writers import WRITERS

    if arguments.task is not None and arguments.task not in TASKS:
        raise UqError(f"The board has the tasks {', '.join(TASKS)}. Received: --task {arguments.task}.")
    if arguments.metric is not None and arguments.metric not in METRICS:
        raise UqError(f"The board has the figures {', '.join(METRICS)}. Received: --metric {arguments.metric}.")
    tasks = TASKS if arguments.task is None else (arguments.task,)
    if arguments.run_missing:
        _run(arguments, tasks)
    results = [result for result in load_results() if result.task in tasks]
    made = [row for row in rows(results, PUBLISHED) if row.task in tasks and arguments.metric in (None, row.metric)]
    store = default_store()
    for task in tasks:
        if problem := stale_said({each.method: stale(each, store) for each in results if each.task == task}):
            print(f"note: {task}: {problem}", file=sys.stderr)
        for system in unmeasured(results, task):
            print(f"note: {task}, {system.label}: {UNMEASURED}", file=sys.stderr)
    if arguments.json:
        print(json.dumps([to_plain(row) for row in made], indent=1, ensure_ascii=False, allow_nan=False))
        return
    if arguments.format is not None:
        print(tables(made, tasks) if arguments.format == "readme" else WRITERS[arguments.format](made).rstrip())
        return
    for line in _lines(made, _SHOWN if arguments.metric is None else (arguments.metric,)):
        print(line)


def _run(arguments: argparse.Namespace, tasks: Sequence[str]) -> None:
    from uqcore.scoreboard.campaign import Campaign, merged
    from uqcore.scoreboard.results import load, save

    campaign = Campaign(arguments.folder.absolute(), default_store())

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if not arguments.no_training:
        check_tensorflow()
        campaign.train(tasks, say)
    campaign.measure(tasks, say)
    save(merged(load(), campaign.collect()))


def _lines(made: Sequence[Any], metrics: Sequence[str]) -> Iterator[str]:
    """A block a task, metric and unseen set; the best first, those that cannot be told from it marked."""
    from uqcore.scoreboard import METRICS, best_first

    chosen = [row for row in made if row.metric in metrics and row.mean is not None]
    for (task, metric, unseen), block in groupby(sorted(chosen, key=lambda row: row.group), key=lambda row: row.group):
        about = METRICS[metric]
        yield f"{task}: {about.label}{f', {unseen}' if unseen else ''}"
        for row in best_first(block):
            interval = "" if row.low is None or row.high is None else f" [{row.low:.4f}, {row.high:.4f}]"
            mark = "=" if row.best else " "
            trained = f"{row.n_seeds} seed{'s' if row.n_seeds > 1 else ''}"
            kind = "control" if row.control else row.origin if row.origin != "here" else trained
            yield f"  {mark} {row.label:28} {row.score:20} {row.mean:.4f}{interval:20} {kind}"
