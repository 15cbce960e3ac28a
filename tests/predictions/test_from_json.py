"""JSON in the forms in which tables come, and a sentence for everything else."""

from __future__ import annotations

import json
import sys
import threading
import time
from itertools import pairwise

import pytest

from tests.prediction_files import read, refused

HALVES = [0.5] * 200_000
RECORDS = [{"a": 0.25, "b": 0.75, "label": "b"}, {"a": 1, "b": 0, "label": "a"}]


@pytest.mark.parametrize(
    "data",
    [
        RECORDS,
        {"predictions": RECORDS},
        {"a": [0.25, 1], "b": [0.75, 0], "label": ["b", "a"]},
        {"a": {"0": 0.25, "1": 1}, "b": {"0": 0.75, "1": 0}, "label": {"0": "b", "1": "a"}},
        {"columns": ["a", "b", "label"], "index": [0, 1], "data": [[0.25, 0.75, "b"], [1, 0, "a"]]},
    ],
)
def test_tables(data: object) -> None:
    for text in (json.dumps(data), "\ufeff " + json.dumps(data, indent=2)):
        mine = read(text.encode())
        assert mine.values.tolist() == [[[0.25, 0.75], [1, 0]]]
        assert mine.labels is not None
        assert mine.labels.tolist() == [1, 0]


def test_a_character_that_takes_two_halves_is_one() -> None:
    face, no_pair = "\N{GRINNING FACE}", "\\ud800"  # the second: a backslash and five letters
    rows = [{"id": f"{no_pair}{i}", "a": 0.25 + i / 2, face: 0.75 - i / 2, "label": face} for i in range(2)]
    mine = read(json.dumps(rows).encode())
    assert mine.ids["id"].tolist() == [f"{no_pair}0", f"{no_pair}1"]
    assert mine.class_names == ("a", face)


def test_lines_and_bare_rows() -> None:
    assert read("\n\n".join(map(json.dumps, RECORDS)).encode()).values.tolist() == [[[0.25, 0.75], [1, 0]]]
    assert len(read(json.dumps(RECORDS[0]).encode())) == 1
    assert read(b"[[0.25, 0.75], [1, 0]]").values.tolist() == [[[0.25, 0.75], [1, 0]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "a list of records, or columns. Received something else or nothing"),
        (b'{"a": [1, 2], "b": [1]}', "columns of equal length. Received an object of other things"),
        (b"[[1, 2], [1]]", "rows of equal length, in JSON. Received a list of other things"),
        (b'{"a": 1}\n{"a": ', "Expected JSON in every line. Received other text in line 2; correct it"),
        (b'{"a": ', "Expected JSON. Received text that is not"),
        (b'{"a": ' + b"9" * 5000 + b"}", r"is not \(a whole number of thousands of digits\); save it again"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"\xff": 1}', "Expected JSON in UTF-8"),
        (
            b'[{"a": 1, "b": 0, "label": "\\uD800"}]',
            "half of a character that takes two, such as .ud800; save it again",
        ),
        (b'{"a": 1, "\\udfffb": 0}\n{"a": 0, "\\udfffb": 1}', "half of a character that takes two"),
        (b"[" + b" " * 2000 + b"]", "at most 0 MB of JSON. Received more; save the table as Parquet or CSV"),
    ],
)
def test_what_is_no_table_is_one_sentence(data: bytes, message: str) -> None:
    refused(data, message, max_bytes=20_000 if len(data) > 1500 and data[1:2] == b" " else 10**9)


@pytest.mark.skipif(sys.platform == "darwin", reason="its threads have no clocks of their own")
@pytest.mark.parametrize("data", [[dict.fromkeys(map(str, range(20)), 0.05)] * 16_000, {"a": HALVES, "b": HALVES}])
def test_other_threads_run_while_a_long_file_is_taken_apart(data: object) -> None:
    """By the clock of the thread that reads: how long it ran, of what it took at all, until another one did."""
    text, clock = json.dumps(data).encode(), time.pthread_getcpuclockid(threading.get_ident())
    over, at = list[bool](), [0.0]

    def look() -> None:
        while not over:
            at.append(time.clock_gettime(clock))

    other = threading.Thread(target=look)
    at[0] = time.clock_gettime(clock)
    other.start()
    try:
        read(text)
    finally:
        over.append(True)
        other.join()
    longest = max(later - sooner for sooner, later in pairwise(at))
    assert longest < (at[-1] - at[0]) / 4
