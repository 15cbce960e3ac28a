"""Two visitors' inputs that differ in one element never share a key: everything that a file or a setting reaches, with
one element changed at a time, by as little as its kind allows."""

from __future__ import annotations

import io
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.app_pages import opened
from tests.prediction_files import npz
from ui import budget
from ui.threshold.cost_matrix import in_link
from uqcore.datasets.images import center_digit, read_image
from uqcore.exhibits import functions, one_image
from uqcore.live import PRESETS, Setting
from uqcore.live.data import dataset
from uqcore.live.own_points import COLUMNS, read_csv
from uqcore.live.setting import OWN_POINTS, RANGES
from uqcore.live.shapes import SHAPES
from uqcore.methods import METHODS
from uqcore.models.training import model_id
from uqcore.networks.forward import NETWORKS
from uqcore.predictions import Predictions
from uqcore.tuning.cost_file import read_costs

N, K, SAMPLES = 9, 3, 2


def one_changed(array: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """A copy in which one element differs, by a unit in the last place or the sign of a zero."""
    other, place = array.copy(), tuple(rng.integers(array.shape))
    value = other[place]
    if array.dtype.kind == "f":
        other[place] = -value if value == 0 else np.nextafter(value, np.array(np.inf, array.dtype))
    else:
        other[place] = not value if array.dtype.kind == "b" else value + 1
    assert other.tobytes() != array.tobytes()
    return other


def predictions(rng: np.random.Generator, **changed: Any) -> Predictions:
    """Logits with all that counts in a fingerprint; one number is 0."""
    values = rng.normal(size=(SAMPLES, N, K)).astype(np.float32)
    values[0, 0, 0] = 0
    arrays: dict[str, Any] = {
        "values": values,
        "labels": rng.integers(K - 1, size=N),
        "ood": np.arange(N) > N - 3,
        "mean_logits": rng.normal(size=(N, K)).astype(np.float32),
        "variance": rng.random(N).astype(np.float32),
        "score": rng.random(N).astype(np.float32),
    }
    of_samples = {"mutual_information": rng.random(N).astype(np.float32)}
    whole = Predictions("f", "logits", class_names=tuple("abc"), mean_field_factor=0.4, of_samples=of_samples, **arrays)
    return replace(whole, **changed)


@pytest.mark.parametrize("seed", range(20))
def test_a_fingerprint_tells_any_two_predictions_apart(seed: int) -> None:
    def same(**changed: Any) -> Predictions:
        return predictions(np.random.default_rng(seed), **changed)

    rng, whole = np.random.default_rng(1000 + seed), same()
    assert same().fingerprint == whole.fingerprint
    others = [
        same(**{name: one_changed(getattr(whole, name), rng)})
        for name in ("values", "labels", "ood", "mean_logits", "variance", "score")
    ]
    zero = whole.values.copy()
    zero[0, 0, 0] = -0.0
    information = whole.of_samples["mutual_information"]
    others += [
        same(values=zero),
        same(values=whole.values[::-1]),  # the samples in another order
        same(values=whole.values[:, ::-1]),  # the examples
        same(values=whole.values[..., ::-1]),  # the classes
        same(values=np.ascontiguousarray(whole.values.reshape(1, N, -1)[..., :K])),
        same(mean_field_factor=np.nextafter(0.4, 1)),
        same(of_samples={"mutual_information": one_changed(information, rng)}),
        same(of_samples={"predictive_entropy": information}),
        same(of_samples={}),
        *(same(**{name: None}) for name in ("labels", "ood", "score")),
    ]
    prints = {one.fingerprint for one in (whole, *others)}
    assert len(prints) == 1 + len(others)


def test_a_fingerprint_tells_probabilities_from_logits_and_shapes_apart() -> None:
    rows = np.full((4, 2), 0.5, np.float32)
    names = ("a", "b")
    asked = [
        Predictions("f", "probs", rows, names),
        Predictions("f", "logits", rows, names),
        Predictions("f", "probs", rows.reshape(2, 2, 2), names),
        Predictions("f", "probs", rows.reshape(4, 1, 2), names),
        Predictions("f", "probs", rows, names, averaged_over=5, of_samples={"mutual_information": rows[:, 0]}),
        Predictions("f", "probs", rows, names, averaged_over=6, of_samples={"mutual_information": rows[:, 0]}),
    ]
    assert len({one.fingerprint for one in asked}) == len(asked)


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_has_a_key_of_its_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.random((2, 28, 28, 1), np.float32)
    x[0, 0, 0, 0] = 0
    others = [one_changed(x, rng), one_changed(x, rng), x[::-1], x.swapaxes(1, 2), x.reshape(1, 56, 28, 1)]
    others += [x.view(np.int32), x.astype(np.float64)]
    assert one_image.key(x.copy()) == one_image.key(x)
    assert one_image.key(np.asfortranarray(x)) == one_image.key(x)
    assert len({one_image.key(one) for one in (x, *others)}) == 1 + len(others)


def least_change(value: Any) -> list[Any]:
    """Values that are next to a setting's."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [float(np.nextafter(value, np.inf)), float(np.nextafter(value, -np.inf))]
    return []


@pytest.mark.parametrize("name", RANGES)
def test_settings_of_two_moons_are_found_by_all_that_they_say(name: str) -> None:
    tried, kind = 0, max(SHAPES, key=lambda each: SHAPES[each].most_classes)
    for preset in (replace(each, kind=kind) for each in PRESETS.values()):
        for value in least_change(getattr(preset, name)):
            if RANGES[name].least <= value <= RANGES[name].most and value != getattr(preset, name):
                other = replace(preset, **{name: value})
                assert other != preset
                assert other.digest != preset.digest
                assert dataset(other) is not dataset(preset)
                tried += 1
    assert tried


@pytest.mark.parametrize("seed", range(20))
def test_painted_points_are_found_by_each_of_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [(round(x, 3), round(y, 3), i % 2) for i, (x, y) in enumerate(rng.uniform(-2, 2, (12, 2)).tolist())]
    setting, i = Setting(kind=OWN_POINTS, points=tuple(points)), int(rng.integers(12))
    x, y, label = points[i]
    changes = [(round(x + 0.001, 3), y, label), (x, round(y - 0.001, 3), label), (x, y, 1 - label), (y, x, label)]
    others = [[*points[:i], point, *points[i + 1 :]] for point in changes]
    others += [points[:-1], [*points, points[0]], points[::-1]]
    found = [setting, *(Setting(kind=OWN_POINTS, points=tuple(other)) for other in others)]
    assert len({one.digest for one in found}) == len(set(found)) == len(found)
    for one in found[1:]:
        assert not np.array_equal(dataset(one).train.x, dataset(setting).train.x) or not np.array_equal(
            dataset(one).train.y, dataset(setting).train.y
        )


def test_minus_zero_is_zero_in_every_setting_of_two_moons() -> None:
    def placed(zero: float) -> Setting:
        return Setting(kind=OWN_POINTS, points=((zero, zero, 0), (1, 1, 1)), cluster_x=zero, dropout=zero)

    assert placed(-0.0) == placed(0.0)
    assert placed(-0.0).digest == placed(0.0).digest
    assert placed(-0.0).to_json() == placed(0.0).to_json()


def test_settings_of_functions_are_found_by_each_number() -> None:
    added = ((0.5, 1.0), (-1.5, 0.25))
    setting = functions.Setting(0.1, (-0.5, 1.5), added)
    others = [replace(setting, noise=float(np.nextafter(0.1, 1)))]
    others += [replace(setting, gap=gap) for gap in ((-0.5, float(np.nextafter(1.5, 2))), (1.5, -0.5))]
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        numbers = np.array(added)
        numbers[i, j] = np.nextafter(numbers[i, j], 9)
        others.append(replace(setting, added=tuple((float(x), float(y)) for x, y in numbers)))
    others += [replace(setting, added=added[::-1]), replace(setting, added=added[:1])]
    assert len({setting, *others}) == 1 + len(others)


def test_trainings_are_named_by_every_setting() -> None:
    for method_id, method in METHODS.items():
        for task, config in method.configs.items():
            names = [model_id(task, method_id, 0, config), model_id(task, method_id, 1, config)]
            for field in fields(config):
                for value in least_change(getattr(config, field.name)):
                    try:
                        other = replace(config, **{field.name: value})
                    except Exception:  # no setting of that kind may have it
                        continue
                    assert asdict(other) != asdict(config)
                    names.append(model_id(task, method_id, 0, other))
            assert len(names) > 4
            assert len(set(names)) == len(names)
            assert task in NETWORKS


def test_what_is_kept_for_all_is_found_by_every_argument() -> None:
    @budget.kept()
    def found(name: str, value: float, factor: float | None, rows: tuple[int, ...]) -> object:
        return object()

    @budget.kept()
    def other(name: str, value: float, factor: float | None, rows: tuple[int, ...]) -> object:
        return object()

    asked: tuple[Any, ...] = ("a", 0.1, None, (1, 2))
    changes: list[tuple[Any, ...]] = [
        ("a ", 0.1, None, (1, 2)),
        ("a", float(np.nextafter(0.1, 1)), None, (1, 2)),
        ("a", 0.1, 0.0, (1, 2)),
        ("a", 0.1, None, (2, 1)),
        ("a", 0.1, None, (1,)),
    ]
    values = [found(*asked), other(*asked), *(found(*one) for one in changes)]
    assert len({id(value) for value in values}) == len(values)
    assert found(*asked) is values[0]


def test_a_file_that_was_brought_is_read_under_a_name_of_its_own() -> None:
    """Whatever differs, be it the name of a class or of a group, which no fingerprint holds; and if nothing does."""
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(K), 60).astype(np.float32)
    labels, group = probs.argmax(axis=1), np.array(["north", "south"] * 30)
    files: list[dict[str, Any]] = [
        {"probs": probs, "labels": labels, "group": group, "class_names": np.array(["a", "b", "c"])},
        {"probs": probs, "labels": labels, "group": group, "class_names": np.array(["a", "b", "d"])},
        {"probs": probs, "labels": labels, "group": np.array(["north", "west"] * 30)},
        {"probs": probs, "labels": labels},
        {"probs": probs, "labels": labels},
    ]
    read = []
    for arrays in files:
        app = opened("pages/threshold_lab.py", predictions="Your own")
        app.file_uploader[0].set_value(("mine.npz", npz(**arrays), ""))
        app.run()
        assert not app.exception
        read.append(app.session_state["own"])
        ((source_id, _, _),) = app.session_state["own_studies"]
        assert source_id == read[-1].read_id
    assert len({own.read_id for own in read}) == len(read)
    assert read[0].predictions.class_names != read[1].predictions.class_names


def test_costs_of_two_files_that_differ_in_one_cell_are_two_visitors_own() -> None:
    """A matrix, changed by the least, gives another goal and other costs; in its link too, to twelve digits."""
    rng, names = np.random.default_rng(1), ("a", "b", "c")
    costs = rng.random((3, 3)).round(6)

    def read(matrix: NDArray[Any]) -> NDArray[Any]:
        rows = [",".join([names[i], *(f"{cell!r}" for cell in row)]) for i, row in enumerate(matrix.tolist())]
        return read_costs("\n".join(["truth,a,b,c", *rows]).encode(), names)

    others = [one_changed(costs, rng) for _ in range(8)]
    found = [read(one) for one in (costs, *others)]
    for one, seen in zip((costs, *others), found, strict=True):
        assert seen.tobytes() == one.tobytes()
    links = [in_link({(i, j): float(one[i, j]) for i in range(3) for j in range(3)}, 3) for one in (costs, costs.T)]
    assert len({*links}) == 2


def test_pictures_of_two_visitors_that_differ_in_one_pixel_are_told_apart() -> None:
    rng = np.random.default_rng(2)
    ink = np.full((40, 40), 255, np.uint8)
    ink[8:30, 16:20] = rng.integers(0, 60, (22, 4), np.uint8)
    keys = set()
    for value in (0, 100, 200):
        other = ink.copy()
        other[20, 18] = value
        buffer = io.BytesIO()
        Image.fromarray(other).save(buffer, "PNG")
        keys.add(one_image.key(center_digit(read_image(buffer.getvalue()))))
    assert len(keys) == 3


@pytest.mark.parametrize("cell", ["x", "y", "class"])
def test_points_of_two_files_that_differ_in_one_cell_are_two_settings(cell: str) -> None:
    def points(**changed: str) -> Setting:
        first = {"x": "0.1", "y": "0.2", "class": "a"} | changed
        rows = [",".join(first[name] for name in COLUMNS), "-1,0.5,b", "2,0,a"]
        return Setting(kind=OWN_POINTS, points=read_csv("\n".join([",".join(COLUMNS), *rows]).encode()).points)

    whole, other = points(), points(**{cell: {"x": "0.101", "y": "0.201", "class": "b"}[cell]})
    assert whole != other
    assert whole.digest != other.digest
    assert dataset(whole) is not dataset(other)
