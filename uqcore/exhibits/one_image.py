"""Asking about one image: the corruptions that the digit lab lays over it, and sweeps of them."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from uqcore.datasets.corruptions import add_noise, blur, rotate, shift
from uqcore.types import FloatArray, UqError

IMAGE_SHAPE = (28, 28)
"""Of the images that the lab shows and links carry."""

_N_PIXELS = IMAGE_SHAPE[0] * IMAGE_SHAPE[1]
NOISE_STEPS = tuple(round(i / 10, 1) for i in range(11))
ROTATION_STEPS = tuple(range(0, 181, 15))


@dataclass(frozen=True)
class Corruption:
    """Rotation, then blur, shift and noise. All zero leaves the image as it is.

    Attributes:
        noise: weight w of ``(1 - w) x + w U[0, 1)``, in 0..1, as in the MNIST article.
        rotation: degrees, counter-clockwise.
        blur: standard deviation in pixels.
        right, down: shift in pixels.
        seed: of the noise, one field for all weights.
    """

    noise: float = 0.0
    rotation: float = 0.0
    blur: float = 0.0
    right: float = 0.0
    down: float = 0.0
    seed: int = 0

    def apply(self, image: FloatArray) -> FloatArray:
        """The corrupted image as a batch: ``(28, 28, 1)`` in [0, 1] to ``(1, 28, 28, 1)``."""
        moved = shift(blur(rotate(image[None], self.rotation), self.blur), self.right, self.down)
        return add_noise(moved, self.noise, self.seed)

    def noise_sweep(self, image: FloatArray) -> FloatArray:
        """The image at every weight of `NOISE_STEPS`, all else as it is: ``(11, 28, 28, 1)``."""
        return np.concatenate([replace(self, noise=weight).apply(image) for weight in NOISE_STEPS])

    def rotation_sweep(self, image: FloatArray) -> FloatArray:
        """The image at every angle of `ROTATION_STEPS`, all else as it is: ``(13, 28, 28, 1)``."""
        return np.concatenate([replace(self, rotation=float(angle)).apply(image) for angle in ROTATION_STEPS])


def key(x: FloatArray) -> str:
    """A name that determines the inputs ``x``: the sha256 of their kind, shape and bytes."""
    digest = sha256(f"{x.dtype.str} {x.shape}".encode())
    digest.update(np.ascontiguousarray(x).data)
    return digest.hexdigest()


def encode_image(image: FloatArray) -> str:
    """A ``(28, 28, 1)`` image in [0, 1] as URL-safe text: its grey levels in 0..255, deflated, base64url unpadded."""
    levels = np.rint(255 * image).astype(np.uint8).tobytes()
    return urlsafe_b64encode(zlib.compress(levels, 9)).rstrip(b"=").decode("ascii")


def decode_image(text: str) -> FloatArray:
    """The inverse of `encode_image`, to 1/510.

    Raises:
        UqError: the text is not one that `encode_image` writes.
    """
    unpacker = zlib.decompressobj()
    try:
        # At most one byte more than an image is unpacked, whatever the text claims to hold.
        levels = unpacker.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), _N_PIXELS + 1)
    except (ValueError, zlib.error):
        levels = b""
    if len(levels) != _N_PIXELS or not unpacker.eof:  # without its end, it is without its checksum
        raise UqError("The picture in the link cannot be read; upload it again.")
    return (np.frombuffer(levels, np.uint8).reshape(*IMAGE_SHAPE, 1) / np.float32(255)).astype(np.float32)


def noise_image(seed: int) -> FloatArray:
    """Independent U[0, 1) pixels, ``(28, 28, 1) float32``."""
    return np.random.default_rng(seed).random((*IMAGE_SHAPE, 1), dtype=np.float32)
