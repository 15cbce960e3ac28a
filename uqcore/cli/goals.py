"""The options that say what a threshold is to do, for ``tune`` and ``compare``."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

from uqcore.metrics.uncertainty import MEASURES
from uqcore.selection import Costs, Procedure
from uqcore.text import exact_percent
from uqcore.tuning import ROUND_RISKS, Goal, Study, round_risk
from uqcore.tuning.cost_file import read_costs
from uqcore.types import UqError

_ALIASES = {"entropy": "predictive_entropy"}


def add_goal(parser: argparse.ArgumentParser) -> None:
    """The options of a goal and of the split."""
    parser.add_argument("--measure", default="entropy", help=f"entropy (the default), {', '.join(MEASURES)}")
    parser.add_argument("--method", choices=(*get_args(Procedure), "cost"), default="ltt", help="ltt is the default")
    parser.add_argument("--target-risk", type=float, help="the largest share of the accepted that may be wrong")
    parser.add_argument("--smallest", action="store_true", help="the smallest round risk that can be certified")
    parser.add_argument("--precision", type=float, help="the least share of what is accepted as --positive that is it")
    parser.add_argument("--positive", metavar="CLASS", help="for --precision; of two classes the second by default")
    parser.add_argument("--coverage", type=float, help="the least share of the examples to accept; needs no labels")
    parser.add_argument("--budget", metavar="N/M", help="defer at most N of M examples, e.g. 200/5000; needs no labels")
    parser.add_argument("--delta", type=float, default=0.05, help="the probability of breaking the promise (0.05)")
    parser.add_argument("--per-class", action="store_true", help="a threshold for each predicted class")
    parser.add_argument("--per-group", action="store_true", help="a threshold for each group, of a column of groups")
    parser.add_argument("--weighted", action="store_true", help="of a risk: of weight, by a column of weights")
    parser.add_argument("--costs", type=Path, metavar="FILE.csv", help="a matrix: a row a true class, a column a guess")
    parser.add_argument("--error-cost", type=float, default=1.0, help="for --method cost (1)")
    parser.add_argument("--deferral-cost", type=float, default=0.05, help="for --method cost and --costs (0.05)")
    parser.add_argument("--ood-cost", type=float, default=1.0, help="of an OOD example that is accepted (1)")
    parser.add_argument("--ood-share", type=float, default=0.0, help="assumed share of OOD (0)")
    parser.add_argument("--calibration-share", type=float, default=0.5, help="the rest is held out to judge on (0.5)")
    parser.add_argument("--seed", type=int, default=0, help="of the split")


def check_goal(arguments: argparse.Namespace) -> str:
    """The measure's id. UqError: the options do not say one goal, or not one that can be."""
    measure_id = _ALIASES.get(arguments.measure, arguments.measure)
    if measure_id not in MEASURES:
        raise UqError(f"Unknown measure {arguments.measure!r}. Known measures: entropy, {', '.join(MEASURES)}.")
    if arguments.seed < 0:
        raise UqError(f"The seed must be 0 or more. Received: {arguments.seed}.")
    by_cost = arguments.method == "cost" or arguments.costs is not None
    named = {
        "--target-risk": arguments.target_risk is not None and not by_cost,
        "--smallest": arguments.smallest,
        "--precision": arguments.precision is not None,
        "--coverage": arguments.coverage is not None,
        "--budget": arguments.budget is not None,
        "--costs" if arguments.costs is not None else "--method cost": by_cost,
    }
    given = [name for name, is_given in named.items() if is_given]
    if len(given) > 1:
        raise UqError(f"Expected one goal. Received {' and '.join(given)}; choose one.")
    if not given:
        raise UqError(
            f"--method {arguments.method} needs --target-risk, e.g. --target-risk 0.01, or another goal: --smallest, "
            f"--precision, --coverage, --budget or --costs. Received none."
        )
    if by_cost and arguments.target_risk is not None:
        print("note: --method cost looks at costs alone and takes no --target-risk.", file=sys.stderr)
    return measure_id


def goal_of(arguments: argparse.Namespace, of_file: Study) -> Goal:
    """What the options ask for. UqError: it cannot be had of these predictions."""
    if arguments.method == "cost" or arguments.costs is not None:
        return _cost(arguments, of_file)
    plain = Goal(
        "risk",
        arguments.target_risk,
        arguments.delta,
        arguments.method,
        per_class=arguments.per_class,
        per_group=arguments.per_group,
        weighted=arguments.weighted,
    )
    if arguments.coverage is not None:
        return replace(plain, kind="coverage", value=arguments.coverage)
    if arguments.budget is not None:
        n, per = _budget(arguments.budget)
        return replace(plain, kind="budget", value=n / per, per=per)
    if arguments.precision is not None:
        positive = _positive(arguments.positive, of_file.predictions.class_names)
        return replace(plain, kind="precision", value=arguments.precision, positive=positive)
    if arguments.smallest:
        found = round_risk(of_file, arguments.delta, arguments.method)
        if found is None:
            raise UqError(
                f"Expected a risk of at most {exact_percent(ROUND_RISKS[-1])} that can be certified. None can on "
                f"{len(of_file.calibration.measure):,} calibration examples; bring more, or labels if there are none."
            )
        return replace(plain, value=found, n_tried=len(ROUND_RISKS))
    return plain


def _cost(arguments: argparse.Namespace, of_file: Study) -> Goal:
    costs = Costs.uniform(
        of_file.predictions.n_classes,
        error=arguments.error_cost,
        deferral=arguments.deferral_cost,
        ood_accepted=arguments.ood_cost,
        ood_share=arguments.ood_share,
    )
    if arguments.costs is not None:
        costs = replace(costs, matrix=read_costs(arguments.costs, of_file.predictions.class_names))
    return Goal("cost", costs=costs, per_class=arguments.per_class, per_group=arguments.per_group)


def _budget(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
    n, per = (int(part) for part in match.groups()) if match else (1, 0)
    if not 0 <= n <= per or not 0 < per <= 10**6:
        raise UqError(f"--budget must be N/M, at most N of M (up to 1,000,000) examples. Received: {text[:40]!r}.")
    return n, per


def _positive(name: str | None, class_names: tuple[str, ...]) -> int:
    if name is None and len(class_names) == 2:
        return 1
    if name not in class_names:
        shown = ", ".join(repr(one[:40]) for one in class_names[:10])
        raise UqError(f"--positive must be one of the classes {shown}. Received: {name!r}.")
    return class_names.index(name)
