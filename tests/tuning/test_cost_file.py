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
        ('truth,"cat,dog\ncat,1,1\ndog,1,1', r"Received 1 row; save it so"),
        ("truth,cat,dog\n\0,1,1\n", "as CSV. Received something else"),
        (
            'truth,cat,"' + "x" * 140_000 + '"',
            r"of at most 67,\d{3} bytes for 3 classes. Received 140,\d{3}; save nothing",
        ),
        (TEXT.replace("4", "1,5"), "4 cells in the row of 'cat'. Received 5"),
        (TEXT.replace("4", "\u202e4"), r"Received '\\u202e4'"),
        (TEXT.replace("dog,0", "wolf,0"), "once in the first column. Received none for 'dog'"),
        (TEXT.replace("truth,dog", "truth,wolf"), "once in the first row. Received none for 'dog'"),
        (TEXT + "dog,0,5,6\n", "once in the first column. Received 'dog' more than once"),
        (TEXT + "wolf,0,5,6\n", "once in the first column. Received 'wolf', which is none of them"),
        (TEXT.replace("5,6", "5"), "4 cells in the row of 'dog'. Received 3"),
        (TEXT.replace("5,6", "5,much"), "the cost of 'hot dog' where 'dog' is true. Received 'much'"),
        (TEXT.replace("5,6", "5,inf"), "Received 'inf'"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(UqError, match=message):
        read_costs(text.encode(), NAMES)


def test_what_is_no_text_or_not_there() -> None:
    for data in (b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\0\0", b"PK\x03\x04\0\0"):
        with pytest.raises(UqError, match=r"as CSV\. Received something else; save it as CSV"):
            read_costs(data, NAMES)
    with pytest.raises(UqError, match="cannot be read"):
        read_costs(Path("/nowhere.csv"), NAMES)


def test_a_spreadsheets_own_csv_is_read() -> None:
    """Windows-1252 or UTF-16, a semicolon or tab between cells, a comma before decimals, an old Mac's ends of lines."""
    text = "truth;é;dog\ré;0;1,5\rdog;2,5;0\r"
    for data in (text.encode("cp1252"), text.replace(";", "\t").encode("utf-16")):
        assert read_costs(data, ("é", "dog")).tolist() == [[0, 1.5], [2.5, 0]]


def test_a_comma_between_cells_is_none_before_decimals() -> None:
    """A thousand, written with a comma in quotes, is not 1."""
    with pytest.raises(UqError, match="Received '1,000'"):
        read_costs(b'truth,cat,dog\ncat,0,"1,000"\ndog,5,0\n', ("cat", "dog"))


def test_a_thousand_classes_take_a_pass_and_what_is_no_matrix_of_them_is_refused_by_its_size() -> None:
    """Each cell once looked for its class among all: 47 seconds for 1,800 classes."""
    names = tuple(f"class {k}" for k in range(1000))
    looked_for = 0

    class Counted(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal looked_for
            looked_for += 1
            return str.__eq__(self, other)

    cells = ",1" * len(names) + "\n"
    text = "truth," + ",".join(names) + "\n" + "".join(name + cells for name in names)
    assert (read_costs(text.encode(), tuple(map(Counted, names))) == 1).all()
    assert looked_for < 20 * len(names)
    with pytest.raises(UqError, match=r"of at most 67,240 bytes for 3 classes\. Received 8,000,008; save nothing but"):
        read_costs(b"truth,cat\n" + b"cat,1\n" * 1_333_333, NAMES)
