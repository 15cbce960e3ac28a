"""An image turned once around: what is said of each angle is what is said of it alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from uqcore.datasets import load
from uqcore.exhibits.one_image import Corruption
from uqcore.exhibits.turning import ANGLES, turned, turned_images
from uqcore.exhibits.verdicts import judge, own_threshold
from uqcore.methods import METHODS
from uqcore.models.sampling import draw
from uqcore.store import Store
from uqcore.types import Posterior


def test_each_angle_is_judged_as_the_digit_lab_judges_it(
    committed: Store, posterior_of: Callable[[str, str], Posterior]
) -> None:
    image = load("digits").part("fashion").x[0]
    images = turned_images(image)
    assert images.shape == (len(ANGLES), 28, 28, 1)
    np.testing.assert_array_equal(images[0], image)
    for method in ("deterministic", "sngp"):
        record, posterior = committed.find("digits", method), posterior_of("digits", method)
        said = turned(record, posterior, images, 20)
        for i in (0, 9, 20):
            x = Corruption(rotation=ANGLES[i]).apply(image)
            (one,) = judge(draw(posterior, x, 20), METHODS[method].own_measure, own_threshold(record))
            assert (said.labels[i], said.accepted[i]) == (one.label, one.accepted)
            assert np.isclose(said.confidences[i], one.probs.max(), atol=1e-5)
