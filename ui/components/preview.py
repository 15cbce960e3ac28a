"""The picture that the models see, which follows the sliders that disturb it while they are dragged."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from functools import lru_cache

import numpy as np

from ui.components.mounting import register
from uqcore.exhibits.one_image import Corruption, noise_image
from uqcore.types import FloatArray

_mount = register("preview", in_page_style=True)


def preview(html: str, image: FloatArray, corruption: Corruption) -> None:
    """Show it.

    Args:
        html: an ``<img>`` of the disturbed image, with its caption.
        image: ``(28, 28, 1)`` in [0, 1], undisturbed.
        corruption: what Python has made of it; each of its fields but the seed is a slider with that key.
    """
    disturbed = asdict(corruption)
    noise = _noise(disturbed.pop("seed"))
    data = {"html": html, "image": _levels(image), "noise": noise, "disturbed": [*disturbed.items()]}
    _mount(key="preview", data=data)


@lru_cache
def _noise(seed: int) -> str:
    """The field that `uqcore.datasets.corruptions.add_noise` lays over it."""
    return _levels(noise_image(seed))


def _levels(image: FloatArray) -> str:
    return b64encode(np.rint(255 * image).astype(np.uint8).tobytes()).decode("ascii")
