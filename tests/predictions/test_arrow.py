"""Arrow without pandas in a process of our own, and with it where somebody has a data frame."""

from __future__ import annotations

import subprocess
import sys

from tests import ROOT

PROGRAM = """
import sys
from threading import Thread

import pyarrow as pa
from uqcore.predictions.arrow import leave_out_pandas

array = pa.array
def asked_while_another_thread_shows_a_table(values):
    found = []
    beside = Thread(target=lambda: found.append(__import__("importlib.util").util.find_spec("pandas") is not None))
    beside.start(), beside.join()
    assert found == [True]
    return array(values)
pa.array = asked_while_another_thread_shows_a_table
leave_out_pandas()
pa.array = array

assert pa.array([1, None]).null_count == pa.array(["a", None]).null_count == 1
assert pa.array([0.5]).to_numpy()[0] == pa.scalar(0.5).as_py()
assert "pandas" not in sys.modules

import pandas
table = pa.Table.from_pandas(pandas.DataFrame({"number": [1, float("nan")], "name": ["a", None]}))
assert [column.null_count for column in table.columns] == [1, 1]
assert pa.array(pandas.Series([float("nan")])).null_count == 1
"""


def test_arrow_does_not_load_pandas_and_knows_a_data_frame_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
