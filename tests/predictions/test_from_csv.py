"""CSV as spreadsheets, pandas and people write it, in a stream; and a sentence with the row that cannot be read."""

from __future__ import annotations

import csv
from contextlib import suppress
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pytest

from tests.prediction_files import random_probs, read, refused, table
from uqcore.predictions import from_csv, read_predictions
from uqcore.types import UqError

EXPECTED = [[0.25, 0.75], [0.5, 0.5], [1, 0]]
TAKEN = {
    "no names": b".25,.75\n.5,.5\n1,0\n",
    "plain": b"p_0,p_1,label\n.25,0.75,1\n0.5,5e-1,0\n1,0,0\n",
    "no line end at the end": b"p_0,p_1,label\n.25,.75,1\n.5,.5,0\n1,0,0",
    "Windows": b"p_0,p_1,label\r\n.25,.75,1\r\n.5,.5,0\r\n1,0,0\r\n",
    "old Mac": b"p_0,p_1,label\r.25,.75,1\r.5,.5,0\r1,0,0\r",
    "a byte order mark": b"\xef\xbb\xbfp_0,p_1,label\n.25,.75,1\n.5,.5,0\n1,0,0\n",
    "blank lines": b"\n\np_0,p_1,label\n\n.25,.75,1\n\n\n.5,.5,0\n1,0,0\n\n",
    "quotes": b'"p_0","p_1","label"\n".25",".75","1"\n".5",".5","0"\n"1","0","0"\n',
    "spaces": b"p_0, p_1, label\n .25, .75, 1\n.5 , .5, 0\n1 ,0 ,0 \n",
    "other order": b"label,p_1,p_0\n1,.75,.25\n0,.5,.5\n0,0,1\n",
    "other columns": b'id,p_0,text,p_1,id,label\nx,.25,"a ""b"", c",.75,,1\ny,.5,"two\nlines",.5,,0\nz,1,\xff,0,,0\n',
    "a comma after each row": b"p_0,p_1,label,\n.25,.75,1,\n.5,.5,0,\n1,0,0,\n",
    "labels as floats": b"p_0,p_1,label\n.25,.75,1.0\n.5,.5,0.0\n1,0,-0\n",
    "semicolons": b"p_0;p_1;label\n.25;.75;1\n.5;.5;0\n1;0;0\n",
    "semicolons and decimal commas": b"p_0;p_1;label\n,25;0,75;1\n0,5;5,0e-1;0\n1;0;0\n",
    "tabs": b"p_0\tp_1\tlabel\n.25\t.75\t1\n.5\t.5\t0\n1\t0\t0\n",
    "a percent sign": b"p_0,p_1,label\n25%,75 %,1\n50%,50.0%,0\n1e2%,0%,0\n",
    "tabs and decimal commas": b"p_0\tp_1\tlabel\n0,25\t0,75\t1\n0,5\t0,5\t0\n1\t0\t0\n",
}


@pytest.mark.parametrize("form", TAKEN)
@pytest.mark.parametrize("block", [64, 2**20])
def test_it_reads_what_people_write(form: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_csv, "BLOCK", block)  # short blocks end within rows, quotes and line ends
    mine = read(TAKEN[form])
    assert mine.values.tolist() == [EXPECTED]
    if form != "no names":
        assert mine.labels is not None
        assert mine.labels.tolist() == [1, 0, 0]


def test_what_was_guessed_or_left_out_is_said() -> None:
    assert read(TAKEN["semicolons and decimal commas"]).notes == (
        "Read with ';' between the cells and ',' as the decimal sign.",
    )
    assert read(TAKEN["tabs"]).notes == ("Read with tab between the cells and '.' as the decimal sign.",)
    assert read(TAKEN["other columns"]).notes == (
        "The text is not in UTF-8 and was read as Windows-1252; check names with accents.",
        "Read 'id' as the id.",
        "Columns that mean nothing here were left out: 'text', 'id'.",
    )
    assert read(TAKEN["no names"]).notes[0] == "The first line has numbers and no names."


def test_many_rows_are_those_that_the_standard_library_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_csv, "BLOCK", 5000)
    probs, chance = random_probs(2000, 4), np.random.default_rng(0)
    labels, ood = chance.integers(0, 4, 2000), chance.random(2000) < 0.1
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["p_0", "p_1", "p_2", "p_3", "label", "ood"])
    writer.writerows(
        [*map(repr, map(float, row)), label, mark] for row, label, mark in zip(probs, labels, ood, strict=True)
    )
    shares: list[float] = []
    mine = read(text.getvalue().encode(), tick=shares.append)
    np.testing.assert_array_equal(mine.values[0], probs)
    np.testing.assert_array_equal(mine.ood, ood)
    np.testing.assert_array_equal(np.asarray(mine.labels)[~ood], labels[~ood])
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_stream_is_read_from_its_start_and_stays_open() -> None:
    stream = BytesIO(TAKEN["plain"])
    stream.read(10)
    for _ in range(2):
        assert len(read_predictions(stream, "mine.csv")) == 3
    assert not stream.closed


