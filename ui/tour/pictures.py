"""What a step's question is about, where the figure itself would give the answer away: small drawings in SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from uqcore.datasets import load, sine
from uqcore.exhibits.functions import Y_RANGE
from uqcore.types import FloatArray

_WIDTH, _HEIGHT = 168, 120
_SHOWN, _CROSSES = 60, 16  # points of a class, and of the cluster
_BLUE, _ORANGE = "#56B4E9", "#FF8A3D"  # as on the maps

Place = Callable[[float, float], tuple[float, float]]


def plane() -> str:
    """The training points of two moons, and the crosses that no model has seen."""
    dataset = load("moons")
    assert dataset.grid is not None  # it is of a plane
    at = _places(
        (float(dataset.grid.x[0]), float(dataset.grid.x[-1])), (float(dataset.grid.y[0]), float(dataset.grid.y[-1]))
    )
    groups = [dataset.train.x[dataset.train.y == k][:_SHOWN] for k in range(2)]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in _all(groups[0], at))
    triangles = "".join(f"M{x:.1f} {y - 4:.1f}l3.6 6.4h-7.2z" for x, y in _all(groups[1], at))
    crosses = "".join(f"M{x - 3:.1f} {y - 3:.1f}l6 6m0-6l-6 6" for x, y in _all(dataset.ood["cluster"][:_CROSSES], at))
    return _svg(
        "Blue dots and orange triangles in two half moons, and a cluster of crosses away from both",
        f'<g fill="{_BLUE}" stroke="#101522" stroke-width=".5">{dots}</g>'
        f'<path d="{triangles}" fill="{_ORANGE}" stroke="#101522" stroke-width=".5"/>'
        f'<path d="{crosses}" stroke="currentColor" stroke-width="1.4" fill="none"/>',
    )


def curve() -> str:
    """The points that the regression methods are fitted to, and the gap between them."""
    train = sine.make(0).train
    at = _places(sine.EDGES, Y_RANGE)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in _all(zip(train.x[:, 0], train.y, strict=True), at)
    )
    (left, _), (right, _) = (at(end, 0.0) for end in sine.GAP)
    gap = f'<rect x="{left:.1f}" width="{right - left:.1f}" height="{_HEIGHT}" fill="#88888840"/>'
    return _svg("Points along a wave, with a gap in the middle", f'{gap}<g fill="currentColor">{dots}</g>')


def _places(x_range: tuple[float, float], y_range: tuple[float, float]) -> Place:
    """From units of the axes to those of the drawing."""
    (x0, x1), (y0, y1) = x_range, y_range
    return lambda x, y: (_WIDTH * (x - x0) / (x1 - x0), _HEIGHT * (y1 - y) / (y1 - y0))


def _all(points: FloatArray | Iterable[tuple[float, float]], at: Place) -> Iterable[tuple[float, float]]:
    return (at(float(x), float(y)) for x, y in points)


def _svg(alt: str, inside: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{alt}" xmlns="http://www.w3.org/2000/svg">'
        f"{inside}</svg>"
    )
