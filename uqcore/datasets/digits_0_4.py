"""MNIST's digits 0 to 4, with 5 to 9 as the nearest OOD set; Fashion-MNIST and noise are there too."""

from __future__ import annotations

from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.image_dataset import image_dataset
from uqcore.types import Dataset


def load(seed: int) -> Dataset:
    """28,046 / 2,550 / 5,139 images, see `image_dataset`; unseen are the 4,861 other test digits before all."""
    known, unknown = mnist().only(range(5), "MNIST 0 to 4"), mnist().only(range(5, 10), "MNIST 5 to 9")
    others = {"digits_5_9": unknown, "fashion": fashion_mnist()}
    return image_dataset("digits_0_4", known, others, seed, usual_risk=0.005, half_precision=True, keeps=False)