def test_logits() -> None:
    mine = read(table("logit_0,logit_1", "-3.5,100", "1e3,-1e3"))
    assert mine.kind == "logits"
    assert mine.values.tolist() == [[[-3.5, 100], [1000, -1000]]]
    assert mine.notes == ()


BAD = {
    "no rows": (table("p_0,p_1"), "at least one"),
    "nothing but lines": (b"\n\r\n  \n", "column names in the first line.*no text"),
    "a gap": (table("p_0,p_1,p_2,p_4", "0,0,0,1"), "none named p_3"),
    "too few cells": (table("p_0,p_1,label", "0.5,0.5,1", "0.5,0.5"), "Expected 3 cells.*Received 2 in row 2 of"),
    "too many cells": (table("p_0,p_1", "0.5,0.5,1"), "Expected 2 cells.*Received 3 in row 1"),
    "decimal commas": (table("p_0,p_1", "0,5,0,5"), "Expected 2 cells.*Received 4 in row 1"),
    "a word": (table("id,p_0,p_1", "a,0.5,0.5", "b,0.5,half"), "in the column 'p_1'. Received 'half'.*row 2 of"),
    "a word in another order": (table("label,p_1,p_0", "1,0.5,x"), "in the column 'p_0'. Received 'x'"),
    "a percent sign in one row": (table("p_0,p_1", *["0.5,.5"] * 2000, "50%,50%"), "'p_0'. Received '50%' in row 2001"),
    "empty cells": (table("p_0,p_1", "0.5,0.5", "0.5,", ",", "1,0"), r"empty cell.* for 2 examples \(.* number 1,"),
    "NaN": (table("p_0,p_1", "0.5,0.5", "nan,0.5"), "NaN.* for 1 example "),
    "infinity": (table("logit_0,logit_1", "0.5,inf", "1,0"), "infinity.* for 1 example "),
    "no text in any encoding": (b"p_0,p_1,label\n0.5,0.5,\xe9t\x81\n", "Expected a CSV file in UTF-8"),
    "names that are no text": (b"p_0,p_1,\xe9t\x81\n0.5,0.5,1\n", "CSV file in UTF-8. Received other bytes in its f"),
    "a quote without end": (table("p_0,p_1,text", '0.5,0.5,"a', "0.5,0.5,b"), "quotation marks in pairs"),
    "a long line": (b"p_0,p_1" + b"," * 2**20, "a line of over 1 MB"),
    "a long row": (b"p_0,p_1,text\n.5,.5," + b"x" * 2**22 + b"\n.5,.5,y\n", "Expected a CSV file"),
    "text": (b"Dear reader,\nthis is a letter.\n", "Received 'Dear reader', 'column 2' and no row"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_sentence(name: str, capfd: pytest.CaptureFixture[Any]) -> None:
    refused(*BAD[name])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("row", range(6))
@pytest.mark.parametrize("bad", ["b;0.5", "b", "b;0.5;0.5;a;", ""])
def test_a_row_of_another_length_is_read_or_refused_wherever_it_stands(row: int, bad: str) -> None:
    lines = ["id;p_cat;p_dog;label", *(f"{i};0.2{i};0.7{9 - i};cat" for i in range(8))]
    lines[1 + row] = bad
    with suppress(UqError):
        assert len(read("\n".join(lines).encode())) >= 7


def test_a_bad_row_far_from_the_start_is_found_and_numbered() -> None:
    rows = ["0.5,0.5,0"] * 300_000
    rows[250_000] = "0.5,0.5"
    rows[280_000] = "0.5,huh,1"
    refused(table("p_0,p_1,label", *rows), "Received 2 in row 250001 of")
    rows[250_000] = "0.5,0.5,0"
    refused(table("p_0,p_1,label", *rows), "Received 'huh' in row 280001 of")


def test_more_rows_than_memory_is_given_stop_early() -> None:
    data = table("p_0,p_1", *["1,0"] * 500_000)
    shares: list[float] = []
    refused(data, "at most 12,500 rows of 2 classes", max_bytes=100_000, tick=shares.append)
    assert not shares or shares[-1] < 1
