"""Files in the forms that people, spreadsheets and services give them: the same predictions, written in each of them;
or the one sentence that says why not."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.prediction_files import refused
from tests.predictions.test_tools import IDS, NAMES, P2, P3, T3, Y2, Y3, N, csv, holds, of_classes, records
from uqcore.predictions import Unclear, first_cells, read_predictions
from uqcore.predictions.table import MOST_COLUMNS
from uqcore.types import UqError

pytestmark = pytest.mark.usefixtures("forked")
PLAIN = {**of_classes(), "label": T3}
TEXT = csv(PLAIN)
LINES = TEXT.decode().splitlines()
LONG = [{"id": IDS[i], "class": NAMES[k], "prob": P3[i, k], "truth": T3[i]} for i in range(N) for k in range(3)]
ACCENTED = ("Löwe", "Bär", "Maïs")


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def excel(**sheets: list[list[Any]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(buffer)
    return buffer.getvalue()


def spark(kind: int = 1) -> bytes:
    """Vectors as Spark's own type stores them."""
    of = pa.struct([("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())),
                    ("values", pa.list_(pa.float64()))])  # fmt: skip
    cells = [{"type": kind, "size": None, "indices": None, "values": row} for row in P3.tolist()]
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"probability": pa.array(cells, of), "label": Y3.astype(float)}), buffer)
    return buffer.getvalue()


SHEET = [list(PLAIN), *[[*row, text] for row, text in zip(P3.tolist(), T3, strict=True)]]
BY_ID = {name: {"probs": dict(zip(NAMES, row, strict=True)), "label": text}
         for name, row, text in zip(IDS, P3.tolist(), T3, strict=True)}  # fmt: skip


def rows_of(**more: Any) -> list[dict[str, Any]]:
    """Records of a service: what it says of each example, made by functions of its row of probabilities."""
    return [
        {key: make(row) for key, make in more.items()} | {"truth": text}
        for row, text in zip(P3.tolist(), T3, strict=True)
    ]


def by_score(row: list[float]) -> list[int]:
    return np.argsort(row)[::-1].tolist()


