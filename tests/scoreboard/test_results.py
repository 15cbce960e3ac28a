"""The file of results: what is written comes back, and what is odd is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from uqcore import strict_json as check
from uqcore.scoreboard.results import Curve, Key, Result, from_json, load, save, to_json
from uqcore.types import UqError

RESULT = Result(
    "digits",
    "sngp",
    (0, 1),
    ("abc", ""),
    {Key("accuracy"): (0.99, 1), Key("auroc", "logit_variance", "fashion"): (0.9995, 0.25)},
    {Key("error_auroc", "predictive_entropy"): "All are right."},
    {"test": 10_000},
    {Key("risk_coverage", "logit_variance"): Curve((0.5, 1), (0.25, 0.5)), Key("reliability"): Curve((1,), (1,), (7,))},
)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    save([RESULT], tmp_path / "results.json")
    assert load(tmp_path / "results.json") == (RESULT,)
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_digits_near_one_are_kept() -> None:
    (read,) = from_json(to_json([Result("digits", "sngp", (0,), ("",), {Key("accuracy"): (0.99991234567,)})]))
    assert read.values[Key("accuracy")] == (0.999912346,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [0]}, "models"),
        ({"seeds": [], "models": []}, "models"),
        ({"values": {"accuracy||": [1]}}, "must have 2 numbers"),
        ({"values": {"accuracy": [1, 1]}}, r"metric\|score\|unseen"),
        ({"values": {"beauty||": [1, 1]}}, r"metric\|score\|unseen"),
        ({"values": {"accuracy||": [1, "1"]}}, "number"),
        ({"more": 1}, "unknown"),
    ],
)
def test_what_is_odd_is_named(change: dict[str, Any], message: str) -> None:
    content = json.loads(to_json([RESULT]))
    content["results"][0] |= change
    with pytest.raises(UqError, match=message):
        from_json(check.sealed(json.dumps(content | {"sha256": check.NO_SUM}).encode()))


def test_any_letter_that_changed_is_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(to_json([RESULT]).replace(b"0.25", b"0.24", 1))
    with pytest.raises(UqError, match=r"The results .*results\.json are damaged: .*sha256.* Get them back from git\."):
        load(path)


def test_not_a_number_is_refused() -> None:
    with pytest.raises(UqError, match="finite"):
        from_json(to_json([RESULT]).replace(b"0.25", b"NaN", 1))


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UqError, match="cannot be read"):
        load(tmp_path / "none.json")
