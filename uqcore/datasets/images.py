"""From what a person gives, strokes or a picture file, to what a digit model sees.

In between there is only *ink*: ``(H, W)`` floats in [0, 1], 0 being bare paper and 1 full ink, rows going down.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from uqcore.types import FloatArray, UqError

MAX_BYTES = 5_000_000
MIN_SIDE, MAX_SIDE = 5, 4096  # px of a picture file
WORKING_SIDE = 512  # px; a larger picture is reduced, as 20 px are wanted in the end
MIN_CONTRAST = 0.08  # of the picture's range: fainter ink is not told from paper
MIN_SIGNAL_TO_NOISE = 6.0  # ink to the standard deviation of the paper
MIN_SPECK = 0.02  # of the largest piece of ink: smaller pieces are dust

DIGIT_SIDE, BOX_SIDE = 28, 20  # MNIST's image and the box that its digits are scaled to fit
FAINTEST_INK = 1 / 255
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # as Pillow weighs them, ITU-R 601

RASTER_SIDE, SUPERSAMPLING = 140, 4
MAX_POINTS = 4_000

_OTHER_FORMATS = {
    "a GIF": rb"GIF8",
    "a WebP": rb"RIFF....WEBP",
    "a TIFF": rb"II\*\0|MM\0\*",
    "a BMP": rb"BM",
    "a HEIC or AVIF": rb"....ftyp",
    "a PDF": rb"%PDF",
    "an SVG": rb"\s*<(\?xml|svg)",
}


def center_digit(ink: FloatArray) -> FloatArray:
    """Prepare ink ``(H, W)`` as MNIST's authors prepared theirs, ``(28, 28, 1) float32``.

    The ink's bounding box is scaled, with its aspect ratio kept and anti-aliased, to fit 20 x 20 pixels, then placed in
    28 x 28 so that its centre of mass is at the centre (LeCun, Bottou, Bengio & Haffner 1998; in MNIST itself the mass
    of every image is centred within half a pixel of row and column 14).

    Raises:
        UqError: there is no ink.
    """
    from scipy import ndimage

    rows, columns = (np.flatnonzero((ink >= FAINTEST_INK).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise UqError("There is no ink to read; draw a digit.")
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    scale = BOX_SIDE / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    # Pillow widens the filter by the reduction, so this averages; at the same size it copies.
    box = np.clip(np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.HAMMING)), 0, 1)
    top, left = (_placed(start, side) for start, side in zip(ndimage.center_of_mass(box), box.shape, strict=True))
    digit = np.zeros((DIGIT_SIDE, DIGIT_SIDE, 1), np.float32)
    digit[top : top + height, left : left + width, 0] = box
    return digit


def _placed(mass: float, side: int) -> int:
    """Where a box with its mass at ``mass`` starts for the mass to come to 14, or as near as the edge allows."""
    return min(max(DIGIT_SIDE // 2 - math.floor(mass + 0.5), 0), DIGIT_SIDE - side)


def read_image(data: bytes) -> FloatArray:
    """The ink ``(H, W) float32`` on a picture: a scan, a screenshot, a photograph of a digit on paper, PNG or JPEG.

    Ink may be darker or lighter than the paper, which is what most of the border shows, or of another colour. Shading
    and noise of the paper are removed and the contrast stretched. Pictures longer than 512 px are reduced. A 28 x 28
    picture on black, as MNIST has them, passes as it is: grey level / 255.

    Raises:
        UqError: the file is not a still PNG or JPEG picture of a reasonable size with something on it.
    """
    colors = decode_picture(data)
    grey = colors[..., 0] if colors.shape[-1] == 1 else colors @ LUMA
    # By channel: along three that lie interleaved NumPy takes ten times as long.
    if max(np.ptp(channel) for channel in np.moveaxis(colors, -1, 0)) < MIN_CONTRAST:
        raise UqError("There is nothing to see on the picture, it has one colour; choose one of a digit.")
    if passes_as_it_is(grey):
        return grey
    try:
        return _clean(grey)
    except UqError:
        hue = _most_telling(colors)
        if hue is None:
            raise
        return _clean(hue)


def passes_as_it_is(grey: FloatArray) -> bool:
    """Whether a picture ``(H, W)`` is made as MNIST's are: 28 x 28 on black."""
    return grey.shape == (DIGIT_SIDE, DIGIT_SIDE) and bool(np.median(grey[_edge(grey)]) == 0)


def _most_telling(colors: FloatArray) -> FloatArray | None:
    """What the colours ``(H, W, 3)`` differ most in, which shows ink as bright as its paper. None if grey."""
    if colors.shape[-1] == 1:
        return None
    red, green, blue = np.moveaxis(colors, -1, 0)
    most, least = (of_two(of_two(red, green), blue) for of_two in (np.maximum, np.minimum))
    if (most - least).max() < MIN_CONTRAST:
        return None
    apart = (colors - np.median(colors[_edge(colors[..., 0])], axis=0)).reshape(-1, 3)
    _, directions = np.linalg.eigh(apart.T @ apart)
    along = (apart @ directions[:, -1]).reshape(colors.shape[:2])
    low, high = float(along.min()), float(along.max())
    return ((along - low) / max(high - low, 1.0)).astype(np.float32)


