"""MNIST digits, with Fashion-MNIST and uniform noise as out-of-distribution sets."""

from __future__ import annotations

from uqcore.datasets import prepared
from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.image_dataset import image_dataset
from uqcore.types import Dataset, Drawn


def load(seed: int) -> Dataset:
    """55,000 / 5,000 / 10,000 images, see `image_dataset`; draws are kept on the test digits and on Fashion-MNIST."""
    return image_dataset(
        "digits",
        mnist(),
        {"fashion": fashion_mnist()},
        seed,
        usual_risk=0.001,
        of_picture=prepared.digit_of_picture,
        drawn=Drawn("digit", prepared.digit_of_strokes),
    )
