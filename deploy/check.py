"""Whether what is installed is enough: every page runs, and a file of each kind that needs a library is read."""

import io
from pathlib import Path

import openpyxl
import pyarrow as pa
from pyarrow import feather, parquet
from streamlit.testing.v1 import AppTest

from uqcore.predictions import read_predictions

COLUMNS = {"p_0": [0.1, 0.7, 0.2] * 30, "p_1": [0.9, 0.3, 0.8] * 30, "label": [1, 0, 1] * 30}

app = AppTest.from_file("app.py", default_timeout=120).run()
for page in ["app.py", *sorted(map(str, Path("pages").glob("*.py")))]:
    exceptions = app.switch_page(page).run().exception
    assert not exceptions, (page, exceptions)

excel = openpyxl.Workbook()
for row in (COLUMNS, *zip(*COLUMNS.values(), strict=True)):
    excel.active.append([*row])
for write in (
    lambda target: parquet.write_table(pa.table(COLUMNS), target),
    lambda target: feather.write_feather(pa.table(COLUMNS), target),
    excel.save,
):
    buffer = io.BytesIO()
    write(buffer)
    assert read_predictions(buffer.getvalue(), "file").values.shape == (1, 90, 2)
print("every page runs, every file is read")
