"""``python -m uqcore``: train, list, evaluate and time models, choose thresholds. Results go to stdout, progress and
errors to stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from uqcore import __version__, methods
from uqcore.cli import compare, models, reproduce, scoreboard, thresholds
from uqcore.datasets import DATASETS
from uqcore.extras import check_tensorflow
from uqcore.methods.base import TrainingConfig, configure
from uqcore.networks.parallel import one_blas_thread
from uqcore.store import Store, default_store
from uqcore.types import ModelRecord, Progress, UqError
from uqcore.workers import end_with_stdin

_BAR = 24
_MOMENT_S = 1.0
# Keras takes seeds below 2**32, and the members of ensemble s have the seeds from s * n_members on.
_MAX_SEED = 10**6


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 2 is the exit code of an error that one sentence explains, 1 that of `models` on damage."""
    arguments = arguments_parser().parse_args(argv)
    one_blas_thread()
    code: int | None = None  # it stays so where the reader of the output left early
    try:
        with _writing_stdout():
            code = arguments.run(arguments)
    except UqError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing half-written is left behind", file=sys.stderr)
        return 130
    return code or 0


@contextmanager
def _writing_stdout() -> Iterator[None]:
    """UqError if stdout cannot be written; a reader that has seen enough, as ``head`` has, is no error."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:  # of stdout: whatever reads or writes files has made its own a UqError
        # What is still in the buffer must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise UqError(f"The results cannot be written to stdout ({error.strerror or error}).") from error


def arguments_parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    parser = argparse.ArgumentParser(prog="python -m uqcore", description=__doc__)
    parser.add_argument("--version", action="version", version=f"uqcore {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train models and put them into the store")
    train.add_argument("--task", required=True, help=", ".join(DATASETS))
    train.add_argument("--method", default="all", help=f"all (the default), {', '.join(methods.METHODS)}")
    train.add_argument("--seed", type=_seed, default=0)
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the method")
    train.add_argument("--json", action="store_true", help="progress and results as JSON, one object a line")
    train.add_argument("--tables", choices=("visit", "store"), help="with --json: then also the tables that pages look "
                       "up, of any seed, and the figures; store: those for all visitors too")  # fmt: skip
    train.add_argument("--beside", type=Path, metavar="STORE", help="with --tables: figures of its model too")
    train.add_argument("--until-stdin-ends", action="store_true", help="end with standard input, in the middle of an "
                       "epoch too: with the program that started this one")  # fmt: skip
    train.set_defaults(run=_train)

    models.add_command(commands)

    evaluate = commands.add_parser("evaluate", help="every metric of the stored models")
    evaluate.add_argument("--task", help=f"only {' or '.join(DATASETS)}")
    evaluate.add_argument("--method", help=f"only one of {', '.join(methods.METHODS)}")
    evaluate.add_argument("--samples", type=_positive, default=50)
    evaluate.add_argument("--json", action="store_true")
    evaluate.set_defaults(run=_evaluate)

    tables = commands.add_parser("tables", help="compute again what pages look up, and keep it beside the model")
    tables.add_argument("--task", help=f"only {' or '.join(DATASETS)}")
    tables.add_argument("--method", help=f"only one of {', '.join(methods.METHODS)}")
    tables.add_argument("--model", metavar="MODEL_ID", help="only this one of those that `models` lists")
    tables.set_defaults(run=_tables)

    thresholds.add_commands(commands, _share_bar)
    compare.add_command(commands, _share_bar)

    predict = commands.add_parser("predict", help="samples of a Keras model with dropout, for `tune` and the pages")
    predict.add_argument("model", type=Path, metavar="MODEL.keras")
    predict.add_argument("input", type=Path, metavar="INPUT.npy", help="or .npz with an array for each input")
    predict.add_argument("--samples", type=_positive, default=50)
    predict.add_argument("--seed", type=_seed, default=0)
    predict.add_argument("--batch-size", type=_positive, default=256)
    predict.add_argument("--out", type=Path, required=True, metavar="PREDICTIONS.npz")
    predict.set_defaults(run=_predict)

    reproduce.add_command(commands, _retrain)
    scoreboard.add_command(commands)

    bench = commands.add_parser("bench", help="how fast it is, with the naive way beside it")
    bench.add_argument("--json", action="store_true")
    bench.set_defaults(run=_bench)
    return parser


def _train(arguments: argparse.Namespace) -> None:
    from uqcore.models.training import time_before_s, train
    from uqcore.trainings.finish import finish
    from uqcore.trainings.progress import epoch_line, stored_line
    from uqcore.trainings.visit import temporary_files

    if arguments.until_stdin_ends:
        end_with_stdin()
    check_tensorflow()
    task = _known_task(arguments.task)
    chosen = methods.of_task(task) if arguments.method == "all" else [methods.method(arguments.method).method_id]
    settings = _settings(arguments.set)
    configs = {method_id: _configured(method_id, task, settings) for method_id in chosen}
    store = default_store()
    store.check_writable()
    with temporary_files():
        for method_id, config in configs.items():
            bar, tables = _EpochBar(epoch_line if arguments.json else None), arguments.tables
            record = train(store, task, method_id, arguments.seed, config, bar, with_tables=tables is None)
            if arguments.json:
                if tables is not None:
                    beside = None if arguments.beside is None else Store(arguments.beside)
                    finish(store, record, partial(print, flush=True), beside, for_store=tables == "store")
                print(stored_line(record.model_id), flush=True)
                continue
            before_s = time_before_s(store, task, method_id, arguments.seed, config, bar.names)
            said = f"{record.model_id}: {_trained(record.training_time_s, before_s, bar.names)}"
            print(f"{said}, {_figures(record.metrics)}".rstrip(", "), flush=True)


def _trained(in_all_s: float, before_s: float, fitted: Collection[str]) -> str:
    """How long this run trained a model, beside ``before_s`` of parts that were stored already."""
    if not fitted:
        return f"nothing to train: its parts were stored after {in_all_s:.1f} s of training"
    beside = f" beside {before_s:.1f} s of parts that were stored" if before_s else ""
    return f"{in_all_s - before_s:.1f} s of training{beside}"


def _retrain(store: Store) -> None:
    from uqcore.reproduce.retrain import retrain
    from uqcore.trainings.visit import temporary_files

    check_tensorflow()
    with temporary_files():
        retrain(store, _EpochBar())


def _configured(method_id: str, task: str, settings: dict[str, str]) -> TrainingConfig:
    configs = methods.method(method_id).configs
    if task not in configs:
        raise UqError(f"{method_id} is for the tasks {', '.join(configs)}. Received: --task {task}.")
    return configure(configs[task], settings)


def _evaluate(arguments: argparse.Namespace) -> None:
    from uqcore.models.evaluation import Evaluated, evaluate, plain

    store = default_store()
    chosen = _selected(store, arguments.task, arguments.method)
    results: list[Evaluated] = []
    for record in chosen:
        results.append(evaluate(store, record, arguments.samples, _Bar(record.model_id)))
        if not arguments.json:
            print(results[-1].summary())
    if arguments.json:
        print(json.dumps([plain(asdict(result)) for result in results], indent=2))


def _selected(store: Store, task: str | None, method_id: str | None) -> list[ModelRecord]:
    task = task and _known_task(task)
    method_id = method_id and methods.method(method_id).method_id
    chosen = [r for r in store.records() if task in (None, r.task) and method_id in (None, r.method)]
    if not chosen:
        raise UqError(f"No such model in {store.root}; `python -m uqcore train` trains one.")
    return chosen


def _predict(arguments: argparse.Namespace) -> None:
    from uqcore.keras_dropout import predict_file

    check_tensorflow()
    bar = _Bar(arguments.model.name)
    made = predict_file(
        arguments.model, arguments.input, arguments.samples, arguments.out, arguments.seed, arguments.batch_size, bar
    )
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    shape = f"{made.n_samples} samples, {len(made):,} examples, {made.n_classes} classes"
    print(f"{arguments.out}: {made.kind} of {shape}")


def _tables(arguments: argparse.Namespace) -> None:
    from uqcore.exhibits import front_page, function_table
    from uqcore.models import answers

    store = default_store()
    store.check_writable()
    front_page.keep_pictures()
    chosen = [store.get(arguments.model)] if arguments.model else _selected(store, arguments.task, arguments.method)
    for record in chosen:
        if record.seed != 0 and not arguments.model:  # pages show those of seed 0
            continue
        for keep in (answers.keep, front_page.keep, function_table.keep):
            record = keep(store, record, _Bar(record.model_id))
        if record.tables:
            size = sum(file.n_bytes for file in record.tables.values()) / 1e6
            print(f"{record.model_id}: {', '.join(record.tables)}, {size:.1f} MB")


def _bench(arguments: argparse.Namespace) -> None:
    from uqcore.bench.serving import run

    results = []
    for result in run(lambda line: print(line, file=sys.stderr)):
        results.append(result)
        if not arguments.json:
            naive = "" if result.naive_s is None else f"   naive {result.naive_s:9.4f} s   {result.ratio:6.1f} x"
            print(f"{result.name:46} {result.seconds:9.4f} s{naive}   {result.note}")
    if arguments.json:
        print(json.dumps([{**asdict(result), "ratio": result.ratio} for result in results], indent=2))


def _known_task(task: str) -> str:
    if task not in DATASETS:
        raise UqError(f"Unknown task {task!r}. Known tasks: {', '.join(DATASETS)}.")
    return task


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UqError(f"A setting must look like name=value. Received: --set {pair}")
        settings[name] = value
    return settings


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MAX_SEED:
        raise ValueError(text)
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


# argparse names the type in its message: "invalid whole number value: 'x'".
_seed.__name__ = f"whole number from 0 to {_MAX_SEED}"
_positive.__name__ = "whole number from 1"


def _figures(metrics: Any) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())


def _share_bar(name: str) -> Callable[[float], None]:
    """A bar in percent that is shown only if the work takes longer than a moment."""
    bar, started, last = _Bar(name), time.perf_counter(), [-1]

    def tick(share: float) -> None:
        percent = min(100, int(100 * share))
        if percent > last[0] and time.perf_counter() - started > _MOMENT_S:
            last[0] = percent
            bar(max(percent, 1), 100)

    return tick


class _EpochBar:
    """A progress bar per model, one step an epoch; with ``line``, what that makes of it on stdout too."""

    def __init__(self, line: Callable[[str, Progress], str] | None = None) -> None:
        self._bars: dict[str, _Bar] = {}
        self._line = line

    @property
    def names(self) -> Collection[str]:
        """Of the models that were trained."""
        return self._bars.keys()

    def __call__(self, name: str, progress: Progress) -> None:
        bar = self._bars.setdefault(name, _Bar(name))
        bar(progress.done, progress.total, _figures(progress.metrics))
        if self._line is not None:
            print(self._line(name, progress), flush=True)


class _Bar:
    """Progress on stderr with the time that is left: redrawn in place on a terminal, a line a step in a log."""

    def __init__(self, name: str) -> None:
        self._name, self._started, self._live = name, time.perf_counter(), sys.stderr.isatty()

    def __call__(self, done: int, total: int, text: str = "") -> None:
        elapsed = time.perf_counter() - self._started
        left = elapsed / done * (total - done)
        filled = "#" * (_BAR * done // total)
        line = f"{self._name} [{filled:.<{_BAR}}] {done}/{total}, {left:.0f} s left {text}"
        if self._live:
            print(f"\r\x1b[2K{line}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
