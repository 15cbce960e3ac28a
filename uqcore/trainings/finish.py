"""What follows a training that a page watches, in the same process: tables for the pages, and the figures.

So that no page waits for them, and all of it can be cancelled and counts in what a training is expected to take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from uqcore.datasets import load
from uqcore.exhibits import front_page, function_table
from uqcore.models import answers
from uqcore.models.evaluation import evaluate
from uqcore.store import Store, StoreError
from uqcore.trainings.progress import figures_line, share_line
from uqcore.types import ModelRecord, Tick

_EVALUATION = 1.5
"""What an example costs that is evaluated, beside one of a table: every measure, from all samples in float64."""

_SETTING = 300
"""What a setting of the regression page's table costs, in examples of evaluation: a network is fitted again."""


def n_examples(task: str, *, beside: bool, for_store: bool) -> float:
    """How much there is to do, in examples of a table; ``beside``, ``for_store``: as for `finish`."""
    return sum(_parts(task, beside=beside, for_store=for_store).values())


def _parts(task: str, *, beside: bool, for_store: bool) -> dict[str, float]:
    data = load(task)
    tables = float(len(data.plane))
    if data.kept:
        tables += sum(len(data.part(name)) for name in data.kept) + answers.n_disturbed(data) * answers.N_DISTURBANCES
    # By their labels, where there are such: no image is read to be counted.
    parts = [data.part(name) for name in data.ood_sets]
    figures = _EVALUATION * (len(data.test) + sum(len(part) or len(part.x) for part in parts))
    functions = _SETTING * len(function_table.SETTINGS) if for_store and task == function_table.TASK else 0.0
    return {"tables": tables, "functions": functions, "figures": figures, "beside": figures if beside else 0.0}


def finish(
    store: Store, record: ModelRecord, say: Callable[[str], None], beside: Store | None = None, for_store: bool = False
) -> None:
    """Makes the tables and says the figures, with how far it is (`uqcore.trainings.progress`).

    Args:
        beside: a store whose model of the same method and task, with its default settings, is evaluated too.
        for_store: also what takes long and only pages for all visitors need: the table of the regression page.

    Raises:
        UqError: the model cannot be read, or the store not be written.
    """
    theirs = None if beside is None else _committed(beside, record)
    parts = _parts(record.task, beside=theirs is not None, for_store=for_store)
    whole, done = sum(parts.values()), 0.0

    @contextmanager
    def part(name: str) -> Iterator[Tick]:
        nonlocal done
        yield lambda n, total: say(share_line(record.model_id, (done + parts[name] * n / total) / whole))
        done += parts[name]
        say(share_line(record.model_id, done / whole))

    with part("tables") as tick:
        record = answers.keep(store, record, tick)
        record = front_page.keep(store, record) if for_store else record
    with part("functions") as tick:
        record = function_table.keep(store, record, tick) if for_store else record
    with part("figures") as tick:
        say(figures_line(evaluate(store, record, tick=tick)))
    if beside is not None and theirs is not None:
        with part("beside") as tick:
            say(figures_line(evaluate(beside, theirs, tick=tick), beside=True))


def _committed(store: Store, record: ModelRecord) -> ModelRecord | None:
    try:
        return store.find(record.task, record.method)
    except StoreError:
        return None
