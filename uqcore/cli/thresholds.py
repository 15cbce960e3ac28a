"""The commands ``tune`` and ``decide``: from a file of predictions to a policy, and from both to decisions."""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from uqcore.cli.goals import add_goal, check_goal, goal_of
from uqcore.predictions import (
    Asked,
    NotNormalized,
    Predictions,
    ReadBack,
    Roles,
    SeveralModels,
    Unclear,
    decisions_csv,
    read_back,
    read_models,
    read_predictions,
)
from uqcore.predictions.roles import VALUE_KINDS
from uqcore.selection import Certificate, ThresholdPolicy
from uqcore.tuning import Study, Tuned, study, tune
from uqcore.types import UqError

Ticker = Callable[[str], Callable[[float], None]]
"""From the name of some work to what is told its share that is done."""

Write = Callable[[BinaryIO], object]
"""Writes a result to a stream."""


def add_commands(commands: Any, ticker: Ticker) -> None:
    """Adds both to the sub-parsers of ``python -m uqcore``."""
    tuning = commands.add_parser("tune", help="choose a threshold for a file of predictions (a table, NPZ or NPY)")
    tuning.add_argument("file", type=Path, metavar="FILE")
    add_goal(tuning)
    add_reading(tuning)
    tuning.add_argument("--out", type=Path, metavar="POLICY.json")
    tuning.add_argument("--json", action="store_true")
    tuning.set_defaults(run=lambda arguments: _tune(arguments, ticker))

    deciding = commands.add_parser("decide", help="apply a policy to a file of predictions")
    deciding.add_argument("file", type=Path, metavar="FILE")
    deciding.add_argument("--policy", type=Path, required=True, metavar="POLICY.json")
    add_reading(deciding)
    deciding.add_argument("--out", type=Path, metavar="DECISIONS.csv", help="stdout if it is not given")
    deciding.set_defaults(run=lambda arguments: _decide(arguments, ticker))


def add_reading(parser: argparse.ArgumentParser) -> None:
    """The options that say what the columns of a file are, for those that are not found or found wrongly."""
    parser.add_argument("--probs", metavar="COLUMNS", help="of probabilities or logits, by class: a,b,c or 'prob_*'")
    parser.add_argument("--kind", choices=VALUE_KINDS, help="what these are; scores are divided by their sum")
    parser.add_argument("--label", metavar="COLUMN", help="of true classes; or a file of them (.npy, .csv)")
    parser.add_argument("--classes", metavar="NAMES", help="of the classes, in the order of their columns: cat,dog")
    parser.add_argument("--group", metavar="COLUMN", help="of each example's group")
    parser.add_argument("--id", metavar="COLUMNS", help="that name the examples; they come back in the decisions")
    parser.add_argument("--model", metavar="NAME", help="whose predictions, of a file that has those of several models")
    parser.add_argument("--normalize", action="store_true", help="divide rows that do not sum to 1 by their sum")


def _tune(arguments: argparse.Namespace, ticker: Ticker) -> None:
    measure_id = check_goal(arguments)
    predictions = read_file(arguments, ticker)
    of_file = study(predictions, measure_id, arguments.calibration_share, arguments.seed)
    tuned = tune(of_file, goal_of(arguments, of_file))
    read = read_back(predictions)
    for warning in read.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if arguments.out is not None:
        text = tuned.policy.to_json().encode()
        _write_file(arguments.out, lambda target: target.write(text))
    if arguments.json:
        print(json.dumps(_row(of_file, tuned, read), indent=2, allow_nan=False))
    else:
        print(read.sentence)
        _print_tuned(of_file, tuned)


def _print_tuned(of_file: Study, tuned: Tuned) -> None:
    policy, seen = tuned.policy, tuned.assessment
    print(tuned.promise)
    print(f"Threshold on {policy.measure}: {', '.join(str(jsonable(threshold)) for threshold in policy.thresholds)}")
    accepts = f"{seen.coverage.value:.2%} ({seen.coverage.low:.2%} to {seen.coverage.high:.2%})"
    wrong = f", {seen.n_errors:,} of them wrong: {seen.risk.value:.3%} ({seen.risk.low:.3%} to {seen.risk.high:.3%})"
    said = wrong if seen.n_accepted and of_file.has_labels else ""
    print(f"On {seen.n:,} held-out examples it accepts {accepts}{said}.")
    if of_file.has_ood:
        print(f"It lets {seen.ood_accepted.value:.2%} of the OOD examples through.")


def _row(of_file: Study, tuned: Tuned, read: ReadBack) -> dict[str, Any]:
    """What ``--json`` prints: what does not exist is null, and a threshold that is infinite is in words."""
    policy, seen = tuned.policy, tuned.assessment
    chosen_on = of_file.calibration.assess_policy(policy)
    values: dict[str, Any] = {
        "n_examples": read.n_examples,
        "n_classes": len(read.classes),
        "class_names": [one.name for one in read.classes],
        "accuracy": read.accuracy,
        "threshold": jsonable(policy.thresholds[0]) if len(policy.thresholds) == 1 else None,
        "groups": policy.groups,
        "thresholds": [jsonable(threshold) for threshold in policy.thresholds],
        "measure": policy.measure,
        "procedure": policy.procedure,
        "coverage": chosen_on.coverage.value,
        "risk": chosen_on.risk.value,
        "risk_bound": policy.target.value if policy.certified else None,
        "delta": policy.delta,
        "n_calibration": policy.n_calibration,
        "n_test": policy.n_test,
        "test_coverage": seen.coverage.value,
        "test_coverage_interval": [seen.coverage.low, seen.coverage.high],
        "test_risk": seen.risk.value,
        "test_risk_interval": [seen.risk.low, seen.risk.high],
        "test_ood_accepted": seen.ood_accepted.value,
        "certified": policy.certified,
        "smallest_risk": tuned.smallest_risk,
        "target_risk": policy.target.value if policy.target.kind == "risk" else None,
        "recall": None if tuned.recall is None else tuned.recall.value,
        "recall_interval": None if tuned.recall is None else [tuned.recall.low, tuned.recall.high],
        "n_needed": tuned.certificate.n_needed if isinstance(tuned.certificate, Certificate) else None,
        "promise": tuned.promise,
    }
    return {k: None if isinstance(value, float) and math.isnan(value) else value for k, value in values.items()}