def decode_picture(data: bytes) -> FloatArray:
    """Colours ``(H, W, 3)``, or grey levels ``(H, W, 1)``, float32 in [0, 1]: upright, reduced to 512 px.

    Where a picture is transparent it lies on white; white ink on nothing lies on black.

    Raises:
        UqError: the file is not a still PNG or JPEG picture of a reasonable size.
    """
    if not data:
        raise UqError("The file is empty; choose a PNG or JPEG picture.")
    if len(data) > MAX_BYTES:
        raise UqError(
            f"The file must be at most {MAX_BYTES / 1e6:g} MB. Received: {len(data) / 1e6:.1f} MB; choose a "
            f"smaller one."
        )
    for name, signature in _OTHER_FORMATS.items():
        if re.match(signature, data, re.DOTALL):
            raise UqError(f"The file is {name} file; save the picture as PNG or JPEG.")
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            _check_header(image)
            image.draft(None, (WORKING_SIDE, WORKING_SIDE))  # a large JPEG is decoded at a fraction of its size
            return _colors(ImageOps.exif_transpose(image))
    except UqError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UqError(f"The picture must be at most {MAX_SIDE} px a side; reduce it.") from None
    except UnidentifiedImageError:
        raise UqError("The file is not a picture; choose a PNG or JPEG picture.") from None
    except Exception as error:  # Pillow meets a damaged file with a dozen kinds of exception
        raise UqError("The picture is cut off or damaged; save it again as PNG or JPEG.") from error


def _check_header(image: Image.Image) -> None:
    """Refuse by the header alone, before any pixel is decoded."""
    width, height = image.size
    if max(width, height) > MAX_SIDE:
        raise UqError(f"The picture must be at most {MAX_SIDE} px a side; reduce it. Received: {width} x {height} px.")
    if min(width, height) < MIN_SIDE:
        raise UqError(
            f"The picture must be at least {MIN_SIDE} px a side. Received: {width} x {height} px; take a larger one."
        )
    # A JPEG of several pictures (MPO, from phones) has one main picture, which is the one that is read.
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise UqError("The picture is animated, and which frame is meant is not clear; save one frame as PNG.")


def _colors(image: Image.Image) -> FloatArray:
    if image.mode.startswith("I"):  # 16-bit grey, which `convert` would clip at 255
        white, image = 65535, Image.fromarray(np.asarray(image, np.float32))
    else:
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, _ground(image)), image)
        white, image = 255, image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    reduced = image.reduce(math.ceil(max(image.size) / WORKING_SIDE))
    return np.atleast_3d(np.asarray(reduced, np.float32)) / np.float32(white)


def _ground(image: Image.Image) -> str:
    """What a transparent picture lies on: white, but black for ink that is light itself on little but nothing."""
    alpha = np.asarray(image.getchannel("A"), np.float32) / 255
    covered = float(alpha.sum())
    if not covered or alpha.mean() > 0.5 or np.median(alpha[_edge(alpha)]) > 0.5:
        return "white"
    return "black" if float((np.asarray(image.convert("L")) * alpha).sum()) / covered > 127 else "white"


def _edge(grey: FloatArray) -> NDArray[np.bool_]:
    """The outermost pixels."""
    edge = np.ones(grey.shape, dtype=bool)
    edge[1:-1, 1:-1] = False
    return edge


