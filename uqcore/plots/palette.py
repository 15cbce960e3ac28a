"""Colours that the colour-blind can tell apart, and a second signal (dash, marker) beside every colour."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.types import UqError

SEQUENTIAL = "cividis"
"""For measures. Made for colour-blind readers (Nuñez, Anderton & Renslow 2018); lightness rises all the way."""

DIVERGING = "PuOr"
"""For the probability of one class of two: orange 0, white 0.5, purple 1 (ColorBrewer, safe for the colour-blind)."""

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#999999", "#F0E442")
"""Okabe & Ito (2008), strongest first; their black is grey here, since black is lost on a dark theme."""

COLORS = (*OKABE_ITO, "#7733EE", "#776655", "#CC0099", "#CC55FF", "#CC0011")
"""Theirs, and those that lie furthest from them and from each other, to the colour-blind too, among colours that stand
out by 3 to 1 from a white page and from a dark one."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Line styles, as plotly calls them."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
"""Markers, as plotly calls them."""


class SeriesStyle(NamedTuple):
    """How one series is drawn: a hex colour, a plotly dash and a plotly symbol."""

    color: str
    dash: str
    symbol: str


def series_style(index: int) -> SeriesStyle:
    """The style of series ``index`` (from 0). Styles repeat after 312 series, colours after 13."""
    return SeriesStyle(COLORS[index % len(COLORS)], DASHES[index % len(DASHES)], SYMBOLS[index % len(SYMBOLS)])


@cache
def lut(name: str) -> NDArray[np.uint8]:
    """Look-up table of a plotly colour scale: ``(256, 3)`` RGB bytes, low values first, read-only.

    Args:
        name: any colour scale that plotly has by name, in any case; ``_r`` at the end reverses it.

    Raises:
        UqError: plotly has no scale of this name.
    """
    import plotly.colors  # Home needs no scale
    from plotly.exceptions import PlotlyError

    try:
        scale = plotly.colors.get_colorscale(name)
    except PlotlyError as error:
        raise UqError(
            f"Expected the name of a plotly colour scale, such as {SEQUENTIAL!r} or {DIVERGING!r}. Received: {name!r}."
        ) from error
    positions = [position for position, _ in scale]
    stops = np.array(plotly.colors.validate_colors([color for _, color in scale], "tuple"))
    at = np.linspace(0, 1, 256)
    table = np.stack([np.interp(at, positions, channel) for channel in stops.T], axis=1)
    table = np.rint(255 * table).astype(np.uint8)
    table.flags.writeable = False
    return table
