"""What people draw or upload, prepared as the images of a data set are, so that a model sees what it has learnt to see.

Digits stand as in MNIST (`uqcore.datasets.images.center_digit`) with lines as wide as there; garments as in
Fashion-MNIST.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from uqcore.datasets.images import (
    DIGIT_SIDE,
    LUMA,
    center_digit,
    decode_picture,
    passes_as_it_is,
    rasterize,
    read_image,
    without_specks,
)
from uqcore.types import FloatArray, UqError

LINE = 0.12
"""Width of a digit's line as a share of its longer side: 2.4 of 20 pixels, as most of MNIST's are."""

_USUAL_LINES = (0.06, 0.22)  # what is thinner or thicker is redrawn with `LINE`
_SMALLEST = 0.02  # of the pad: what is smaller is a dot, and not enlarged
_WIDTH_SIDE = 140  # px on which the width of lines is taken
_APART = 0.06  # of a colour's range: nearer to the background's colour is background


def digit_of_strokes(strokes: Sequence[NDArray[Any]]) -> FloatArray:
    """A drawn digit ``(28, 28, 1) float32`` in [0, 1], whatever its size and place on the pad.

    The strokes are enlarged first and then given their width, so that a small digit keeps its holes.

    Args:
        strokes: polylines ``(n, 2)`` of (x, y) in [0, 1], y going down.

    Raises:
        UqError: there are none, or they are not such.
    """
    if not strokes:
        raise UqError("There is no ink to read; draw a digit.")
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (1 - LINE) / max(float((high - low).max()), _SMALLEST)
    return center_digit(rasterize([np.clip((s - (low + high) / 2) * scale + 0.5, 0, 1) for s in strokes], LINE))


def digit_of_picture(data: bytes) -> FloatArray:
    """The digit on a PNG or JPEG picture, ``(28, 28, 1) float32`` in [0, 1]; hairlines are widened, broad ones thinned.

    Raises:
        UqError: as `read_image`.
    """
    ink = read_image(data)
    return center_digit(ink if passes_as_it_is(ink) else with_usual_lines(ink))


def with_usual_lines(ink: FloatArray) -> FloatArray:
    """Ink ``(H, W)`` with its lines `LINE` wide where they are far thinner or thicker; else as it is."""
    from scipy import ndimage

    rows, columns = (np.flatnonzero((ink > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return ink
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    scale = _WIDTH_SIDE / max(crop.shape)
    width, height = (max(3, round(side * scale)) for side in crop.shape[::-1])
    # As wide as the widening may get around it.
    large = np.pad(
        np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BICUBIC)), _WIDTH_SIDE // 8
    )
    line = line_width(large)
    low, high = (share * _WIDTH_SIDE for share in _USUAL_LINES)
    if low <= line <= high:
        return ink
    outside, inside = (ndimage.distance_transform_edt(side) for side in (large < 0.5, large >= 0.5))
    # The signed distance from the edge, moved: a line of the wanted width with an edge of one pixel.
    return np.clip((LINE * _WIDTH_SIDE - line) / 2 + inside - outside + 0.5, 0, 1).astype(np.float32)


def line_width(ink: FloatArray) -> float:
    """The median width in pixels of the lines of ``ink (H, W)``, 0 where there are none."""
    from scipy import ndimage

    inside = ndimage.distance_transform_edt(ink >= 0.5)
    ridge = (inside > 0) & (inside == ndimage.maximum_filter(inside, 3))
    # The distance is to the middle of the next pixel outside.
    return 2 * float(np.median(inside[ridge])) - 1 if ridge.any() else 0.0


def garment_of_picture(data: bytes) -> FloatArray:
    """The garment on a PNG or JPEG picture with an even background, ``(28, 28, 1) float32`` in [0, 1].

    As Fashion-MNIST was made (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747): cut to what differs from the background,
    the longer side scaled to 28 pixels, centred, and light turned to dark so that the background is 0. A 28 x 28
    picture on black passes as it is: grey level / 255.

    Raises:
        UqError: the file is not a still picture of a reasonable size, or shows nothing on its background.
    """
    from scipy import ndimage

    colors = decode_picture(data)
    grey = colors[..., 0] if colors.shape[-1] == 1 else colors @ LUMA
    if passes_as_it_is(grey):
        return grey[..., None]
    edge = np.concatenate([colors[0], colors[-1], colors[:, 0], colors[:, -1]])
    background = np.median(edge, axis=0)
    apart = np.abs(ndimage.gaussian_filter(colors, (1, 1, 0)) - background).max(axis=-1) > _APART
    if apart.mean() > 0.98 or (np.abs(edge - background).max(axis=-1) > _APART).mean() > 0.5:
        raise UqError("The background is not even; put the garment on a plain one that it does not touch.")
    if not apart.any():
        raise UqError("There is nothing to see on the picture, it has one colour; choose one of a garment.")
    shape = ndimage.binary_fill_holes(without_specks(apart, apart))
    ground = float(np.median(grey[~shape])) if not shape.all() else 1.0
    light = ground > 0.5
    value = (1 - grey / ground if light else (grey - ground) / (1 - ground)) * shape
    return _centred(np.clip(value, 0, 1).astype(np.float32), shape)


def _centred(value: FloatArray, shape: NDArray[np.bool_]) -> FloatArray:
    rows, columns = (np.flatnonzero(shape.any(axis=axis)) for axis in (1, 0))
    crop = value[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = DIGIT_SIDE / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    small = np.clip(np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.HAMMING)), 0, 1)
    out = np.zeros((DIGIT_SIDE, DIGIT_SIDE, 1), np.float32)
    top, left = (DIGIT_SIDE - height) // 2, (DIGIT_SIDE - width) // 2
    out[top : top + height, left : left + width, 0] = small
    return out
