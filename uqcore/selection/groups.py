"""Groups of examples, such as sites or ages: a certified risk for every one at once, and what a threshold does to each.

A group is known when its examples are decided, so each may have its threshold. Given the groups, those of one group are
independent draws of it, so that `certify` holds within it. The groups share delta, so that all hold together with
probability ``1 - delta`` or more, and the risk of everything accepted is a mean of theirs.

Nothing of delta is wasted: groups too small for anything to be certified get none of it (their sizes say nothing of
their labels), and a group of which everything is certified hands its share to the others, as in a graphical procedure
(Bretz et al. 2009, Stat. Med. 28:586). The start of a walk stays where it was, so that a larger share certifies what a
smaller one did and more; a group that truly has a bad threshold gets at most what the others could ever hand on, and
these parts sum to delta.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_correct
from uqcore.selection.certified import EMPTY, Certificate, Procedure, certify, fewest
from uqcore.selection.checks import checked_class_of_each
from uqcore.selection.heldout import Estimate, clopper_pearson
from uqcore.selection.ranking import Ranking, checked_in_own_dtype, rank
from uqcore.strict_json import LONGEST_LINE, is_line
from uqcore.types import IntArray, UqError

MOST_GROUPS = 200
"""More of them share delta in parts so small that little can be certified; it is persons, not groups, then."""

_QUOTED = 40
NO_GROUP = "(none)"
"""The name of the group of examples whose cell is empty."""


def group_name(cell: object) -> str:
    """What a group is called: its cell without spaces around it, or `NO_GROUP`."""
    return str(cell).strip() or NO_GROUP


class Groups(NamedTuple):
    """Groups by number.

    Attributes:
        names: of the G groups, ascending.
        codes: ``(N,)`` in 0..G-1, which group each example is of.
    """

    names: tuple[str, ...]
    codes: IntArray


def groups_of(group: ArrayLike) -> Groups:
    """Number the groups ``(N,)`` text of all examples, `NO_GROUP` first.

    Raises:
        UqError: there are more than `MOST_GROUPS`, or one has a name that no policy can hold.
    """
    texts = [group_name(text) for text in np.asarray(group).tolist()]
    names = sorted(set(texts), key=lambda name: "" if name == NO_GROUP else name)
    if len(names) > MOST_GROUPS:
        raise UqError(
            f"Expected at most {MOST_GROUPS} groups. Received {len(names):,}; choose a column that says of which few "
            f"each example is."
        )
    odd = next((name for name in names if not is_line(name)), None)
    if odd is not None:
        why = f"{len(odd):,} of them" if len(odd) > LONGEST_LINE else "others"
        raise UqError(
            f"Expected names of groups of at most {LONGEST_LINE:,} characters that can be seen. Received {why} in "
            f"{odd[:_QUOTED]!r}; give that group another name in the file."
        )
    place = {name: g for g, name in enumerate(names)}
    return Groups(tuple(names), np.array([place[text] for text in texts], np.int64))


@dataclass(frozen=True, eq=False)
class GroupCertificates:
    """One threshold per group, certified so that all hold together.

    Attributes:
        names: of the G groups.
        thresholds: ``(G,)``; accept an example of group g where ``measure <= thresholds[g]``.
        certificates: of each group, at its share of delta; ``n`` and ``n_needed`` count examples of that group.
    """

    names: tuple[str, ...]
    thresholds: NDArray[np.float64]
    certificates: tuple[Certificate, ...]

    @property
    def uncertified(self) -> tuple[int, ...]:
        """The groups of which nothing is accepted: too few examples, which may be none, or too many errors."""
        return tuple(g for g, certificate in enumerate(self.certificates) if not certificate.certified)


def certify_per_group(
    measure: ArrayLike,
    correct: ArrayLike,
    codes: ArrayLike,
    names: Sequence[str],
    target_risk: float,
    delta: float,
    procedure: Procedure = "ltt",
) -> GroupCertificates:
    """`certify` for each group at its share of delta: ``P(every group's risk <= target_risk) >= 1 - delta``.

    Args:
        measure, correct: as for `rank`, of in-distribution calibration examples.
        codes: ``(N,)`` which group each is of, in 0..G-1. A group may be empty; it then defers all.
        names: of the G groups, fixed before the labels were looked at.

    Raises:
        UqError: a shape or dtype does not fit, a code is out of range, or as for `certify`.
    """
    values = checked_in_own_dtype(measure)
    classes = checked_class_of_each(codes, len(values), len(names), "codes")
    is_right = checked_correct(correct, len(values))
    rows = [np.flatnonzero(classes == g) for g in range(len(names))]
    rankings = [rank(values[some], is_right[some]) if len(some) else EMPTY for some in rows]
    certificates = _shared(rankings, target_risk, delta, procedure)
    return GroupCertificates(tuple(names), np.array([one.threshold for one in certificates]), certificates)


def _shared(
    rankings: Sequence[Ranking], target_risk: float, delta: float, procedure: Procedure
) -> tuple[Certificate, ...]:
    base = delta / max(len(rankings), 1)
    certify(EMPTY, target_risk, base, procedure)  # which checks them
    large = [g for g, ranking in enumerate(rankings) if ranking.n_examples >= fewest(target_risk, base)]
    # Who is too small at the share of all would be large enough at a larger one; the largest that fits is taken.
    by_size = sorted(range(len(rankings)), key=lambda g: -rankings[g].n_examples)
    for n in range(len(rankings), len(large), -1):
        if rankings[by_size[n - 1]].n_examples >= fewest(target_risk, delta / n):
            large = by_size[:n]
            break
    start = delta / max(len(large), 1)
    # The small ones fail at the share of all, and so have no part in delta.
    found = [certify(one, target_risk, start if g in large else base, procedure) for g, one in enumerate(rankings)]
    levels = dict.fromkeys(large, start)
    open_ = {g for g in large if found[g].threshold != math.inf}
    while open_ and len(open_) < len(levels):
        handed_on = sum(levels.pop(g) for g in [*levels] if g not in open_)
        levels = {g: level + handed_on / len(open_) for g, level in levels.items()}
        for g in open_:
            found[g] = certify(rankings[g], target_risk, levels[g], procedure, start_delta=start)
        open_ = {g for g in open_ if found[g].threshold != math.inf}
    return tuple(found)


class GroupSeen(NamedTuple):
    """What a rule does to the examples of a group.

    Attributes:
        name: of the group.
        n, n_accepted: examples, and those accepted.
        n_errors: the wrong ones among the accepted; None without labels.
        coverage: share accepted, with its exact interval; None where there is no example.
        risk: share of the accepted that is wrong, with its exact interval; None where none is accepted, or no labels.
    """

    name: str
    n: int
    n_accepted: int
    n_errors: int | None
    coverage: Estimate | None
    risk: Estimate | None


def assess_groups(
    accepted: ArrayLike, correct: ArrayLike | None, codes: IntArray, names: Sequence[str], confidence: float = 0.95
) -> tuple[GroupSeen, ...]:
    """Coverage and risk in each group; each Clopper-Pearson interval holds by itself at the confidence given.

    Args:
        accepted, correct: ``(N,)`` bool, of in-distribution held-out examples; ``correct`` None without labels.
        codes: ``(N,)`` which group each is of, in 0..G-1.
        names: of the G groups.

    Raises:
        UqError: a shape or dtype does not fit, or the confidence is not between 0 and 1.
    """
    kept = checked_correct(accepted, len(codes), "accepted")
    wrong = None if correct is None else ~checked_correct(correct, len(codes)) & kept
    n, n_accepted = (np.bincount(part, minlength=len(names)) for part in (codes, codes[kept]))
    n_errors = None if wrong is None else np.bincount(codes[wrong], minlength=len(names))
    return tuple(
        GroupSeen(
            name,
            int(n[g]),
            int(n_accepted[g]),
            None if n_errors is None else int(n_errors[g]),
            _share(int(n_accepted[g]), int(n[g]), confidence),
            None if n_errors is None else _share(int(n_errors[g]), int(n_accepted[g]), confidence),
        )
        for g, name in enumerate(names)
    )


def _share(count: int, total: int, confidence: float) -> Estimate | None:
    return Estimate(count / total, *clopper_pearson(count, total, confidence)) if total else None
