"""``python -m uqcore models``: what is stored, the package's own data too, and whether it is whole; 1 is the exit code
where something is not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from uqcore import checked, datasets
from uqcore.datasets.bundled import DATA_DIR, fashion_mnist, mnist
from uqcore.exhibits import front_page, function_table
from uqcore.exhibits.verdicts import own_threshold
from uqcore.models.answers import Answers
from uqcore.models.content import stored_noise
from uqcore.models.sampling import load_posterior
from uqcore.predictions import breast_cancer
from uqcore.reproduce import counted
from uqcore.reproduce.retrain import TRAININGS
from uqcore.reproduce.trainings import FOLDER, output, store_beside
from uqcore.scoreboard import load_results
from uqcore.store import MODELS_VARIABLE, Store, StoreError, all_files, default_store
from uqcore.types import ModelRecord, UqError

DAMAGED = 1


def add_command(commands: Any) -> None:
    models = commands.add_parser("models", help="what is stored, with checksums and contents verified")
    models.add_argument("--json", action="store_true")
    models.set_defaults(run=_models)


def _models(arguments: argparse.Namespace) -> int:
    store = default_store()
    rows, problems = [], []
    for each, prefix in ((store, ""), (store_beside(store), f"{FOLDER}/")):
        try:
            for record in each.records():
                found = check(each, record) if each == store else _of_training(store, record)
                rows.append((replace(record, model_id=prefix + record.model_id), found))
            if strays := each.strays():
                print(
                    f"note: of no model are the folders {', '.join(strays[:5])} of {each.root}; remove them.",
                    file=sys.stderr,
                )
        except StoreError as error:  # a manifest that is damaged; the other store may be whole
            problems.append(str(error))
            print(f"error: {error}", file=sys.stderr)
    for problem in _beside_models(store):
        problems.append(problem)
        print(f"error: {problem}", file=sys.stderr)
    if arguments.json:
        print(json.dumps([{**asdict(record), "problems": found} for record, found in rows], indent=2))
    else:
        _show(rows)
        if not rows and not problems:
            print(
                f"note: there are no models in {store.root}; {MODELS_VARIABLE} names another folder.", file=sys.stderr
            )
    return DAMAGED if problems or any(found for _, found in rows) else 0


def _beside_models(store: Store) -> Iterator[str]:
    """A sentence for each damaged file that pages read and no model has: counted rows, results, data of the package."""
    images = dict.fromkeys([mnist().path, fashion_mnist().path, *checked.listed(DATA_DIR)])
    data = (*images, front_page.PICTURES, breast_cancer.FILE)
    looks: list[Callable[[], object]] = [partial(counted.read, store), load_results]
    looks += [partial(checked.check, path) for path in data]
    for look in looks:
        try:
            look()
        except UqError as error:
            yield str(error)


def _show(rows: list[tuple[ModelRecord, list[str]]]) -> None:
    for record, found in rows:
        size = sum(file.n_bytes for file in all_files(record)) / 1e6
        state = "; ".join(found) or "intact"
        print(f"{record.model_id:34} {record.n_parameters:>10,} parameters {size:6.1f} MB  {state}")


def check(store: Store, record: ModelRecord) -> list[str]:
    """A sentence for all that is wrong with a model: its files, and what pages need of them."""
    is_regression = record.task in datasets.DATASETS and datasets.load(record.task).is_regression
    needed, found = stored_noise if is_regression else own_threshold, []
    for look in (lambda: _load(store, record), lambda: needed(record)):
        try:
            look()
        except UqError as error:
            found.append(str(error))
    return list(dict.fromkeys([*_of_files(store, record), *found])) if found else []


def _of_training(store: Store, record: ModelRecord) -> list[str]:
    """The same for a training that only the reproductions need."""
    if found := _of_files(store_beside(store), record):
        return found
    for kind in TRAININGS:
        if record.seed in kind.seeds and kind.model_id(record.seed) == record.model_id:
            try:
                output(store, kind, record.seed)
            except UqError as error:
                return [str(error)]
    return []


def _of_files(store: Store, record: ModelRecord) -> list[str]:
    return [check.problem for check in store.verify([record]) if check.problem]


def _load(store: Store, record: ModelRecord) -> None:
    """Loads the model and each of its tables, as pages do. UqError: one is not what it should be."""
    posterior, answers = load_posterior(store, record), Answers(store, record)
    for name in record.tables:
        if name == function_table.NAME:
            function_table.FunctionTable.of(store, record, posterior.n_samples)
        elif name == front_page.NAME:
            front_page.check(store, record)
        else:
            answers.check(name)