def _decide(arguments: argparse.Namespace, ticker: Ticker) -> None:
    policy = ThresholdPolicy.load(arguments.policy)
    predictions = read_file(arguments, ticker, None if policy.roles is None else Roles.from_dict(policy.roles))
    if predictions.n_classes != policy.n_classes:
        raise UqError(
            f"The policy is for {policy.n_classes} classes, and {arguments.file} has {predictions.n_classes}; "
            "use a policy that was tuned on predictions of the same model."
        )
    measure = predictions.measure(policy.measure)
    accept = policy.decide_measured(measure, predictions.predicted, predictions.group)

    def write(target: BinaryIO) -> None:
        decisions_csv(predictions, measure, accept, target)

    if arguments.out is not None:
        _write_file(arguments.out, write)
    n_accepted = int(np.count_nonzero(accept))
    print(f"{n_accepted:,} of {len(accept):,} accepted, {len(accept) - n_accepted:,} deferred", file=sys.stderr)
    if arguments.out is None:
        write(sys.stdout.buffer)


_OPTIONS = {"values": "--probs", "label": "--label", "classes": "--classes"}  # for what is unclear


def read_file(arguments: argparse.Namespace, ticker: Ticker, usual: Roles | None = None) -> Predictions:
    """The file, with what the options say of its columns; ``usual`` holds where they say nothing."""
    roles, labels = _roles(arguments, usual)
    with options_named():
        read = read_predictions(
            arguments.file,
            arguments.file.name,
            roles=roles,
            labels=labels,
            model=arguments.model,
            normalize=arguments.normalize,
            tick=ticker(f"reading {arguments.file.name}"),
        )
    for note in read.notes:
        print(f"note: {note}", file=sys.stderr)
    return read


def read_all(arguments: argparse.Namespace, ticker: Ticker) -> dict[str, Predictions]:
    """Every model of every file: by its own name, or by its file's where that holds one or names are there twice."""
    roles, labels = _roles(arguments, None)
    made: dict[str, Predictions] = {}
    for file in arguments.files:
        with options_named():
            models = read_models(
                file,
                file.name,
                roles=roles,
                labels=labels,
                normalize=arguments.normalize,
                tick=ticker(f"reading {file.name}"),
            )
        for name, predictions in models.items():
            called = name if name not in made else f"{file.name} {name}" if len(models) > 1 else str(file)
            if called in made:
                raise UqError(f"Expected each file once. Received {called} twice; leave one out.")
            made[called] = predictions
            for note in predictions.notes:
                print(f"note: {called}: {note}", file=sys.stderr)
    return made


@contextmanager
def options_named() -> Iterator[None]:
    """Refusals that an option would help with name it."""
    try:
        yield
    except NotNormalized as error:
        raise UqError(f"{str(error).removesuffix('.')} with --normalize.") from None
    except SeveralModels as error:
        said = str(error).removesuffix(".")
        raise UqError(f"{said} with --model, or compare them: python -m uqcore compare FILE.") from None
    except Unclear as error:
        raise UqError(f"{str(error).removesuffix('.')} with {_OPTIONS[error.role]}.") from None


def _roles(arguments: argparse.Namespace, usual: Roles | None) -> tuple[Roles | Asked | None, Path | None]:
    """What is asked for, and the file with the labels if there is one."""
    label: str | None = arguments.label
    place = None if label is None else Path(label)
    labels = place if place is not None and place.suffix and place.is_file() else None
    asked = Asked(
        kind=arguments.kind,
        values=_listed(arguments.probs),
        classes=_listed(arguments.classes),
        label=None if labels is not None else label,
        ids=_listed(arguments.id),
        group=arguments.group,
    )
    if asked == Asked():
        return usual, labels
    if usual is not None:  # what the policy knows and nobody contradicts
        asked = replace(
            asked,
            kind=asked.kind or usual.kind,
            values=asked.values or usual.values,
            classes=asked.classes or usual.classes,
        )
    return asked, labels


def _listed(text: str | None) -> tuple[str, ...] | None:
    """Names between commas, which may be quoted as in a CSV file."""
    return None if text is None else tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))


def _write_file(path: Path, write: Write) -> None:
    """The file appears whole or not at all; UqError if it cannot. A device or a pipe is written to, not replaced."""
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as target:
                write(target)
        else:
            _replace(Path(os.path.realpath(path)), write)
    except OSError as error:
        raise UqError(f"{path} cannot be written ({error.strerror}); name another place with --out.") from None


def _replace(path: Path, write: Write) -> None:
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as target:
            write(target)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def jsonable(threshold: float) -> float | str:
    """A threshold for JSON, which has no infinity."""
    """A threshold for JSON, which has no infinity."""
    if math.isinf(threshold):
        return "accept all" if threshold > 0 else "defer all"
    return threshold
