"""Content tells the kind of a file, whatever its name; what is none of the three is named, and never opened."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from tests.prediction_files import PROBS, npz, read, refused
from uqcore.predictions import NotOpened, Roles, Unclear, example_file, first_cells, read_predictions
from uqcore.predictions.examples import FileKind
from uqcore.types import UqError

pytestmark = pytest.mark.usefixtures("forked")


def npy() -> bytes:
    buffer = BytesIO()
    np.save(buffer, PROBS)
    return buffer.getvalue()


def picture(form: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, form)
    return buffer.getvalue()


CSV = b"p_0,p_1\n0.5,0.5\n"
OTHER = {
    "nothing": (b"", "mine.dat is empty"),
    "a pickle": (b"\x80\x04\x95", "a Python pickle, which could run code and is never opened"),
    "an old pickle": (b"cos\nsystem\n(S'true'\ntR.", "such as p_0 and p_1"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or other Office file; save it as .xlsx or CSV"),
    "PNG": (picture("PNG"), "a picture"),
    "JPEG": (picture("JPEG"), "a picture"),
    "GIF": (picture("GIF"), "a picture"),
    "BMP": (picture("BMP"), "none of these"),
    "half a gzip archive": (gzip.compress(CSV)[:-9], "a whole gzip archive"),
    "JSON of something else": (b'{"probs": 3, "more": [1]}', "Received 'more'; say which"),
    "half of JSON": (b'[{"p_0": 0.5, ', "Expected JSON. Received text that is not"),
    "a list of numbers": (b"[1, 2]", "records, or rows of equal length"),
    "an old Feather file": (b"FEA1" + bytes(40), "a Feather file of version 1"),
    "half a Feather file": (b"ARROW1\0\0", "a whole Parquet or Feather file"),
    "half an array": (npy()[:-5], "a whole NPY file"),
    "xz": (lzma.compress(CSV), "an xz archive; unpack it first"),
    "UTF-16 that is cut": (CSV.decode().encode("utf-16")[:-1], "none of these"),
    "binary": (bytes(range(256)), "none of these"),
    "MATLAB": (b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file"),
    "SQLite": (b"SQLite format 3\0", "a SQLite database"),
    "PDF": (b"%PDF-1.7", "a PDF"),
}


@pytest.mark.parametrize("name", OTHER)
def test_another_kind_of_file_is_named(name: str) -> None:
    refused(*OTHER[name])


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
@pytest.mark.parametrize("name", ["mine.npz", "mine.csv", "mine.parquet", "mine"])
def test_content_tells_the_kind(kind: FileKind, name: str) -> None:
    predictions = read_predictions(example_file(kind), name)
    assert len(predictions) == 300
    assert predictions.name == name


def test_a_path(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(CSV)
    assert len(read_predictions(tmp_path / "mine.csv", "mine.csv")) == 1
    with pytest.raises(UqError, match=r"none\.csv cannot be read \(No such file"):
        read_predictions(tmp_path / "none.csv", "none.csv")
    with pytest.raises(UqError, match="cannot be read"):
        read_predictions(tmp_path, "folder")


def test_the_last_tick_is_one() -> None:
    for data in (CSV, npz(probs=PROBS), example_file("parquet")):
        shares: list[float] = []
        read(data, tick=shares.append)
        assert shares[-1] == 1


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet", "json", "npz"])
def test_a_person_sees_what_roles_could_be_given_to(form: str) -> None:
    columns = {"id": ["a", "b"], "x": [0.25, 1.0], "y": [0.75, 0.0], "vector": ["[1, 2]", "[3, 4]"]}
    if form == "npz":
        assert first_cells(npz(probs=PROBS, names=np.array(["a"])), "mine") == {
            "probs": ["(4, 3) numbers"],
            "names": ["(1,) text"],
        }
        assert first_cells(npy(), "mine") == {}
        return
    buffer = BytesIO()
    if form == "parquet":
        parquet.write_table(pa.table(columns), buffer)
    elif form == "json":
        buffer.write(json.dumps(columns).encode())
    else:
        arrow_csv.write_csv(pa.table(columns), buffer)
    data = gzip.compress(buffer.getvalue()) if form == "csv.gz" else buffer.getvalue()
    seen = first_cells(data, "mine")
    assert list(seen) == list(columns)
    assert seen["id"] == ["a", "b"]
    assert [float(cell) for cell in seen["x"]] == [0.25, 1]
    assert seen["vector"] == ["[1, 2]", "[3, 4]"]
    with pytest.raises(UqError):
        first_cells(b"PAR1", "mine")


CLOSED = {
    "empty": b"",
    "picture": b"\x89PNG\r\n\x1a\n",
    "bytes": bytes(range(256)),
    "gzip": gzip.compress(b"p_0,p_1\n0.5,0.5\n" * 100)[:-9],
    "json": b'{"probs": [',
    "holes": json.dumps([{f"p_{i}": 0.5} for i in range(1100)]).encode(),
    "parquet": b"PAR1" + bytes(99),
    "feather": b"ARROW1" + bytes(99),
}


@pytest.mark.parametrize("data", CLOSED.values(), ids=CLOSED.keys())
def test_in_what_cannot_be_opened_nothing_can_be_given_a_role(data: bytes) -> None:
    with pytest.raises(NotOpened):
        read_predictions(data, "mine")
    with pytest.raises(UqError):
        first_cells(data, "mine")


def test_what_can_be_opened_is_not_refused_as_what_cannot() -> None:
    buffer = BytesIO()
    parquet.write_table(pa.table({"x": ["a", "b"], "y": ["c", "d"]}), buffer)
    for data in (buffer.getvalue(), gzip.compress(b"x,y\na,c\nb,d\n"), npz(names=np.array(["a"]))):
        with pytest.raises(UqError) as refused:
            read_predictions(data, "mine")
        assert not isinstance(refused.value, NotOpened)
        assert first_cells(data, "mine")


def test_roles_said_by_a_person_hold_in_every_format() -> None:
    roles = Roles("probs", ("x", "y"), ("no", "yes"), ids=("id",))
    columns = {"id": ["a", "b"], "x": [0.25, 1.0], "y": [0.75, 0.0], "z": [0.5, 0.5], "label": ["yes", "no"]}
    buffer = BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    for data in (json.dumps(columns).encode(), buffer.getvalue()):
        mine = read(data, roles=roles)
        assert (mine.class_names, mine.labels) == (("no", "yes"), None)
        assert mine.roles == roles
        assert mine.left_out == ("z", "label")
        assert read(data, roles=replace(roles, label="label")).labels is not None
        with pytest.raises(Unclear, match="Expected the column 'q'"):
            read(data, roles=replace(roles, values=("q",)))


def test_a_second_file_of_labels() -> None:
    values = b"p_0,p_1\n.25,.75\n1,0\n"
    for labels in (b"y\n1\n0\n", b",y_test\n7,1\n3,0\n", b"id,other,label\na,x,1\nb,y,0\n", b'{"y": [1, 0]}'):
        mine = read(values, labels=labels)
        assert mine.labels is not None
        assert mine.labels.tolist() == [1, 0]
    refused(values, "as many labels as predictions. Received 1 labels and 2 predictions", labels=b"y\n1\n")
    refused(values, "one column of labels, or one named label. Received 'a', 'b'", labels=b"a,b\nx,1\ny,0\n")


def test_a_gzip_archive_is_bounded() -> None:
    bomb = gzip.compress(b"p_0,p_1\n" + b"0.5,0.5\n" * 200_000)
    refused(bomb, "a gzip archive of at most 1 MB when unpacked. Received more", max_bytes=10**6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "p_0,p_1,weight\n" + ".5,.5,1\n" * 2000 + ".5,.5,-1\n",
            "weights of 0 or more. Received others, or none, for 1 ex",
        ),
        (
            "p_0,p_1,weight\n" + ".5,.5,1\n" * 2000 + ".5,.5,x\n",
            "numbers in the column 'weight'. Received 'x' in row 2,001",
        ),
        (
            "cat,dog,one,two\n.5,.5,cat,dog\n.2,.8,dog,cat\n.3,.7,cat,dog\n",
            "one column of true labels. Received several",
        ),
    ],
)
def test_extras_that_do_not_fit_are_one_sentence(data: str, message: str) -> None:
    refused(data.encode(), message)


# What strangers send


def ones_and_zeros() -> bytes:
    buffer = BytesIO()
    np.savez_compressed(buffer, probs=np.tile(np.array([1, 0], np.float32), (10**7, 1)))
    return buffer.getvalue()


def gzipped(times: int) -> bytes:
    data = b"a,b,label\n" + b"1,0,a\n" * 3_000_000
    for _ in range(times):
        data = gzip.compress(data)
    return data


def long_parquet() -> bytes:
    buffer = BytesIO()
    ones = np.ones(2 * 10**6, np.float32)
    parquet.write_table(pa.table({"p_0": ones, "p_1": 1 - ones}), buffer, use_dictionary=True)
    return buffer.getvalue()


@pytest.mark.parametrize("make", [ones_and_zeros, lambda: gzipped(1), lambda: gzipped(2), long_parquet])
def test_a_packed_file_grows_as_far_as_it_may(make: Callable[[], bytes]) -> None:
    data = make()
    assert len(data) < 150_000
    refused(data, r"Expected (arrays|a gzip archive|at most .* rows|groups of rows)", max_growth=10)


def test_records_with_names_of_their_own_are_no_table() -> None:
    data = json.dumps([{f"a{i}": 1} for i in range(20_000)]).encode()
    refused(data, r"Expected records with the same names. Received \d\d different ones or more in 20,000 records")
    by_index = json.dumps({f"a{i}": {f"{i}": 1} for i in range(20_000)}).encode()
    refused(by_index, "Expected records with the same names")


def test_a_sheet_with_a_few_long_rows_is_no_table() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book, buffer = openpyxl.Workbook(write_only=True), BytesIO()
    sheet = book.create_sheet()
    sheet.append([*range(16_000)])
    for _ in range(20_000):
        sheet.append([1])
    book.save(buffer)
    refused(buffer.getvalue(), "rows of about the same length")
