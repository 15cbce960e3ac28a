"""Groups of examples, such as sites or ages: a certified risk for every one at once, and what a threshold does to each.

A group is known when its examples are decided, so each may have its threshold. Given the groups, those of one group are
independent draws of it, so that `certify` holds within it; certified at ``delta / G`` all G hold together with
probability ``1 - delta`` or more, and the risk of everything accepted is a mean of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_correct
from uqcore.selection.certified import Certificate, Procedure, certify_per_class
from uqcore.selection.heldout import Estimate, clopper_pearson
from uqcore.types import IntArray, UqError

MOST_GROUPS = 200
"""More of them share delta in parts so small that little can be certified; it is persons, not groups, then."""

NO_GROUP = "(none)"
"""The name of the group of examples whose cell is empty."""


class Groups(NamedTuple):
    """Groups by number.

    Attributes:
        names: of the G groups, ascending.
        codes: ``(N,)`` in 0..G-1, which group each example is of.
    """

    names: tuple[str, ...]
    codes: IntArray


def groups_of(group: ArrayLike) -> Groups:
    """Number the groups ``(N,)`` text of all examples. UqError: there are more than `MOST_GROUPS`."""
    texts = [str(text).strip() for text in np.asarray(group).tolist()]
    names = sorted(set(texts))
    if len(names) > MOST_GROUPS:
        raise UqError(
            f"Expected at most {MOST_GROUPS} groups. Received {len(names):,}; choose a column that says of which few "
            f"each example is."
        )
    place = {name: g for g, name in enumerate(names)}
    return Groups(tuple(name or NO_GROUP for name in names), np.array([place[text] for text in texts], np.int64))


@dataclass(frozen=True, eq=False)
class GroupCertificates:
    """One threshold per group, certified so that all hold together.

    Attributes:
        names: of the G groups.
        thresholds: ``(G,)``; accept an example of group g where ``measure <= thresholds[g]``.
        certificates: of each group, at delta / G; ``n`` and ``n_needed`` count examples of that group.
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
    """`certify` for each group at delta / G: ``P(every group's risk <= target_risk) >= 1 - delta``.

    Args:
        measure, correct: as for `rank`, of in-distribution calibration examples.
        codes: ``(N,)`` which group each is of, in 0..G-1. A group may be empty; it then defers all.
        names: of the G groups, fixed before the labels were looked at.

    Raises:
        UqError: a shape or dtype does not fit, a code is out of range, or as for `certify`.
    """
    found = certify_per_class(measure, correct, codes, len(names), target_risk, delta, procedure)
    return GroupCertificates(tuple(names), found.thresholds, found.certificates)


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
