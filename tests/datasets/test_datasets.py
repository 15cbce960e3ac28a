"""The data are what their sources say: closed forms, published figures and scikit-learn are the judges."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_moons

from uqcore.datasets import DATASETS, bundled, load, moons
from uqcore.datasets.image_dataset import image_dataset
from uqcore.types import Dataset, OodSet, Split, UqError

MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # of the digits 0 to 9, as published


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.mark.parametrize("task", sorted(DATASETS))
def test_every_dataset_keeps_the_contract(task: str) -> None:
    dataset = load(task)
    assert dataset.task_id == task
    inputs = [dataset.train.x, dataset.validation.x, dataset.test.x, *dataset.ood.values()]
    assert {x.dtype for x in inputs} == {np.dtype(np.float32)}
    assert len({x.shape[1:] for x in inputs}) == 1
    for split in (dataset.train, dataset.validation, dataset.test):
        assert len(split.x) == len(split.y)
        if dataset.is_regression:
            assert split.y.dtype == np.float64
        else:
            assert split.y.dtype == np.int64
            assert set(split.y) == set(range(len(dataset.class_names)))
        assert not split.y.flags.writeable
    assert not any(x.flags.writeable for x in inputs)


def test_load_gives_the_same_object_each_time() -> None:
    assert load("moons") is load("moons", 0) is load("moons", seed=0)


@pytest.mark.parametrize(
    ("task", "seed", "message"), [("sun", 0, f"{', '.join(sorted(DATASETS))}.*sun"), ("moons", -1, "0 or more.*-1")]
)
def test_load_refuses(task: str, seed: int, message: str) -> None:
    with pytest.raises(UqError, match=message):
        load(task, seed)


def test_moon_curves_are_those_of_scikit_learn_shifted() -> None:
    x, y = make_moons(1000, shuffle=False)
    x[y == 0] += [-0.1, 0.2]
    x[y == 1] += [0.1, -0.2]
    np.testing.assert_allclose(np.concatenate(moons.curves(500)), x, atol=1e-12)


def test_moons_moments() -> None:
    """Over 200 data seeds, 2 x 100,000 points. On a half circle with evenly spaced angles cos has mean 0, variance
    1/2, and sin mean 2/pi, variance 1/2 - 4/pi^2; the noise adds 0.01 to the variances."""
    splits = [moons.load(seed).train for seed in range(200)]
    x = np.concatenate([split.x for split in splits]).astype(np.float64)
    y = np.concatenate([split.y for split in splits])
    means = {0: [-0.1, 2 / np.pi + 0.2], 1: [1.1, 0.3 - 2 / np.pi]}
    for label, mean in means.items():
        np.testing.assert_allclose(x[y == label].mean(axis=0), mean, atol=3e-3)
        # Two of the 500 even angles are the ends, which moves the variances by 1/500.
        np.testing.assert_allclose(x[y == label].var(axis=0), [0.51, 0.51 - 4 / np.pi**2], atol=4e-3)


def test_moons_sizes_balance_and_order() -> None:
    dataset = load("moons")
    for split, n_per_class in ((dataset.train, 500), (dataset.validation, 250), (dataset.test, 500)):
        assert np.bincount(split.y).tolist() == [n_per_class, n_per_class]
        assert 0 < split.y[:n_per_class].sum() < n_per_class  # shuffled
    points = np.concatenate([dataset.train.x, dataset.validation.x, dataset.test.x])
    assert len(np.unique(points, axis=0)) == len(points)


def test_moons_depend_on_the_seed_alone() -> None:
    first, again, other = moons.load(3), moons.load(3), moons.load(4)
    np.testing.assert_array_equal(first.train.x, again.train.x)
    assert not np.isin(first.train.x, other.train.x).any()


def test_moons_cluster_moments() -> None:
    points = np.concatenate([moons.load(seed).ood["cluster"] for seed in range(200)]).astype(np.float64)
    assert len(points) == 200 * 500
    np.testing.assert_allclose(points.mean(axis=0), [2.5, -1.75], atol=2e-3)
    np.testing.assert_allclose(np.cov(points.T), np.diag([0.01, 0.01]), atol=3e-4)


def test_grid_has_a_row_per_y_and_a_column_per_x() -> None:
    points = moons.GRID.points()
    assert moons.GRID.shape == (100, 100)
    assert points.shape == (10_000, 2)
    assert points.dtype == np.float32
    assert points[0].tolist() == [-3.5, -2.5]
    assert points[99].tolist() == [3.5, -2.5]
    assert points[-1].tolist() == [3.5, 2.5]
    x, y = points.T.reshape(2, 100, 100)
    np.testing.assert_array_equal(x, np.tile(moons.GRID.x, (100, 1)))
    np.testing.assert_array_equal(y, np.tile(moons.GRID.y, (100, 1)).T)


def test_mnist_is_the_published_one() -> None:
    archive = bundled.mnist()
    assert np.bincount(archive.y_train).tolist() == MNIST_COUNTS
    assert archive.x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert archive.x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert archive.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert archive.x_test.shape == (10_000, 28, 28)
    assert not any(a.flags.writeable for a in (archive.x_train, archive.y_train, archive.x_test, archive.y_test))


def test_fashion_mnist_is_the_published_one() -> None:
    archive = bundled.fashion_mnist()
    assert np.bincount(archive.y_train).tolist() == [6000] * 10
    assert archive.x_train.mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    assert archive.x_train.std() / 255 == pytest.approx(0.3530, abs=5e-5)
    assert archive.class_names[archive.y_test[0]] == "Ankle boot"


def test_some_classes_are_a_set_of_their_own() -> None:
    whole = bundled.fashion_mnist()
    shoes = whole.only((9, 5, 7), "shoes")
    assert shoes.class_names == ("Ankle boot", "Sandal", "Sneaker")
    assert len(shoes.x_test) == len(shoes.y_test) == 3000
    for label, k in enumerate((9, 5, 7)):
        np.testing.assert_array_equal(shoes.x_test[shoes.y_test == label], whole.x_test[whole.y_test == k])


def test_digits_split_is_a_partition_of_the_training_images(digits: Dataset) -> None:
    parts = np.concatenate([digits.train.x, digits.validation.x]).reshape(60_000, -1)
    whole = bundled.mnist().x_train.reshape(60_000, -1).astype(np.float32) / 255
    key = np.random.default_rng(0).normal(size=784)  # a random projection tells different images apart
    np.testing.assert_array_equal(np.sort(parts @ key), np.sort(whole @ key))


def test_how_many_images_there_are_is_known_before_one_is_read() -> None:
    """Else a page that says how long a training takes would hold all training images."""
    archive = replace(bundled.mnist())
    dataset = image_dataset("digits", archive, {"same": archive}, 0)
    assert [len(dataset.part(name)) for name in ("train", "validation", "test", "same")] == [
        55_000,
        5_000,
        10_000,
        10_000,
    ]
    assert not {"x_train", "x_test"} & vars(archive).keys()
    assert len(dataset.validation.x) == 5_000


def test_digits_split_is_stratified(digits: Dataset) -> None:
    assert len(digits.validation) == 5_000
    counts = np.bincount(digits.validation.y)
    assert np.abs(counts - np.array(MNIST_COUNTS) / 12).max() < 1
    assert (np.bincount(digits.train.y) + counts).tolist() == MNIST_COUNTS


def test_digits_labels_stay_with_their_images(digits: Dataset) -> None:
    archive = bundled.mnist()
    label_of = {image.tobytes(): label for image, label in zip(archive.x_train, archive.y_train, strict=True)}
    images = np.rint(digits.validation.x[..., 0] * 255).astype(np.uint8)
    assert [label_of[image.tobytes()] for image in images] == digits.validation.y.tolist()


def test_digits_are_grey_levels_over_255(digits: Dataset) -> None:
    np.testing.assert_array_equal(digits.test.x[..., 0], bundled.mnist().x_test / np.float32(255))
    np.testing.assert_array_equal(digits.ood["fashion"][..., 0], bundled.fashion_mnist().x_test / np.float32(255))


def test_some_images_are_those_of_all_before_and_after_all_are_made() -> None:
    test = load("digits", seed=1).test
    rows = np.array([3, 9_999, 3])
    before = test.some(rows)
    assert before.dtype == np.float32
    np.testing.assert_array_equal(before, test.x[rows])
    np.testing.assert_array_equal(test.some(rows), before)
    np.testing.assert_array_equal(test.some(slice(2)), test.x[:2])


def test_digits_noise_is_uniform(digits: Dataset) -> None:
    noise = digits.ood["noise"]
    assert noise.shape == (10_000, 28, 28, 1)
    shares, _ = np.histogram(noise, bins=10, range=(0, 1))
    np.testing.assert_allclose(shares / noise.size, 0.1, atol=5 * np.sqrt(0.09 / noise.size))
    assert noise.max() < 1


def test_garments_are_the_digits_task_the_other_way_round(digits: Dataset) -> None:
    garments = load("fashion")
    assert [len(garments.part(part)) for part in ("train", "validation", "test")] == [55_000, 5_000, 10_000]
    assert np.bincount(garments.validation.y).tolist() == [500] * 10
    for ours, theirs, other in ((digits, garments, "fashion"), (garments, digits, "digits")):
        np.testing.assert_array_equal(ours.part(other).x, theirs.test.x)
        assert ours.names_in(other) == theirs.class_names
        assert ours.title_of(other) == theirs.title
        assert ours.kept == ("test", other)


def test_a_part_is_made_when_it_is_asked_for() -> None:
    made: list[str] = []

    def split(name: str) -> Split:
        made.append(name)
        return Split(np.zeros((3, 2), np.float32), np.zeros(3, np.int64))

    dataset = Dataset(
        "new",
        title="new",
        noun="point",
        train=partial(split, "train"),
        validation=partial(split, "validation"),
        test=partial(split, "test"),
        ood={"far": OodSet("far away", "point", partial(split, "far"))},
        class_names=("a", "b"),
    )
    assert made == []
    assert dataset.test is dataset.test
    assert made == ["test"]
    assert not dataset.ood["far"].flags.writeable
    assert made == ["test", "far"]


def archive_at(path: Path) -> bundled.ImageArchive:
    return bundled.ImageArchive(path, "a copy", "digit", tuple("0123456789"))


def copy_of_mnist(folder: Path) -> Path:
    for name in ("mnist.npz", "SHA256SUMS"):
        shutil.copy(bundled.DATA_DIR / name, folder)
    return folder / "mnist.npz"


def test_a_whole_copy_is_read(tmp_path: Path) -> None:
    np.testing.assert_array_equal(archive_at(copy_of_mnist(tmp_path)).y_test, bundled.mnist().y_test)


def test_one_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = copy_of_mnist(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UqError, match=r"mnist\.npz is damaged.*git checkout -- .*mnist\.npz"):
        _ = archive_at(path).x_test


@pytest.mark.parametrize("name", ["mnist.npz", "SHA256SUMS"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    path = copy_of_mnist(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UqError, match=rf"{name} is missing; get it back with `git checkout -- .*{name}`"):
        _ = archive_at(path).x_test
