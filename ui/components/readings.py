"""A strip of the pictures that were read last, to go back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ui.components.mounting import register

_mount = register("readings", "going")


class Reading(NamedTuple):
    """One picture and what was said of it.

    Attributes:
        href: the link that shows it again.
        picture: its URL.
        name: of the class that most methods read.
        accepted: how many accept, e.g. "4 of 5 ✓".
        title: all of it as a sentence.
        is_shown: whether the page shows it now.
    """

    href: str
    picture: str
    name: str
    accepted: str
    title: str
    is_shown: bool


def readings(shown: Sequence[Reading]) -> None:
    """Show them, in the order given; a click opens one, and the visit goes on."""
    _mount(key="readings", data={"readings": [reading._asdict() for reading in shown]})
