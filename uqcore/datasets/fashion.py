"""Fashion-MNIST, with MNIST and uniform noise as out-of-distribution sets: the digits' task the other way round."""

from __future__ import annotations

from uqcore.datasets import prepared
from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.image_dataset import image_dataset
from uqcore.types import Dataset, Drawn


def load(seed: int) -> Dataset:
    """55,000 / 5,000 / 10,000 images, see `image_dataset`; answers are kept on the test garments and on MNIST."""
    return image_dataset(
        "fashion",
        fashion_mnist(),
        {"digits": mnist()},
        seed,
        half_precision=True,
        of_picture=prepared.garment_of_picture,
        drawn=Drawn("digit", prepared.digit_of_strokes),  # a line is no garment: what is drawn is of the unseen
    )
