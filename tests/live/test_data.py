"""The points that are learned."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest

from tests.garbage import collect
from uqcore import datasets
from uqcore.live import PRESETS, Setting
from uqcore.live.data import COARSE, coarse, dataset
from uqcore.live.setting import OWN_POINTS
from uqcore.live.shapes import SHAPES

KINDS = [(kind, n) for kind, shape in SHAPES.items() for n in range(2, shape.most_classes + 1)]


def test_moons_as_in_the_tutorial_are_those_of_the_committed_models() -> None:
    ours, theirs = dataset(replace(PRESETS["tutorial"], seed=3)), datasets.load("moons", 3)
    for part in ("train", "validation", "test", "cluster"):
        np.testing.assert_array_equal(ours.part(part).x, theirs.part(part).x)
        np.testing.assert_array_equal(ours.part(part).y, theirs.part(part).y)
    assert ours.class_names == theirs.class_names


@pytest.mark.parametrize(("kind", "n_classes"), KINDS)
def test_every_kind_has_equal_classes_inside_the_plane_and_apart(kind: str, n_classes: int) -> None:
    data = dataset(Setting(kind=kind, n_classes=n_classes, n_points=300, noise=0.02))
    assert np.bincount(data.train.y).tolist() == [300 // n_classes] * n_classes
    assert len(data.class_names) == n_classes
    assert np.abs(data.train.x).max() < 2.5
    # The nearest neighbour of nearly every test point is of its class: there is something to learn.
    nearest = np.square(data.test.x[:, None] - data.train.x).sum(axis=-1).argmin(axis=1)
    assert (data.train.y[nearest] == data.test.y).mean() > 0.95


def test_noise_moves_points_and_the_cluster_lies_where_it_was_put() -> None:
    quiet, loud = (dataset(Setting(noise=noise, cluster_x=-3, cluster_y=2)) for noise in (0.0, 0.5))
    assert np.abs(quiet.train.x - loud.train.x).std() > 0.1
    np.testing.assert_allclose(loud.ood["cluster"].mean(axis=0), [-3, 2], atol=0.02)


def test_own_points_are_all_that_is_known() -> None:
    data = dataset(Setting(kind=OWN_POINTS, points=((0, 1, 0), (0.5, -1, 1))))
    for part in (data.train, data.validation, data.test):
        np.testing.assert_array_equal(part.x, [[0, 1], [0.5, -1]])
        np.testing.assert_array_equal(part.y, [0, 1])


def test_what_forms_is_asked_of_fewer_points() -> None:
    few, whole = coarse(Setting()), dataset(Setting())
    assert few.grid is COARSE
    assert len(few.plane) < len(whole.plane) / 8
    assert 2 * np.count_nonzero(few.test.y) == pytest.approx(len(few.test), abs=0.4 * len(few.test))
    assert (few.plane[0], few.plane[COARSE.shape[0] * COARSE.shape[1] - 1]) == (
        pytest.approx([-3.5, -2.5]),
        pytest.approx([3.5, 2.5]),
    )


def test_points_that_were_painted_go_with_their_setting() -> None:
    setting = Setting(kind=OWN_POINTS, points=((0, 1, 0), (0.5, -1, 1)))
    whole, few = dataset(setting), coarse(setting)
    assert dataset(replace(setting)) is whole  # while it is there, it is made once
    assert len(few.test) == len(whole.plane[:2])
    gone = [weakref.ref(one) for one in (setting, whole, few)]
    del setting, whole, few
    collect()
    assert [one() for one in gone] == [None] * 3