def _clean(grey: FloatArray) -> FloatArray:
    """Ink from grey levels: paper made dark and even, then a stretch from the paper's noise to the ink's level."""
    from scipy import ndimage

    plane = _border_plane(grey)
    beyond = ndimage.gaussian_filter(grey, 1) - plane
    dark_ink = beyond.max() < -beyond.min()
    # Dark ink takes the same share of the light where that is bright and where it is dim; light ink adds to it.
    flat = 1 - grey / np.maximum(plane, MIN_CONTRAST) if dark_ink else grey - plane
    # White top-hat: what is narrower than the window, a third of the picture, stays; what shading is left goes.
    window = max(3, min(grey.shape) // 3)
    above = flat - ndimage.grey_opening(ndimage.gaussian_filter(flat, 1), size=(window, window), mode="nearest")
    faint = UqError("The digit does not stand out from the paper; use a darker pen, or more light.")
    if np.ptp(above) < MIN_CONTRAST:
        raise faint
    threshold = _otsu(above)
    level = np.median(above[above > threshold])
    bare = above[above <= threshold]
    middle = np.median(bare)
    noise = 1.4826 * np.median(np.abs(bare - middle))  # the standard deviation, if Gaussian
    if level - middle < max(MIN_CONTRAST, MIN_SIGNAL_TO_NOISE * noise):
        raise faint
    low = middle + max(3 * noise, (level - middle) / 10)
    ink = np.clip((above - low) / (level - low), 0, 1).astype(np.float32)
    return np.where(without_specks(ink > 0, above > threshold), ink, np.float32(0))


def _border_plane(grey: FloatArray) -> FloatArray:
    """The least-squares plane through the outermost pixels: the paper and its shading, to first order."""
    edge = _edge(grey)
    basis = np.column_stack([*np.nonzero(edge), np.ones(np.count_nonzero(edge))])
    (down, right, level), *_ = np.linalg.lstsq(basis, grey[edge])
    return down * np.arange(grey.shape[0])[:, None] + (right * np.arange(grey.shape[1]) + level)


def _otsu(values: FloatArray) -> float:
    """The threshold that maximises the variance between the two classes it makes (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=256)
    below = np.cumsum(counts)[:-1]
    total = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    spread = (total[-1] * below / values.size - total[:-1]) ** 2 / (below * (values.size - below))
    return float(edges[1 + np.argmax(spread)])


def without_specks(mask: NDArray[np.bool_], core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected pieces of ``mask`` whose part in ``core`` is not tiny beside the largest's."""
    from scipy import ndimage

    labels, n = ndimage.label(mask, structure=np.ones((3, 3)))
    sizes = ndimage.sum_labels(core, labels, np.arange(n + 1))
    sizes[0] = 0
    return (sizes > MIN_SPECK * sizes.max())[labels]


def rasterize(strokes: Sequence[NDArray[Any]], pen_width: float, side: int = RASTER_SIDE) -> FloatArray:
    """Draw strokes as ink ``(side, side) float32``, anti-aliased, with round caps and joints.

    Args:
        strokes: polylines ``(n, 2)`` of (x, y) in [0, 1], y going down; one point is a dot.
        pen_width: the line's width as a fraction of the side, over 0 and at most 1.
        side: pixels.
    """
    _check_strokes(strokes)
    if not 0 < pen_width <= 1:
        raise UqError(f"The pen's width must be over 0 and at most 1. Received: {pen_width}.")
    canvas = Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    radius = pen_width * canvas.width / 2
    for stroke in strokes:
        points = np.asarray(stroke) * canvas.width
        pen.line(points.ravel().tolist(), fill=255, width=round(2 * radius))
        for x, y in points.tolist():
            pen.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill=255)  # corners included
    return np.asarray(canvas.reduce(SUPERSAMPLING), np.float32) / np.float32(255)


def encode_strokes(strokes: Sequence[NDArray[Any]]) -> str:
    """Strokes as URL-safe text, which the drawing pad's JavaScript writes and reads as well.

    Bytes, for each stroke: the number n >= 1 of its points as uint16, big-endian, then n pairs of uint8 (x, y), each
    ``floor(255 * coordinate + 0.5)``. Text: base64url (RFC 4648, section 5) of these bytes without padding. No strokes
    are the empty text.

    Raises:
        UqError: a stroke is not ``(n >= 1, 2)`` in [0, 1], or there are over 4,000 points in all.
    """
    _check_strokes(strokes)
    chunks = [
        struct.pack(">H", len(stroke)) + np.floor(255 * np.asarray(stroke) + 0.5).astype(np.uint8).tobytes()
        for stroke in strokes
    ]
    return base64.urlsafe_b64encode(b"".join(chunks)).rstrip(b"=").decode("ascii")


def decode_strokes(text: str) -> list[FloatArray]:
    """The inverse of `encode_strokes`, to 1/510: polylines ``(n, 2) float64`` in [0, 1].

    Raises:
        UqError: the text is not one that `encode_strokes` writes.
    """
    broken = UqError("The drawing in the link cannot be read; draw it again.")
    # The longest text has 4,000 strokes of one point, 4 bytes each.
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) > 4 * math.ceil(4 * MAX_POINTS / 3):
        raise broken
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise broken from None
    strokes: list[FloatArray] = []
    at = 0
    while at < len(data):
        n = int.from_bytes(data[at : at + 2], "big")
        end = at + 2 + 2 * n
        if n == 0 or end > len(data):
            raise broken
        strokes.append(np.frombuffer(data[at + 2 : end], np.uint8).reshape(n, 2) / 255)
        at = end
    _check_strokes(strokes)
    return strokes


def _check_strokes(strokes: Sequence[NDArray[Any]]) -> None:
    for stroke in strokes:
        if np.ndim(stroke) != 2 or np.shape(stroke)[1] != 2 or len(stroke) == 0:
            raise UqError(f"A stroke must be points (n, 2), n at least 1. Received: shape {np.shape(stroke)}.")
        if not np.all((np.asarray(stroke) >= 0) & (np.asarray(stroke) <= 1)):
            raise UqError("A stroke's coordinates must be in [0, 1].")
    if (n_points := sum(map(len, strokes))) > MAX_POINTS:
        raise UqError(f"A drawing must have at most {MAX_POINTS:,} points. Received: {n_points:,}.")
