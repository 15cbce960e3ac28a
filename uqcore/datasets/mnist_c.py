"""MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337): its fifteen corruptions, at the strengths of its benchmark.

Written anew after the definitions of the authors' generator (github.com/google-research/mnist-c, ``corruptions.py``,
with the severity that each has there), in NumPy and SciPy. What differs: random numbers are drawn anew, from ``seed``;
results are not rounded to bytes; motion blur follows ImageMagick's definition (a half Gaussian along a line) and not
its code, so edges may differ. Kept as it is there: glass blur smooths down the columns alone.

All take one image ``(28, 28) float64`` in [0, 1] and a generator, and give a new one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from uqcore.types import FloatArray

Image = NDArray[np.float64]
_CENTRE = 13.5  # of 28 pixels, as there


def corrupt(x: FloatArray, name: str, seed: int) -> FloatArray:
    """``x (N, 28, 28, 1) float32`` in [0, 1] under the corruption ``name``, a key of `MNIST_C`; the same shape.

    Image n has a stream of its own: what it becomes does not depend on the others.
    """
    change = MNIST_C[name]
    images = (change(image.astype(np.float64), np.random.default_rng([seed, n])) for n, image in enumerate(x[..., 0]))
    return np.stack([np.clip(image, 0, 1) for image in images])[..., None].astype(np.float32)


def shot_noise(image: Image, rng: np.random.Generator) -> Image:
    """Photons: white expects three."""
    return rng.poisson(3 * image) / 3


def impulse_noise(image: Image, rng: np.random.Generator) -> Image:
    """17 % of the pixels become black or white."""
    hit, white = rng.random(image.shape) <= 0.17, rng.random(image.shape) <= 0.5
    return np.where(hit, white, image)


def glass_blur(image: Image, rng: np.random.Generator) -> Image:
    """Neighbouring pixels change places at random, twice over the image, between two slight blurs."""
    from scipy.ndimage import gaussian_filter1d

    pixels = (gaussian_filter1d(image, 0.7, axis=0, mode="nearest") * 255).astype(np.uint8)
    swaps, steps = rng.random((2, 28, 28)) < 0.5, rng.integers(-1, 1, (2, 28, 28, 2))
    for time, row, column in product(range(2), range(27, 1, -1), range(27, 1, -1)):
        if swaps[time, row, column]:
            here, there = (row, column), tuple(steps[time, row, column] + (row, column))
            pixels[here], pixels[there] = pixels[there], pixels[here]
    return gaussian_filter1d(pixels / 255, 0.7, axis=0, mode="nearest")


def motion_blur(image: Image, rng: np.random.Generator) -> Image:
    """Smeared to one side along a line within 45 degrees of level: a half Gaussian of 21 pixels, sigma 3."""
    angle, steps = math.radians(rng.uniform(-45, 45)), np.arange(21)
    weights = np.exp(-(steps**2) / (2 * 3**2))
    right, down = (np.ceil(steps * part - 0.5).astype(int) for part in (math.cos(angle), math.sin(angle)))
    places = np.arange(28)
    smeared = sum(
        weight * image[np.clip(places + dy, 0, 27)][:, np.clip(places + dx, 0, 27)]
        for weight, dx, dy in zip(weights / weights.sum(), right, down, strict=True)
    )
    return np.asarray(smeared)


def shear(image: Image, rng: np.random.Generator) -> Image:
    """By 0.4 rad, to either side."""
    angle = 0.4 * _side(rng)
    return _warp(image, [[1, -math.sin(angle)], [0, math.cos(angle)]])


def scale(image: Image, rng: np.random.Generator) -> Image:
    """To 0.7 of its size."""
    return _warp(image, [[1 / 0.7, 0], [0, 1 / 0.7]])


def rotate(image: Image, rng: np.random.Generator) -> Image:
    """By 0.4 rad (23 degrees), to either side."""
    angle = 0.4 * _side(rng)
    return _warp(image, [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def brightness(image: Image, rng: np.random.Generator) -> Image:
    """Every pixel half of white brighter."""
    return np.minimum(image + 0.5, 1)


def translate(image: Image, rng: np.random.Generator) -> Image:
    """By three pixels along both axes, to either side."""
    padded, down, right = np.pad(image, 3), 3 * _side(rng), 3 * _side(rng)
    return padded[3 + down : 31 + down, 3 + right : 31 + right]


def stripe(image: Image, rng: np.random.Generator) -> Image:
    """The outer quarters inverted, left and right."""
    striped = 1 - image
    striped[:, 7:21] = image[:, 7:21]
    return striped


def fog(image: Image, rng: np.random.Generator) -> Image:
    """Clouds of plasma over it, three times as bright as white, and all darkened to the old maximum."""
    brightest = image.max()
    return (image + 3 * _plasma(256, 1.4, rng)[:28, :28]) * brightest / (brightest + 3)


def spatter(image: Image, rng: np.random.Generator) -> Image:
    """Spots of mud."""
    from scipy.ndimage import gaussian_filter

    liquid = gaussian_filter(rng.normal(0.65, 0.3, image.shape), 1, mode="nearest") > 0.65
    mud = gaussian_filter(liquid.astype(np.float64), 1.5, mode="nearest")
    mud[mud < 0.8] = 0
    return image * (1 - mud) + 63 / 255 * mud


def dotted_line(image: Image, rng: np.random.Generator) -> Image:
    """A dotted line from the left edge to the right."""
    start, end = rng.integers(0, 27, 2)
    line = _line(0, start, 27, end)
    for column in range(0, 28, 4):
        line[:, column : column + 2] = 0
    return np.minimum(image + line, 1)


def zigzag(image: Image, rng: np.random.Generator) -> Image:
    """A zigzag line across it, nearly level: teeth of four pixels, two to either side."""
    first, last, step = 2, 25, 2.0
    start = int(rng.integers(0, 27))
    angle = math.atan(int(rng.integers(-5, 5)) / (last - first))
    length = (last - first) / math.cos(angle)
    teeth = int((length - step) // (2 * step)) + 1
    points = [(0.0, 0.0), *(((2 * i + 1) * step, (-1) ** i * step) for i in range(teeth))]
    furthest = 2 * step * (length // (2 * step))
    if length != furthest:
        points.append((length, points[-1][1] / (2 * (length - furthest))))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    columns, rows = turn @ np.array(points).T
    drawn = image
    for i in range(1, len(points)):
        part = _line(first + columns[i - 1], start + rows[i - 1], first + columns[i], start + rows[i])
        drawn = np.clip(drawn + part, 0, 1)
    return drawn


def canny_edges(image: Image, rng: np.random.Generator) -> Image:
    """Its edges alone (Canny 1986): sigma 1, thresholds 0.1 and 0.2."""
    from scipy import ndimage

    inside = ndimage.gaussian_filter(np.ones_like(image), 1, mode="constant")
    smooth = ndimage.gaussian_filter(image, 1, mode="constant") / (inside + np.finfo(float).eps)
    down, right = ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)
    strength = np.hypot(down, right)
    ridge = _ridges(strength, down, right)
    weak, strong = ridge > 0.1, ridge > 0.2
    regions, n_regions = ndimage.label(weak, np.ones((3, 3)))
    holds_strong = np.zeros(n_regions + 1, np.bool_)
    holds_strong[regions[strong]] = True
    holds_strong[0] = False
    return holds_strong[regions].astype(np.float64)


MNIST_C: Mapping[str, Callable[[Image, np.random.Generator], Image]] = {
    change.__name__: change
    for change in (
        shot_noise,
        impulse_noise,
        glass_blur,
        motion_blur,
        shear,
        scale,
        rotate,
        brightness,
        translate,
        stripe,
        fog,
        spatter,
        dotted_line,
        zigzag,
        canny_edges,
    )
}
"""In the authors' order."""


