"""Graded corruptions of images: pure functions over batches ``(N, H, W, 1) float32`` in [0, 1] -> the same.

The neutral argument, 0, returns the input itself. What comes in from beyond the edge is 0, the background. An argument
out of its range raises `UqError`.
"""

from __future__ import annotations

import math

import numpy as np

from uqcore.types import FloatArray, IntArray, UqError


def add_noise(x: FloatArray, weight: float, seed: int, rows: IntArray | None = None) -> FloatArray:
    """``(1 - weight) * x + weight * u`` with u ~ U[0, 1) per pixel, as the MNIST entropy article does it.

    Args:
        weight: 0 (the image) to 1 (noise alone).
        seed: of u, which depends on nothing else: a sweep over weights is smooth, and example n of a batch gets the
            same field whatever comes after it.
        rows: ``(N,)`` the places in a batch that the images of ``x`` are from; None for all of one.
    """
    _check("noise weight", weight, 0, 1)
    if weight == 0:
        return x
    field = np.random.default_rng(seed).random(x.shape, dtype=np.float32) if rows is None else _fields(x, seed, rows)
    return np.float32(1 - weight) * x + np.float32(weight) * field


def _fields(x: FloatArray, seed: int, rows: IntArray) -> FloatArray:
    """The fields of some places in a batch, without those before them: the generator can be put forward."""
    fields, n_pixels = np.empty_like(x), math.prod(x.shape[1:])
    for field, row in zip(fields, rows.tolist(), strict=True):
        bits = np.random.PCG64(seed)
        bits.advance(row * n_pixels // 2)  # of 64 bits each, which make two float32
        rng = np.random.Generator(bits)
        if row * n_pixels % 2:
            rng.random(dtype=np.float32)
        rng.random(dtype=np.float32, out=field)
    return fields


def rotate(x: FloatArray, degrees: float) -> FloatArray:
    """Rotate counter-clockwise, as seen, about the image's centre, with linear interpolation."""
    _check("rotation in degrees", degrees, -math.inf, math.inf)
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    # From a pixel of the result to where it comes from, in (row, column); rows go down, so the signs are mirrored.
    matrix = np.array([[cos, sin], [-sin, cos]])
    center = (np.array(x.shape[1:3]) - 1) / 2
    return x if degrees == 0 else _resample(x, matrix, center - matrix @ center)


def blur(x: FloatArray, sigma: float) -> FloatArray:
    """Convolve with a Gaussian of standard deviation ``sigma`` pixels, 0 to the image's height."""
    _check("blur sigma", sigma, 0, x.shape[1])
    if sigma == 0:
        return x
    from scipy import ndimage  # which takes longer to load than a page, and most visits need none

    return np.clip(ndimage.gaussian_filter(x, sigma, mode="constant", axes=(1, 2)), 0, 1)


def shift(x: FloatArray, dx: float, dy: float) -> FloatArray:
    """Move by ``dx`` pixels to the right and ``dy`` pixels down; fractions interpolate linearly."""
    _check("shift dx", dx, -math.inf, math.inf)
    _check("shift dy", dy, -math.inf, math.inf)
    return x if dx == dy == 0 else _resample(x, np.eye(2), np.array([-dy, -dx]))


def _resample(x: FloatArray, matrix: FloatArray, offset: FloatArray) -> FloatArray:
    """Each image at ``matrix @ (row, column) + offset``, linearly interpolated.

    ``grid-constant``, because ``constant`` blanks a whole edge row when rounding puts it 1e-15 outside the image.
    """
    from scipy import ndimage

    out = np.empty_like(x)
    for source, target in zip(x[..., 0], out[..., 0], strict=True):
        ndimage.affine_transform(source, matrix, offset, output=target, order=1, mode="grid-constant")
    return np.clip(out, 0, 1, out=out)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        wanted = "finite" if math.isinf(high) else f"between {low} and {high}"
        raise UqError(f"The {name} must be {wanted}. Received: {value}.")
