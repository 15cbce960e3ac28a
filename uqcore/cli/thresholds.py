"""The commands ``tune`` and ``decide``: from a file of predictions to a policy, and from both to decisions."""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, get_args

import numpy as np

from uqcore.metrics.uncertainty import MEASURES
from uqcore.predictions import (
    Asked,
    NotNormalized,
    Predictions,
    ReadBack,
    Roles,
    Unclear,
    decisions_csv,
    read_back,
    read_predictions,
)
from uqcore.predictions.roles import VALUE_KINDS
from uqcore.selection import Certificate, Costs, Procedure, ThresholdPolicy
from uqcore.tuning import Goal, Study, Tuned, study, tune
from uqcore.types import UqError

Ticker = Callable[[str], Callable[[float], None]]
"""From the name of some work to what is told its share that is done."""

Write = Callable[[BinaryIO], object]
"""Writes a result to a stream."""

_ALIASES = {"entropy": "predictive_entropy"}


def add_commands(commands: Any, ticker: Ticker) -> None:
    """Adds both to the sub-parsers of ``python -m uqcore``."""
    tuning = commands.add_parser("tune", help="choose a threshold for a file of predictions (a table, NPZ or NPY)")
    tuning.add_argument("file", type=Path, metavar="FILE")
    tuning.add_argument("--measure", default="entropy", help=f"entropy (the default), {', '.join(MEASURES)}")
    tuning.add_argument("--method", choices=(*get_args(Procedure), "cost"), default="ltt", help="ltt is the default")
    tuning.add_argument("--target-risk", type=float, help="the largest share of the accepted that may be wrong")
    tuning.add_argument("--delta", type=float, default=0.05, help="the probability of breaking the promise (0.05)")
    tuning.add_argument("--per-class", action="store_true", help="a threshold for each predicted class")
    tuning.add_argument("--error-cost", type=float, default=1.0, help="for --method cost (1)")
    tuning.add_argument("--deferral-cost", type=float, default=0.05, help="for --method cost (0.05)")
    tuning.add_argument("--ood-cost", type=float, default=1.0, help="of an OOD example that is accepted (1)")
    tuning.add_argument("--ood-share", type=float, default=0.0, help="assumed share of OOD (0)")
    tuning.add_argument("--calibration-share", type=float, default=0.5, help="the rest is held out to judge on (0.5)")
    tuning.add_argument("--seed", type=int, default=0, help="of the split")
    _add_reading(tuning)
    tuning.add_argument("--out", type=Path, metavar="POLICY.json")
    tuning.add_argument("--json", action="store_true")
    tuning.set_defaults(run=lambda arguments: _tune(arguments, ticker))

    deciding = commands.add_parser("decide", help="apply a policy to a file of predictions")
    deciding.add_argument("file", type=Path, metavar="FILE")
    deciding.add_argument("--policy", type=Path, required=True, metavar="POLICY.json")
    _add_reading(deciding)
    deciding.add_argument("--out", type=Path, metavar="DECISIONS.csv", help="stdout if it is not given")
    deciding.set_defaults(run=lambda arguments: _decide(arguments, ticker))


def _add_reading(parser: argparse.ArgumentParser) -> None:
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
    measure_id = _ALIASES.get(arguments.measure, arguments.measure)
    if measure_id not in MEASURES:
        raise UqError(f"Unknown measure {arguments.measure!r}. Known measures: entropy, {', '.join(MEASURES)}.")
    if arguments.method != "cost" and arguments.target_risk is None:
        raise UqError(f"--method {arguments.method} needs --target-risk, e.g. --target-risk 0.01. Received none.")
    if arguments.seed < 0:
        raise UqError(f"The seed must be 0 or more. Received: {arguments.seed}.")
    if arguments.method == "cost" and arguments.target_risk is not None:
        print("note: --method cost looks at costs alone and takes no --target-risk.", file=sys.stderr)
    predictions = _read(arguments, ticker)
    of_file = study(predictions, measure_id, arguments.calibration_share, arguments.seed)
    tuned = tune(of_file, _goal(arguments, of_file))
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
    print(f"Threshold on {policy.measure}: {', '.join(str(_jsonable(threshold)) for threshold in policy.thresholds)}")
    accepts = f"{seen.coverage.value:.2%} ({seen.coverage.low:.2%} to {seen.coverage.high:.2%})"
    wrong = f", {seen.n_errors:,} of them wrong: {seen.risk.value:.3%} ({seen.risk.low:.3%} to {seen.risk.high:.3%})"
    print(f"On {seen.n:,} held-out examples it accepts {accepts}{wrong if seen.n_accepted else ''}.")
    if of_file.has_ood:
        print(f"It lets {seen.ood_accepted.value:.2%} of the OOD examples through.")


def _goal(arguments: argparse.Namespace, of_file: Study) -> Goal:
    if arguments.method != "cost":
        return Goal("risk", arguments.target_risk, arguments.delta, arguments.method, per_class=arguments.per_class)
    costs = Costs.uniform(
        of_file.predictions.n_classes,
        error=arguments.error_cost,
        deferral=arguments.deferral_cost,
        ood_accepted=arguments.ood_cost,
        ood_share=arguments.ood_share,
    )
    return Goal("cost", costs=costs, per_class=arguments.per_class)


def _row(of_file: Study, tuned: Tuned, read: ReadBack) -> dict[str, Any]:
    """What ``--json`` prints: what does not exist is null, and a threshold that is infinite is in words."""
    policy, seen = tuned.policy, tuned.assessment
    chosen_on = of_file.calibration.assess(policy.thresholds)
    values: dict[str, Any] = {
        "n_examples": read.n_examples,
        "n_classes": len(read.classes),
        "class_names": [one.name for one in read.classes],
        "accuracy": read.accuracy,
        "threshold": _jsonable(policy.thresholds[0]) if len(policy.thresholds) == 1 else None,
        "thresholds": [_jsonable(threshold) for threshold in policy.thresholds],
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
        "n_needed": tuned.certificate.n_needed if isinstance(tuned.certificate, Certificate) else None,
        "promise": tuned.promise,
    }
    return {k: None if isinstance(value, float) and math.isnan(value) else value for k, value in values.items()}


def _decide(arguments: argparse.Namespace, ticker: Ticker) -> None:
    policy = ThresholdPolicy.load(arguments.policy)
    predictions = _read(arguments, ticker, None if policy.roles is None else Roles.from_dict(policy.roles))
    if predictions.n_classes != policy.n_classes:
        raise UqError(
            f"The policy is for {policy.n_classes} classes, and {arguments.file} has {predictions.n_classes}; "
            "use a policy that was tuned on predictions of the same model."
        )
    measure = predictions.measure(policy.measure)
    accept = policy.decide_measured(measure, predictions.predicted)

    def write(target: BinaryIO) -> None:
        decisions_csv(predictions, measure, accept, target)

    if arguments.out is not None:
        _write_file(arguments.out, write)
    n_accepted = int(np.count_nonzero(accept))
    print(f"{n_accepted:,} of {len(accept):,} accepted, {len(accept) - n_accepted:,} deferred", file=sys.stderr)
    if arguments.out is None:
        write(sys.stdout.buffer)


_OPTIONS = {"model": "--model", "values": "--probs", "label": "--label", "classes": "--classes"}  # for what is unclear


def _read(arguments: argparse.Namespace, ticker: Ticker, usual: Roles | None = None) -> Predictions:
    """The file, with what the options say of its columns; ``usual`` holds where they say nothing."""
    tick, (roles, labels) = ticker(f"reading {arguments.file.name}"), _roles(arguments, usual)
    try:
        read = read_predictions(
            arguments.file,
            arguments.file.name,
            roles=roles,
            labels=labels,
            model=arguments.model,
            normalize=arguments.normalize,
            tick=tick,
        )
    except NotNormalized as error:
        raise UqError(f"{str(error).removesuffix('.')} with --normalize.") from None
    except Unclear as error:
        raise UqError(f"{str(error).removesuffix('.')} with {_OPTIONS[error.role]}.") from None
    for note in read.notes:
        print(f"note: {note}", file=sys.stderr)
    return read


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


def _jsonable(threshold: float) -> float | str:
    if math.isinf(threshold):
        return "accept all" if threshold > 0 else "defer all"
    return threshold
