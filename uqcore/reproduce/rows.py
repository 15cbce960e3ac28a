"""A published number beside ours, and the rules that say whether they agree. Nothing is set by hand.

`measured`: the published number lies in the 95 % prediction interval for one more training like ours (Student's t over
the seeds), widened by half a unit of its last digit. `exact`: the numbers are equal. `claim`: our numbers meet a
condition that says in figures what the source says in words or shows in pictures.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from uqcore.predictions.export import safe_cell
from uqcore.store import Store

CONFIDENCE = 0.95
UNEXPECTED = "Not so with the trainings in the repository: there it agrees, so seeds or library versions matter here."


@dataclass(frozen=True)
class Row:
    """One published number or claim and what came out here.

    Attributes:
        source: title of the `Source`.
        quantity: what is counted or measured, with its unit.
        published, ours: as text; ours names the range over the seeds.
        agrees: what ``rule`` decided.
        note: what is the same and what differs.
        explanation: why it does not agree and how that was checked; empty where it agrees.
        rule: in words.
        values: the numbers behind ``ours``: what they are of -> one a seed, digit or method.
    """

    source: str
    quantity: str
    published: str
    ours: str
    agrees: bool
    note: str
    explanation: str
    rule: str
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A publication and how we follow it.

    Attributes:
        same, differs: what is as it was there, and what is not.
        rows: its rows, made of stored models; it may raise `UqError`.
        found: what it took for the numbers to come out, if there is more to say than ``same`` does.
    """

    title: str
    same: str
    differs: str
    rows: Callable[[Store], Sequence[Row]]
    found: str = ""


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where one more value like the n >= 2 given ones lies with a probability of 95 %, if they are normal.

    ``mean ± t s sqrt(1 + 1 / n)`` with Student's t of n - 1 degrees of freedom.
    """
    from scipy.special import stdtrit  # which takes half of what the command line takes to load

    n = len(values)
    half = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) * math.sqrt(1 + 1 / n)
    return float(np.mean(values) - half), float(np.mean(values) + half)


def half_unit(published: str) -> float:
    """Half a unit of the last digit that is printed: what rounding may have moved."""
    return float(Decimal(1).scaleb(_exponent(published)) / 2)


def measured(
    source: str,
    quantity: str,
    published: str,
    values: Sequence[float],
    note: str = "",
    largest: float = math.inf,
) -> Row:
    """A number that depends on the training; ``values``, one a seed, are in the unit of ``published``.

    Like all that is published here it is not negative, and at most ``largest``.
    """
    low, high = np.clip(prediction_interval(values), 0, largest).tolist()
    rounding = half_unit(published)
    agrees = low - rounding <= float(published) <= high + rounding
    digits = max(0, -_exponent(published))
    mean, least, most = (f"{value:,.{digits}f}" for value in (np.mean(values), min(values), max(values)))
    return Row(
        source=source,
        quantity=quantity,
        published=f"{Decimal(published):,}",
        ours=f"{mean} ({least} to {most}, {len(values)} seeds)",
        agrees=agrees,
        note=note,
        explanation="" if agrees else UNEXPECTED,
        rule=f"expected {low:,.{digits}f} to {high:,.{digits}f}",
        values={"seeds": tuple(float(value) for value in values)},
    )


def exact(source: str, quantity: str, published: int, value: int, note: str = "") -> Row:
    """A number that nothing random decides."""
    agrees = value == published
    explanation = "" if agrees else f"The stored model has {value - published:+,} of them: it is not the source's."
    return Row(source, quantity, f"{published:,}", f"{value:,}", agrees, note, explanation, "equal")


def claim(
    source: str,
    quantity: str,
    published: str,
    ours: str,
    holds: bool,
    rule: str,
    values: Mapping[str, Sequence[float]],
    note: str = "",
) -> Row:
    """What a source says in words or shows in pictures; ``holds`` is whether ``values`` meet the condition ``rule``."""
    numbers = {name: tuple(float(value) for value in row) for name, row in values.items()}
    explanation = "" if holds else f"With these models the condition does not hold: {rule}."
    return Row(source, quantity, published, ours, bool(holds), note, explanation, rule, numbers)


def spread(values: Sequence[float], digits: int) -> str:
    """The smallest and the largest value, or the one value that there is, as text."""
    least, most = f"{min(values):,.{digits}f}", f"{max(values):,.{digits}f}"
    return least if least == most else f"{least} to {most}"


def to_csv(rows: Sequence[Row]) -> str:
    """The rows without ``values``, with cells that a spreadsheet does not run."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([safe_cell(str(getattr(row, name))) for name in _COLUMNS])
    return target.getvalue()


def to_plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as JSON takes them: it has no NaN, so a number that does not exist is None."""
    plain = [asdict(row) for row in rows]
    for row in plain:
        row["values"] = {
            name: [value if math.isfinite(value) else None for value in values]
            for name, values in row["values"].items()
        }
    return plain


_COLUMNS = ("source", "quantity", "published", "ours", "agrees", "note", "explanation", "rule")


def _exponent(number: str) -> int:
    exponent = Decimal(number).as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent
