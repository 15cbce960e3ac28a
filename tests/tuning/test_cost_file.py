"""Matrices of costs from files: any order of classes, and each mistake in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from uqcore.tuning.cost_file import read_costs
from uqcore.types import UqError

NAMES = ("cat", "dog", "hot dog")
TEXT = "truth,dog,cat,hot dog\nhot dog,1,2,0\ncat,3,0,4\ndog,0,5,6\n"
COSTS = [[0, 3, 4], [5, 0, 6], [2, 1, 0]]


def test_classes_come_in_any_order(tmp_path: Path) -> None:
    assert read_costs(TEXT.encode(), NAMES).tolist() == COSTS
    assert read_costs(TEXT.replace(",", ";").encode("utf-8-sig"), NAMES).tolist() == COSTS
    (tmp_path / "costs.csv").write_text(TEXT.replace(",", "\t"))
    assert read_costs(tmp_path / "costs.csv", NAMES).tolist() == COSTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Received 0 rows"),
        (TEXT.replace("dog,0", "wolf,0"), "once in the first column. Received none for 'dog'"),
        (TEXT.replace("truth,dog", "truth,wolf"), "once in the first row. Received none for 'dog'"),
        (TEXT + "dog,0,5,6\n", "once in the first column. Received 'hot dog', unknown or twice"),
        (TEXT.replace("5,6", "5"), "4 cells in the row of 'dog'. Received 3"),
        (TEXT.replace("5,6", "5,much"), "the cost of 'hot dog' where 'dog' is true. Received 'much'"),
        (TEXT.replace("5,6", "5,inf"), "Received 'inf'"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(UqError, match=message):
        read_costs(text.encode(), NAMES)


def test_what_is_no_text_or_not_there() -> None:
    with pytest.raises(UqError, match="CSV in UTF-8"):
        read_costs(b"\xff\xfe\x00", NAMES)
    with pytest.raises(UqError, match="cannot be read"):
        read_costs(Path("/nowhere.csv"), NAMES)
