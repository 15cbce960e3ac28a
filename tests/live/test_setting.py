"""What can be asked for, and the sentence for everything else."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from uqcore.live import LIVE_METHODS, PRESETS, RANGES, Setting
from uqcore.live.setting import OWN_POINTS
from uqcore.methods import METHODS
from uqcore.types import UqError

POINTS = ((0.5, -1.25, 0), (1.0, 2.0, 1), (-3.0, 0.125, 1))
OWN = Setting(kind=OWN_POINTS, points=POINTS, methods=("sngp", "deterministic"), learning_rate=3e-4)


def test_the_presets_are_quick_and_as_in_the_tutorial() -> None:
    assert PRESETS["quick"] == Setting()
    tutorial = PRESETS["tutorial"]
    config = METHODS["sngp"].configs["moons"]
    assert (tutorial.epochs, tutorial.learning_rate) == (config.epochs, config.learning_rate)
    assert (tutorial.bound, tutorial.n_random_features, tutorial.n_points) == (0.9, 1024, 1000)
    assert tutorial.n_members == 10


@pytest.mark.parametrize("setting", [*PRESETS.values(), OWN, Setting(kind="spirals", n_classes=3, noise=0.07)])
def test_a_setting_survives_a_link_and_json(setting: Setting) -> None:
    again = (Setting.from_json(setting.to_json()), Setting.from_params(setting.to_params()))
    for one in again:
        assert one == setting
        assert hash(one) == hash(setting)
        assert one.digest == setting.digest


def test_a_link_holds_only_what_differs_and_leaves_other_parameters_alone() -> None:
    assert Setting().to_params() == {}
    assert replace(Setting(), epochs=7).to_params() == {"epochs": "7"}
    assert Setting.from_params({"page": "two_moons", "threshold": "x", "epochs": "7"}).epochs == 7


def test_equal_settings_are_one() -> None:
    assert Setting(methods=("sngp", "deterministic", "sngp")).methods == ("deterministic", "sngp")
    assert Setting(noise=0).digest == Setting(noise=0.0).digest
    assert Setting().digest != Setting(seed=1).digest


def test_own_points_say_how_many_and_of_how_many_classes_they_are() -> None:
    assert (OWN.n_points, OWN.n_classes, OWN.noise) == (3, 2, 0.0)
    assert Setting(kind=OWN_POINTS, points=((0.12345, 0, 0), (0, 0, 1))).points[0] == (0.123, 0.0, 0)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("end", ["below", "above"])
def test_a_number_out_of_its_range_is_refused_with_the_range(name: str, end: str) -> None:
    allowed = RANGES[name]
    value = allowed.least - 1 if end == "below" else allowed.most + 1
    whole = isinstance(getattr(Setting(), name), int)
    with pytest.raises(UqError, match=f"The setting {name} must be .* {allowed}. Received: {name}="):
        Setting(**{name: int(value) if whole else value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_are_allowed(name: str) -> None:
    for end in RANGES[name][:2]:
        value = int(end) if isinstance(getattr(Setting(), name), int) else end
        kind = "blobs" if name == "n_classes" else "moons"
        assert getattr(Setting(kind=kind, **{name: value}), name) == end  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 to 300. Received: epochs=0"),
        ({"epochs": 10**6}, "epochs must be a whole number from 1 to 300. Received: epochs=1000000"),
        ({"n_members": 0}, "n_members must be a whole number from 2 to 10"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"noise": "much"}, "noise must be a number from 0 to 1. Received: noise=much"),
        ({"kind": "squares"}, "kind must be one of moons, circles, blobs, spirals, own. Received: kind=squares"),
        ({"n_classes": 3}, "n_classes must be at most 2 for moons"),
        ({"methods": ()}, "methods must be some of deterministic, "),
        ({"methods": ("sngp", "feature_density")}, "methods must be some of"),
        ({"methods": "sngp"}, "methods must be some of"),
        ({"points": POINTS}, "points must be left out unless kind=own"),
        ({"kind": OWN_POINTS}, "at least two classes, numbered from 0 without a gap. Received: points=0 points"),
        ({"kind": OWN_POINTS, "points": POINTS[:1]}, "at least two classes"),
        ({"kind": OWN_POINTS, "points": POINTS[1:]}, "at least two classes.*=2 points of the classes 1"),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), (0, 0, 2))}, "without a gap"),
        (
            {"kind": OWN_POINTS, "points": ((0, 0, 0), (1e6, 0, 1))},
            "inside the plane, x from -3.5 to 3.5. Received: 1e",
        ),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), (0, float("nan"), 1))}, "inside the plane, y from"),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), (0, 0, 3))}, "Expected classes from 0 to 2. Received: 3"),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), (0, 0, 0.5))}, "Expected classes from 0 to 2"),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), (0, 1))}, "Expected points as x, y, class. Received: "),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), 7)}, "Expected points as x, y, class. Received: 7"),
        ({"kind": OWN_POINTS, "points": ((0, 0, 0), (0, 0, 1)) * 1001}, "points must be at most 2,000"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(UqError, match=problem) as refusal:
        Setting(**values)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"epochs": "many"}, "The setting epochs must be a whole number. Received: epochs=many"),
        ({"learning_rate": "inf"}, "The setting learning_rate must be a finite number"),
        ({"seed": ""}, "The setting seed must be a whole number"),
        ({"methods": "sngp,astrology"}, "methods must be some of"),
        ({"kind": OWN_POINTS, "points": "!!"}, "Expected painted points as a link holds them"),
        ({"kind": OWN_POINTS, "points": "AAAA"}, "Expected painted points as a link holds them"),
    ],
)
def test_a_wrong_link_is_refused(params: dict[str, str], problem: str) -> None:
    with pytest.raises(UqError, match=problem):
        Setting.from_params(params)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"epochs": 3}', json.dumps({**asdict(Setting()), "more": 1})])
def test_json_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UqError, match=r"Expected|must have the fields"):
        Setting.from_json(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", "7"), ("points", 3), ("methods", "sngp"), ("methods", [[]]), ("points", [[1]]), ("kind", [])],
)
def test_json_of_other_types_is_refused(field: str, value: object) -> None:
    with pytest.raises(UqError):
        Setting.from_json(json.dumps({**asdict(OWN), field: value}))


def test_every_live_method_is_one_of_two_moons() -> None:
    assert all("moons" in METHODS[method].configs for method in LIVE_METHODS)
