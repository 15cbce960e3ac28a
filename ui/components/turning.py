"""A picture that turns once around, and what each method says of it at every angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ui.components.mounting import register

_mount = register("turning", "play", "whole")


class Row(NamedTuple):
    """A method at each of A angles: the class it names, how sure it is, in words, and whether it accepts."""

    label: str
    color: str
    names: Sequence[str]
    sure: Sequence[str]
    accepted: Sequence[bool]


def turning(
    sheet: str, angles: Sequence[int], rows: Sequence[Row], *, alt: str, accept: str, defer: str, key: str
) -> None:
    """Show it; it turns by itself, unless the visitor's system asks for less motion, and can be turned by hand.

    Args:
        sheet: the URL of one picture of the A turned pictures side by side.
        angles: in degrees.
        alt: what the picture shows.
        accept, defer: the verdicts in words.
    """
    data: dict[str, Any] = {"sheet": sheet, "angles": list(angles), "rows": [row._asdict() for row in rows]}
    _mount(key=key, data=data | {"alt": alt, "accept": accept, "defer": defer})
