"""The command ``compare``: the same goal for several models on the same examples, and which can be told apart."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from uqcore.cli.goals import add_goal, check_goal, goal_of
from uqcore.cli.thresholds import Ticker, add_reading, jsonable, read_all
from uqcore.predictions import read_back
from uqcore.selection import Estimate
from uqcore.text import fine_percent as fine
from uqcore.tuning import Comparison, Pair, compare, study
from uqcore.tuning.comparison import HOW, OneOf, told, what_is_compared
from uqcore.types import UqError


def add_command(commands: Any, ticker: Ticker) -> None:
    """Adds it to the sub-parsers of ``python -m uqcore``."""
    parser = commands.add_parser("compare", help="the same goal for several models: of one file, or of several")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    add_goal(parser)
    add_reading(parser)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=lambda arguments: _compare(arguments, ticker))


def _compare(arguments: argparse.Namespace, ticker: Ticker) -> None:
    measure_id = check_goal(arguments)
    if arguments.smallest:
        raise UqError("compare needs one risk for all models. Received --smallest; name it with --target-risk.")
    if arguments.model is not None:
        raise UqError("compare takes all models of a file. Received --model; use tune for one.")
    models = read_all(arguments, ticker)
    for name, predictions in models.items():
        for warning in read_back(predictions).warnings:
            print(f"warning: {name}: {warning}", file=sys.stderr)
    first = study(next(iter(models.values())), measure_id, arguments.calibration_share, arguments.seed)
    seen = compare(models, measure_id, goal_of(arguments, first), arguments.calibration_share, arguments.seed)
    if arguments.json:
        print(json.dumps(_content(seen), indent=2, allow_nan=False))
    else:
        print("\n".join(_lines(seen)))


def _lines(seen: Comparison) -> list[str]:
    lines = [what_is_compared(seen), ""]
    head = ["model", "accepted", "wrong among them", "accuracy", f"wrong at {seen.coverage:.0%} accepted", "threshold"]
    lines += _table([head, *(_cells(one) for one in seen.models)])
    for pair in seen.pairs:
        lines.append(told(pair))
    return [*lines, "", HOW]


def _cells(one: OneOf) -> list[str]:
    accepted = one.tuned.assessment
    shares = [accepted.coverage, accepted.risk, one.accuracy, one.risk_at_coverage]
    limits = [str(jsonable(threshold)) for threshold in one.tuned.policy.thresholds[:3]]
    return [one.name[:40], *(_share(share) for share in shares), ", ".join(limits)]


def _share(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "-"
    return f"{fine(estimate.value)} ({fine(estimate.low)} to {fine(estimate.high)})"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [*("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows), ""]


def _content(seen: Comparison) -> dict[str, Any]:
    return {
        "n_models": len(seen.models),
        "coverage": seen.coverage,
        "models": [_model(one) for one in seen.models],
        "pairs": [_pair(pair) for pair in seen.pairs],
        "promise": what_is_compared(seen),
    }


def _model(one: OneOf) -> dict[str, Any]:
    accepted, policy = one.tuned.assessment, one.tuned.policy
    row: dict[str, Any] = {
        "name": one.name,
        "certified": policy.certified,
        "thresholds": [jsonable(threshold) for threshold in policy.thresholds],
        "n_test": accepted.n,
    }
    shares = {"test_coverage": accepted.coverage, "test_risk": accepted.risk, "test_accuracy": one.accuracy}
    shares["test_risk_at_coverage"] = one.risk_at_coverage
    for key, share in shares.items():
        row[key] = None if math.isnan(share.value) else share.value
        row[f"{key}_interval"] = [share.low, share.high]
    return row


def _pair(pair: Pair) -> dict[str, Any]:
    row: dict[str, Any] = {"first": pair.first, "second": pair.second, "quantity": pair.quantity}
    found = pair.difference
    row |= {"difference": None, "interval": None, "p": None}
    if found is not None:
        row |= {"difference": found.value, "interval": [found.low, found.high], "p": found.p}
    return row | {"p_adjusted": pair.adjusted, "told_apart": pair.is_apart}