FORMS: dict[str, tuple[Callable[[], bytes], tuple[str, ...] | None]] = {
    # Text
    "UTF-16 with a mark": (lambda: TEXT.decode().encode("utf-16"), NAMES),
    "UTF-16, as PowerShell writes it": (lambda: TEXT.decode().encode("utf-16-le"), NAMES),
    "UTF-16 with tabs, Excel's Unicode text": (lambda: csv(PLAIN, "\t").decode().encode("utf-16"), NAMES),
    "Windows-1252": (
        lambda: csv({**of_classes(names=ACCENTED), "label": [ACCENTED[k] for k in Y3]}).decode().encode("cp1252"),
        ACCENTED,
    ),
    "carriage returns": (lambda: TEXT.replace(b"\n", b"\r"), NAMES),
    "a decimal comma and percent signs": (
        lambda: csv(
            {name: [f"{100 * p:.4f} %".replace(".", ",") for p in ps] for name, ps in of_classes().items()}
            | {"label": T3},
            ";",
        ),
        NAMES,
    ),
    "ids with a comma between thousands": (
        lambda: csv({"customer": [f"{1000 + i:,}" for i in range(N)], **PLAIN}),
        NAMES,
    ),
    "vertical lines": (lambda: csv(PLAIN, "|"), NAMES),
    "blanks": (lambda: csv(PLAIN, " "), NAMES),
    "sep=;": (lambda: b"sep=;\n" + csv(PLAIN, ";"), NAMES),
    "comments above": (lambda: b"# model: resnet\n# seed: 0\n" + TEXT, NAMES),
    "a title above": (lambda: b"Predictions of run 5\n" + TEXT, NAMES),
    "a title above, as a spreadsheet saves it": (lambda: b"Predictions of run 5,,,\n" + TEXT, NAMES),
    "names of R's rows": (
        lambda: "\n".join([LINES[0], *(f'"{i + 1}",{line}' for i, line in enumerate(LINES[1:]))]).encode(),
        NAMES,
    ),
    "R's write.table": (
        lambda: (
            csv(PLAIN, " ").replace(b"\n", b"\nr", N).replace(b"\nr", b'\n"r" ')
            and "\n".join(
                [LINES[0].replace(",", " "), *(f'"{i}" {line.replace(",", " ")}' for i, line in enumerate(LINES[1:]))]
            ).encode()
        ),
        NAMES,
    ),
    "columns of two levels": (
        lambda: "\n".join(["prob,prob,prob,label", "cat,dog,emu,", *LINES[1:]]).encode(),
        NAMES,
    ),
    "columns of two levels and an index": (
        lambda: "\n".join(
            [",prob,prob,prob,label", ",cat,dog,emu,", ",,,,", *(f"{i},{line}" for i, line in enumerate(LINES[1:]))]
        ).encode(),
        NAMES,
    ),
    "a comma at the end of rows": (lambda: "\n".join([LINES[0], *(f"{line}," for line in LINES[1:])]).encode(), NAMES),
    "empty rows at the end": (lambda: TEXT + b",,,\n,,,\n\n", NAMES),
    "no names, the label last": (
        lambda: (
            csv({"a": [], **{}})
            and "\n".join(f"{a},{b},{c},{y}" for (a, b, c), y in zip(P3.tolist(), Y3, strict=True)).encode()
        ),
        None,
    ),
    "np.savetxt": (
        lambda: "\n".join(" ".join(f"{p:.18e}" for p in [*row, y]) for row, y in zip(P3, Y3, strict=True)).encode(),
        None,
    ),
    "np.savetxt with a header": (
        lambda: (
            b"# p_0 p_1 p_2 label\n"
            + "\n".join(" ".join(f"{p:.18e}" for p in [*row, y]) for row, y in zip(P3, Y3, strict=True)).encode()
        ),
        None,
    ),
    # Names
    "Pr(Y=cat)": (lambda: csv({**of_classes("Pr(Y=", ")"), "y": T3}), NAMES),
    "p(cat|x)": (lambda: csv({**of_classes("p(", "|x)"), "y": T3}), NAMES),
    "Probability of cat": (lambda: csv({**of_classes("Probability of "), "y": T3}), NAMES),
    "classcat": (lambda: csv({**of_classes("class"), "y": T3}), NAMES),
    # Vectors in cells
    "NumPy's repr": (lambda: csv({"p": [f"array({row}, dtype=float32)" for row in P3.tolist()], "y": Y3}), None),
    "PyTorch's repr": (lambda: csv({"p": [f"tensor({row}, device='cuda:0')" for row in P3.tolist()], "y": Y3}), None),
    "PostgreSQL": (lambda: csv({"p": [f"{{{','.join(map(str, row))}}}" for row in P3.tolist()], "y": Y3}), None),
    "numbers with vertical lines": (lambda: csv({"p": ["|".join(map(str, r)) for r in P3.tolist()], "y": Y3}), None),
    "numbers with blanks": (lambda: csv({"p": [" ".join(map(str, r)) for r in P3.tolist()], "y": Y3}), None),
    "Spark's own vectors": (spark, None),
    # A row for every example and class
    "a row for every class": (lambda: csv(columns(LONG)), NAMES),
    "as tidymodels has it": (
        lambda: csv(
            columns([{".row": r["id"], ".class": r["class"], ".prob": r["prob"], "truth": r["truth"]} for r in LONG])
        ),
        NAMES,
    ),
    "as pandas melts it": (
        lambda: csv(
            columns([{"id": r["id"], "truth": r["truth"], "variable": r["class"], "value": r["prob"]} for r in LONG])
        ),
        NAMES,
    ),
    "a mark at the true class": (
        lambda: csv(
            columns(
                [
                    {
                        "image": r["id"],
                        "label": r["class"],
                        "score": r["prob"],
                        "is_true": int(r["class"] == r["truth"]),
                    }
                    for r in LONG
                ]
            )
        ),
        NAMES,
    ),
    "a row for every class, JSON": (lambda: json.dumps(LONG).encode(), NAMES),
    # JSON
    "JSON by index": (lambda: json.dumps({f"{i}": row for i, row in enumerate(records(PLAIN))}).encode(), NAMES),
    "JSON by id": (lambda: json.dumps(BY_ID).encode(), NAMES),
    "JSON of a table": (
        lambda: json.dumps({"schema": {"fields": [{"name": "cat"}]}, "data": records(PLAIN)}).encode(),
        NAMES,
    ),
    "JSON with a model's name": (lambda: json.dumps({"model": "m", "predictions": records(PLAIN)}).encode(), NAMES),
    "JSON of arrays and classes": (
        lambda: json.dumps({"y_true": Y3.tolist(), "y_prob": P3.tolist(), "classes": NAMES}).encode(),
        NAMES,
    ),
    "JSON lines of a service": (
        lambda: "\n".join(
            map(json.dumps, rows_of(SageMakerOutput=lambda row: {"probabilities": row, "labels": NAMES}))
        ).encode(),
        NAMES,
    ),
    "Hugging Face, zero-shot": (
        lambda: json.dumps(
            rows_of(
                labels=lambda row: [NAMES[k] for k in by_score(row)], scores=lambda row: [row[k] for k in by_score(row)]
            )
        ).encode(),
        NAMES,
    ),
    # Packed, and Excel
    "zip": (lambda: zipped({"run/predictions.csv": TEXT}), NAMES),
    "zip from a Mac": (lambda: zipped({"mine.csv": TEXT, "__MACOSX/._mine.csv": b"\0"}), NAMES),
    "gzip of UTF-16": (lambda: gzip.compress(TEXT.decode().encode("utf-16")), NAMES),
    "NPY, the label in the last column": (lambda: npy(np.column_stack([P3, Y3])), None),
    "NPY, the label in the first column": (lambda: npy(np.column_stack([Y3, P3])), None),
    "Excel, the second sheet": (lambda: excel(About=[["Predictions"], ["of ours"]], Data=SHEET), NAMES),
    "Excel, a title above": (lambda: excel(Data=[["Predictions 2026"], [], *SHEET]), NAMES),
    "Excel, columns of two levels": (
        lambda: excel(Data=[["prob", None, None, "label"], [*NAMES, None], *SHEET[1:]]),
        NAMES,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_predictions_in_every_form(form: str) -> None:
    make, names = FORMS[form]
    data = make()
    holds(read_predictions(data, "mine"), P3, Y3, names)
    first_cells(data, "mine")


def test_percentages_without_decimals_are_a_score() -> None:
    whole = (100 * P2[:, 1]).round()
    mine = read_predictions(csv({"score": whole.astype(int), "label": Y2}), "mine")
    np.testing.assert_allclose(mine.values[0, :, 1], whole / 100, atol=1e-6)


def test_what_was_guessed_is_noted() -> None:
    for form, note in (
        ("Windows-1252", "read as Windows-1252"),
        ("a title above", "Above the names of the columns stands 'Predictions of run 5'"),
        ("columns of two levels", "two rows, which were joined"),
        ("names of R's rows", "the row's own name"),
        ("empty rows at the end", "Rows at the end in which nothing stands were left out: 2."),
        ("a row for every class", "a row for every example and class"),
        ("NPY, the label in the last column", "The last column, of whole numbers beside rows that sum to 1"),
    ):
        assert note in " ".join(read_predictions(FORMS[form][0](), "mine").notes)


def test_a_first_example_is_no_second_row_of_names() -> None:
    sure = P3.copy()
    sure[0] = [0, 1, 0]
    text = csv({**of_classes(probs=sure), "label": T3})
    mine = read_predictions(text, "mine")
    assert len(mine) == N
    np.testing.assert_allclose(mine.values[0], sure, atol=1e-6)


def test_ids_of_examples_in_long_format_come_back_in_their_order() -> None:
    order = np.random.default_rng(0).permutation(len(LONG))
    mine = read_predictions(csv(columns([LONG[i] for i in order])), "mine")
    ids = mine.ids["id"].tolist()
    assert sorted(ids) == sorted(IDS)
    np.testing.assert_allclose(mine.values[0], P3[[IDS.index(name) for name in ids]], atol=1e-6)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a class missing": (lambda: csv(columns(LONG[:-1])), "one row for each of the classes 'cat', 'dog', 'emu'"),
    "two true classes": (
        lambda: csv(
            columns(
                [
                    {"id": r["id"], "class": r["class"], "prob": r["prob"], "is_true": int(i % 3 > 0)}
                    for i, r in enumerate(LONG)
                ]
            )
        ),
        "one row marked as the true class",
    ),
    "shortened by NumPy": (
        lambda: csv({"probs": [str(np.full(2000, 1 / 2000))] * 9, "label": range(9)}),
        "in which NumPy wrote '...'",
    ),
    "sparse vectors": (
        lambda: spark(0),
        "Received sparse ones; make them dense",
    ),
    "a web page": (lambda: b"<!DOCTYPE html><table>", "is a web page; save the table as CSV"),
    "ARFF": (lambda: b"@RELATION pets\n@DATA\n", "is an ARFF file"),
    "an Arrow stream": (lambda: b"\xff\xff\xff\xff\x10\0\0\0", "is an Arrow stream; save it as Feather"),
    "two tables in a zip": (
        lambda: zipped({"a.csv": TEXT, "b.csv": TEXT}),
        "an archive of 'a.csv', 'b.csv'; unpack one",
    ),
    "a Keras model": (
        lambda: zipped({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b""}),
        "Received a Keras model; make predictions",
    ),
    "a PyTorch file": (
        lambda: zipped({"archive/data.pkl": pickle.dumps({}), "archive/version": b"3"}),
        "a PyTorch file",
    ),
    "a pickle": (lambda: pickle.dumps(PLAIN), "is a Python pickle, which could run code"),
    "a dictionary in NPY": (
        lambda: npy(np.array({"probs": 1}, object)),
        "an object array, which is stored as a pickle",
    ),
    "fields in NPY": (
        lambda: npy(np.zeros(3, [("cat", float), ("dog", float)])),
        "an array with the fields 'cat', 'dog'; save it as a table",
    ),
    "no names, labels of text": (
        lambda: "\n".join(LINES[1:]).encode(),
        "does not tell which column is of which class; name the classes in the order of the columns",
    ),
    "notes below": (lambda: TEXT + b"Source: us,,,\n", "Received 'Source: us' in row 61 of the data"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_cannot_be_read_is_one_sentence(form: str) -> None:
    make, message = REFUSED[form]
    with pytest.raises(UqError, match=message) as refused:
        read_predictions(make(), "mine")
    assert "\n" not in str(refused.value)
    if form == "no names, labels of text":
        assert isinstance(refused.value, Unclear)
        assert refused.value.role == "classes"


@pytest.mark.parametrize("kind", ["csv", "json"])  # Parquet: `test_from_parquet`
def test_a_table_of_very_many_columns_is_refused_before_each_is_looked_at(kind: str) -> None:
    """100,000 of them were at work for minutes."""
    names = [f"p_{k}" for k in range(MOST_COLUMNS + 1)]
    if kind == "json":
        data = json.dumps([dict.fromkeys(names, 0.5)]).encode()
    else:
        data = "\n".join([",".join(names), ",".join(["0.5"] * len(names))]).encode()
    refused(data, "at most 20,000 columns. Received 20,001; save the values as one array")
