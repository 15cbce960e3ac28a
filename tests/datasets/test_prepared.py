"""Drawings and pictures as a data set's own images: the models that learnt those are the judges."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.datasets.handwriting import Written, written
from uqcore.datasets import load, prepared
from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.images import center_digit, rasterize
from uqcore.exhibits.verdicts import OWN, gauge, judge
from uqcore.models.sampling import draw
from uqcore.store import Store
from uqcore.types import FloatArray, Posterior, UqError

Reader = Callable[[FloatArray], tuple[NDArray[Any], NDArray[Any]]]
ENSEMBLE, PAPER = "deep_ensemble", 520  # px


@pytest.fixture(scope="module")
def ensemble(committed: Store, posterior_of: Callable[[str, str], Posterior]) -> Reader:
    """Images -> the class that the ensemble names for each, and whether it accepts it as the digit lab opens."""
    bar, posterior = gauge(committed.find("digits", ENSEMBLE), OWN, 10), posterior_of("digits", ENSEMBLE)

    def read(x: FloatArray) -> tuple[NDArray[Any], NDArray[Any]]:
        said = judge(draw(posterior, x, posterior.n_samples or 1), bar.measure_id, bar.threshold(0.5))
        return np.array([v.label for v in said]), np.array([v.accepted for v in said])

    return read


@pytest.fixture(scope="module")
def digits() -> list[Written]:
    return list(written(160, seed=2))


def upload(picture: NDArray[Any], file_format: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, file_format, compress_level=1)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def inked() -> Callable[[int], tuple[list[NDArray[np.uint8]], NDArray[Any]]]:
    """``line -> papers, digits``: on a large paper each, its lines ``line`` px wide; 255 is ink.

    They are `written` on a pad of half the paper's side; those in which no hole is left are left out.
    """

    def ink(one: Written, line: int) -> NDArray[np.uint8]:
        strokes = [0.25 + stroke / 2 for stroke in one.strokes]
        return np.rint(255 * rasterize(strokes, line / PAPER, PAPER)).astype(np.uint8)

    def of_pen(line: int) -> tuple[list[NDArray[np.uint8]], NDArray[Any]]:
        large = [one for one in written(40, seed=3) if one.size * PAPER / 2 >= 5 * line]
        return [ink(one, line) for one in large], np.array([one.digit for one in large])

    return cache(of_pen)


def share(right: NDArray[Any]) -> float:
    return float(right.mean())


def test_written_digits_are_as_they_are_said_to_be(digits: list[Written]) -> None:
    for one in digits:
        points = np.concatenate(one.strokes)
        assert 0 <= points.min() <= points.max() <= 1
        assert np.ptp(points, axis=0).max() == pytest.approx(one.size, abs=0.01)
    assert min(one.size for one in digits) < 0.22
    assert max(one.size for one in digits) > 0.9
    assert max(abs(one.slant) for one in digits) > 25


def test_drawn_digits_are_read_at_any_size_place_and_slant(digits: list[Written], ensemble: Reader) -> None:
    truth = np.array([one.digit for one in digits])
    label, accepted = ensemble(np.stack([prepared.digit_of_strokes(one.strokes) for one in digits]))
    assert share(label == truth) >= 0.97
    assert share((label != truth) & accepted) <= 0.01
    # With the pen's own width a small digit is a blob.
    small = np.array([one.size < 0.3 for one in digits])
    blobs, _ = ensemble(np.stack([center_digit(rasterize(one.strokes, 0.09)) for one in digits]))
    assert share((blobs == truth)[small]) < share((label == truth)[small])


def test_size_and_place_change_nothing() -> None:
    stroke = np.array([[0.2, 0.1], [0.8, 0.1], [0.4, 0.9]])
    small, large = (prepared.digit_of_strokes([each]) for each in (0.25 * stroke + 0.7, stroke))
    assert np.sqrt(((small - large) ** 2).mean()) < 0.02  # of a pixel's edge that rounds to the other side


def test_a_dot_stays_a_dot_and_nothing_is_no_digit() -> None:
    dot = prepared.digit_of_strokes([np.array([[0.9, 0.1]])])
    assert 0.85 * np.pi / 4 < dot.sum() / 400 < 1.15 * np.pi / 4  # a disc that fills the box of 20 by 20
    with pytest.raises(UqError, match="draw a digit"):
        prepared.digit_of_strokes([])


RED, GREY = np.array([255, 0, 0], np.uint8), np.array([76, 76, 76], np.uint8)  # of one brightness, 0.299 x 255 = 76
GROUNDS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "dark on white": lambda ink: 255 - ink,
    "white on nothing": lambda ink: np.dstack([np.full((PAPER, PAPER, 3), 255, np.uint8), ink]),
    "red on grey": lambda ink: np.where(ink[..., None] > 127, RED, GREY),
}


@pytest.mark.parametrize("line", [3, 8, 20, 40])
@pytest.mark.parametrize("ground", GROUNDS)
def test_uploads_by_thin_and_thick_pens(ensemble: Reader, inked: Any, line: int, ground: str) -> None:
    papers, truth = inked(line)
    label, accepted = ensemble(np.stack([prepared.digit_of_picture(upload(GROUNDS[ground](ink))) for ink in papers]))
    assert share(label == truth) >= 0.95
    assert share((label != truth) & accepted) <= 0.05


@pytest.mark.parametrize("width", [4, 9, 30])
def test_the_width_of_a_line_is_known(width: int) -> None:
    """A straight line, and one at 45 degrees, whose width in pixels was set."""
    for ends in ([[0.2, 0.5], [0.8, 0.5]], [[0.2, 0.2], [0.8, 0.8]]):
        assert prepared.line_width(rasterize([np.array(ends)], width / 300, 300)) == pytest.approx(width, abs=1.2)


def test_usual_lines_stay_as_they_are() -> None:
    ink = rasterize([np.array([[0.2, 0.1], [0.8, 0.1], [0.4, 0.9]])], 0.09)
    assert prepared.with_usual_lines(ink) is ink


def test_a_digit_of_mnist_passes_as_it_is() -> None:
    for image in mnist().x_test[:50]:
        np.testing.assert_array_equal(prepared.digit_of_picture(upload(image))[..., 0], image / np.float32(255))


@pytest.mark.parametrize("background", [255, 200, 0])
def test_a_photographed_garment_is_prepared_as_fashion_mnist_is(
    posterior_of: Callable[[str, str], Posterior], background: int
) -> None:
    """Test garments, enlarged and put aside on a background, are named as they are themselves."""
    known = load("fashion").test.x[:100]
    made = []
    for image in known[..., 0]:
        value = np.kron(image, np.ones((8, 8)))
        page = background * (1 - value) if background else 255 * value
        page = np.pad(page, ((90, 30), (20, 140)), constant_values=background).round().astype(np.uint8)
        made.append(prepared.garment_of_picture(upload(page)))
    posterior = posterior_of("fashion", ENSEMBLE)
    named, before = (draw(posterior, x, 10).predictive.argmax(axis=-1) for x in (np.stack(made), known))
    assert share(named == before) >= 0.9
    centred = np.stack([center_digit(image[..., 0]) for image in made])  # as digits are, they are not known again
    assert share(draw(posterior, centred, 10).predictive.argmax(axis=-1) == before) < share(named == before)
    for image in made:
        rows, columns = (np.flatnonzero(image[..., 0].any(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) >= 26  # the longer side fills the image


def test_a_garment_of_fashion_mnist_passes_as_it_is() -> None:
    image = fashion_mnist().x_test[1]
    np.testing.assert_array_equal(prepared.garment_of_picture(upload(image))[..., 0], image / np.float32(255))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((90, 90), 255, np.uint8), "has one colour"),
        (np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8), "background is not even"),
    ],
)
def test_a_picture_without_a_garment_says_why(picture: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(UqError, match=message):
        prepared.garment_of_picture(upload(picture))


@pytest.mark.parametrize("task", ["digits", "fashion"])
def test_a_task_says_how_pictures_and_drawings_become_its_inputs(task: str) -> None:
    dataset = load(task)
    assert dataset.of_picture is not None
    assert dataset.drawn is not None
    page = np.pad(np.kron(dataset.test.x[0, ..., 0], np.ones((8, 8))), 40)
    assert dataset.of_picture(upload((255 * (1 - page)).astype(np.uint8))).shape == dataset.test.x.shape[1:]
    image = dataset.drawn.read([np.array([[0.2, 0.1], [0.8, 0.9]])])
    assert image.shape == dataset.test.x.shape[1:]
    assert dataset.drawn.noun in {dataset.noun, *(each.noun for each in dataset.ood_sets.values())}
