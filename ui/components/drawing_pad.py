"""A pad to draw a digit on, with mouse, pen or finger."""

from __future__ import annotations

from typing import NamedTuple

from ui.components.mounting import is_text, key_for, register, sent

PEN_WIDTH = 0.09
"""Width of the pen as a fraction of the pad's side, to be seen: what a model sees has a width of its own."""

_MOVING = "~"  # before a drawing whose last stroke goes on
_mount = register("drawing_pad", "unseen")


class Drawing(NamedTuple):
    """What is on the pad, and whether the pen still moves: then more is to come."""

    strokes: str
    is_moving: bool


def drawing_pad(strokes: str, key: str) -> Drawing:
    """Show the pad and return the drawing on it, which arrives when the pen is lifted, and up to four times a second
    while it moves: the next one only when Python is done with the last.

    A drawing is a string: per stroke the number of its points (uint16, big-endian), then x and y of each (uint8, 0 to
    255 across the pad, y downwards); all of it in base64url without padding. An empty pad is ``""``. The pen's path is
    the straight lines between the points, `PEN_WIDTH` wide, with round caps and joins. A digit takes about 100
    characters, so it fits in a URL.

    Args:
        strokes: the drawing to start from; from then on the visitor's. What is not a drawing shows as an empty pad.
        key: identity of the pad. Another key makes a new pad that starts from ``strokes``.
    """
    key, state = key_for(key, {"strokes": strokes})
    drawn: str = sent(state, "strokes", strokes, is_text)
    # The echo matters only when the browser builds the pad anew, e.g. in another place of the page.
    result = _mount(key=key, data={"strokes": drawn.removeprefix(_MOVING), "pen_width": PEN_WIDTH})
    drawn = sent(result, "strokes", drawn, is_text)
    return Drawing(drawn.removeprefix(_MOVING), drawn.startswith(_MOVING))