def _side(rng: np.random.Generator) -> int:
    return -1 if rng.random() < 0.5 else 1


def _warp(image: Image, matrix: list[list[float]]) -> Image:
    """At each (x, y) what is at ``matrix`` times it from the centre, linearly interpolated; outside is black."""
    from scipy.ndimage import affine_transform

    swapped = np.array(matrix)[::-1, ::-1]  # of (row, column)
    offset = _CENTRE * (1 - swapped.sum(axis=1))
    return affine_transform(image, swapped, offset, order=1, mode="grid-constant")


def _line(column: float, row: float, last_column: float, last_row: float) -> Image:
    """A line that fades within 2.3 pixels, measured down the columns, between two columns; none where it is upright."""
    if column == last_column:
        return np.zeros((28, 28))
    slope = (last_row - row) / (last_column - column)
    height = slope * (np.arange(28) - column) + row
    away = np.clip(np.abs(np.arange(28)[:, None] - height), 0, 2.3 - 1e-10)
    line = np.clip(np.log(1 - away / 2.3) + 1, 0, 1)
    line[:, : math.floor(column)] = 0
    line[:, math.ceil(last_column) :] = 0
    return line


def _plasma(size: int, decay: float, rng: np.random.Generator) -> Image:
    """Heights in [0, 1] by the diamond-square algorithm on a torus; ``size`` is a power of two."""
    heights, step, wibble = np.zeros((size, size)), size, 100.0

    def mean(total: Image) -> Image:
        return total / 4 + wibble * rng.uniform(-wibble, wibble, total.shape)

    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        total = corners + np.roll(corners, -1, 0)
        heights[half::step, half::step] = mean(total + np.roll(total, -1, 1))
        middles = heights[half::step, half::step]
        across = middles + np.roll(middles, 1, 0) + corners + np.roll(corners, -1, 1)
        heights[::step, half::step] = mean(across)
        upright = middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 0)
        heights[half::step, ::step] = mean(upright)
        step, wibble = half, wibble / decay
    heights -= heights.min()
    return heights / heights.max()


def _ridges(strength: Image, down: Image, right: Image) -> Image:
    """``strength`` where it is at least what it is one step up and down its gradient, 0 elsewhere and on the edge."""
    from scipy.ndimage import map_coordinates

    steepest = np.maximum(np.maximum(np.abs(down), np.abs(right)), 1e-30)
    rows, columns = np.indices(strength.shape)
    sides = [
        map_coordinates(strength, [rows + sign * down / steepest, columns + sign * right / steepest], order=1)
        for sign in (-1, 1)
    ]
    is_ridge = (strength >= sides[0]) & (strength >= sides[1]) & (strength > 0)
    ridge = np.where(is_ridge, strength, 0)
    ridge[[0, -1]] = 0
    ridge[:, [0, -1]] = 0
    return ridge
