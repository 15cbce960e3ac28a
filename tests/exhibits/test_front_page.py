"""The front page: what is said of each input is what is said of it alone, from a table or without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from uqcore.exhibits import front_page
from uqcore.exhibits.front_page import ANGLES, N_SAMPLES
from uqcore.exhibits.one_image import Corruption
from uqcore.exhibits.verdicts import judge, own_threshold
from uqcore.methods import METHODS
from uqcore.models.answers import levels
from uqcore.models.sampling import draw
from uqcore.store import Store
from uqcore.types import Posterior, StoredFile, UqError


def test_each_input_is_judged_as_the_digit_lab_judges_it(
    committed: Store, posterior_of: Callable[[str, str], Posterior]
) -> None:
    garment, inputs = front_page.garment(), front_page.inputs()
    assert list(inputs) == ["a digit", "a garment", "noise"]
    np.testing.assert_array_equal(front_page.turned(garment)[0], garment)
    for method in ("deterministic", "sngp", "svi_flipout", "feature_density"):
        record, posterior = committed.find("digits", method), posterior_of("digits", method)
        assert front_page.NAME in record.tables
        of_inputs, of_garment = front_page.said(committed, record)
        turned = {i: Corruption(rotation=ANGLES[i]).apply(garment) for i in (0, 9, 20)}
        alone = [(of_inputs, i, x[None]) for i, x in enumerate(inputs.values())]
        for said, i, x in alone + [(of_garment, i, x) for i, x in turned.items()]:
            (one,) = judge(draw(posterior, x, N_SAMPLES), METHODS[method].own_measure, own_threshold(record))
            assert (said.labels[i], said.accepted[i]) == (one.label, one.accepted)
            assert np.isclose(said.confidences[i], one.probs.max(), atol=2e-3)  # logarithms in half precision


def test_the_pictures_that_are_kept_are_those_of_the_inputs() -> None:
    of_inputs, turned = front_page.pictures()
    assert list(of_inputs) == list(front_page.inputs())
    for kept, made in zip(of_inputs.values(), front_page.inputs().values(), strict=True):
        np.testing.assert_array_equal(levels(kept[None]), levels(made[None]))
    np.testing.assert_array_equal(turned, levels(front_page.turned(front_page.garment())))


def test_without_a_table_it_is_drawn(committed: Store) -> None:
    record = committed.find("digits", "deterministic")
    without = replace(record, tables={})
    for kept, drawn in zip(front_page.said(committed, record), front_page.said(committed, without), strict=True):
        for ours, theirs in zip(kept, drawn, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert front_page.keep(committed, committed.find("moons", "sngp")) == committed.find("moons", "sngp")


def test_another_table_is_refused(committed: Store) -> None:
    record = committed.find("digits", "deterministic")
    other: StoredFile = next(file for name, file in record.tables.items() if name != front_page.NAME)
    with pytest.raises(UqError, match="intact and no such table"):
        front_page.said(committed, replace(record, tables={front_page.NAME: other}))
