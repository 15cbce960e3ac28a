"""Parquet of any numeric type is read; what would break or swamp the server happens in a process that may end."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests import ROOT
from tests.prediction_files import random_probs, read, refused
from uqcore.predictions import from_parquet, parquet_process, read_predictions
from uqcore.predictions.roles import refusal_from
from uqcore.predictions.table import MOST_COLUMNS
from uqcore.types import UqError

HALVES = [0.5, 0.25, 1.0]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded and measured as Linux does it")


def written(columns: dict[str, Any], **options: Any) -> bytes:
    buffer = BytesIO()
    parquet.write_table(pa.table(columns), buffer, **options)
    return buffer.getvalue()


def pair(first: Any, **others: Any) -> bytes:
    """A file with ``first`` as p_0 and what is left to 1 as p_1."""
    return written({"p_0": first, "p_1": pa.array([0.5, 0.75, 0.0]), **others})


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64(), pa.decimal128(5, 3)])
def test_numbers_of_any_type(kind: Any) -> None:
    values = [Decimal(str(value)) for value in HALVES] if pa.types.is_decimal(kind) else np.array(HALVES)
    first = pa.array(values, kind) if pa.types.is_decimal(kind) else pa.array(values).cast(kind)
    assert read(pair(first)).values[0, :, 0].tolist() == HALVES


@pytest.mark.usefixtures("forked")
def test_integers() -> None:
    mine = read(written({"logit_1": pa.array([3, 0]), "logit_0": pa.array([-7, 100], pa.int8())}))
    assert mine.kind == "logits"
    assert mine.values.tolist() == [[[-7, 3], [100, 0]]]


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize(
    "labels",
    [
        pa.array([1, 0, None], pa.int64()),
        pa.array([1, 0, None], pa.uint8()),
        pa.array([1.0, 0.0, None]),
        pa.array(["1", "0", None]),
        pa.array(["1", "0", "1"]).dictionary_encode(),
        pa.array([True, False, None]),
    ],
)
def test_labels_and_ood_of_any_type(labels: Any) -> None:
    for ood in (pa.array([False, False, True]), pa.array([0, 0, 1]), pa.array(["no", "no", "yes"])):
        mine = read(pair(pa.array(HALVES), label=labels, ood=ood))
        assert mine.labels is not None
        assert mine.ood is not None
        assert mine.labels.tolist() == [1, 0, -1]
        assert mine.ood.tolist() == [False, False, True]


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_many_rows_in_many_groups(compression: str) -> None:
    probs = random_probs(150_000, 3)
    columns = {"id": np.arange(150_000), **{f"p_{k}": probs[:, k] for k in (2, 0, 1)}, "label": np.arange(150_000) % 3}
    shares: list[float] = []
    level = 1 if compression == "gzip" else None  # its own takes a second
    data = written(columns, row_group_size=40_000, compression=compression, compression_level=level)
    mine = read(data, tick=shares.append)
    np.testing.assert_array_equal(mine.values[0], probs)
    np.testing.assert_array_equal(mine.labels, np.arange(150_000) % 3)
    assert mine.notes == ("Read 'id' as the id.",)
    assert mine.ids["id"].tolist() == [str(i) for i in range(150_000)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 3


@pytest.mark.usefixtures("forked")
def test_a_path_and_a_stream(tmp_path: Path) -> None:
    data = pair(pa.array(HALVES))
    (tmp_path / "mine.parquet").write_bytes(data)
    stream = BytesIO(data)
    fingerprints = {
        read_predictions(source, "mine").fingerprint for source in (tmp_path / "mine.parquet", stream, stream, data)
    }
    assert len(fingerprints) == 1
    assert not stream.closed


GOOD = pair(pa.array(HALVES))
BAD = {
    "no rows": (written({name: pa.array([], pa.float32()) for name in ("p_0", "p_1")}), "at least one example"),
    "a gap": (written({"p_0": HALVES, "p_2": HALVES}), "none named p_1"),
    "no columns": (written({"a": HALVES}), "such as p_0 and p_1.*Received 'a'; say which"),
    "text": (pair(pa.array(["0.5", "half", "1"])), "numbers in the column 'p_0'. Received 'half' in row 2"),
    "booleans": (pair(pa.array([True, False, True])), "numbers in the column 'p_0'. Received bool"),
    "lists": (pair(pa.array([[0.5], [0.25], [1.0]])), "numbers in the column 'p_0'. Received list"),
    "lists of labels": (pair(pa.array(HALVES), label=pa.array([[0, 1], [1], [1]])), "several classes or none"),
    "lists of marks": (pair(pa.array(HALVES), ood=pa.array([[0], [1], [1]])), "one entry a row in the column 'ood'"),
    "a null": (pair(pa.array([0.5, None, 1.0])), "an empty cell .*for 1 example "),
    "NaN": (pair(pa.array([0.5, 0.25, np.nan])), "NaN.*for 1 example "),
    "half of it": (GOOD[: len(GOOD) // 2], "whole Parquet or Feather file"),
    "its first bytes": (b"PAR1", "whole Parquet or Feather file"),
    "nothing between the marks": (b"PAR1" + bytes(100) + b"PAR1", "whole Parquet or Feather file"),
    "encrypted": (b"PARE" + GOOD[4:-4] + b"PARE", "not encrypted"),
    "a damaged page": (GOOD[:20] + bytes(60) + GOOD[80:], "whole Parquet or Feather file"),
    "long texts": (pair(pa.array(HALVES), label=["a" * 10**6] * 3), "short entries in the column 'label'"),
}  # fmt: skip


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_sentence(name: str, capfd: pytest.CaptureFixture[Any]) -> None:
    refused(*BAD[name])
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def many_rows() -> bytes:
    """40 million rows, which are 320 MB as float32, in a file of less than 1 MB."""
    buffer = BytesIO()
    rows = pa.table({name: np.full(10**6, 0.5, np.float32) for name in ("p_0", "p_1")})
    with parquet.ParquetWriter(buffer, rows.schema, compression="zstd") as writer:
        for _ in range(40):
            writer.write_table(rows)
    return buffer.getvalue()


def varint(number: int, n_bytes: int) -> bytes:
    """As Thrift writes it, made as long as ``n_bytes``."""
    parts = [(2 * number) >> (7 * i) & 127 | 128 for i in range(n_bytes)]
    return bytes([*parts[:-1], parts[-1] & 127])


@pytest.fixture(scope="module")
def one_page() -> bytes:
    """A label of 140 MB, all the same letter, in a file of some kilobytes."""
    columns = {"p_0": [0.5], "p_1": [0.5], "label": ["a" * _PAGE]}
    return written(columns, compression="zstd", use_dictionary=False, write_statistics=False)


_PAGE = 140_000_000


def lying(data: bytes, in_footer: bool, stated: int) -> bytes:
    """The file with other sizes stated, in its footer or else in its pages, than those near `_PAGE`."""
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    parts = [data[:footer], data[footer:]]
    for size in range(_PAGE, _PAGE + 200):
        parts[in_footer] = parts[in_footer].replace(varint(size, 5), varint(stated, 5))
    return b"".join(parts)


def memory_of_refusing(data: bytes, max_bytes: int, tmp_path: Path) -> tuple[str, int, int]:
    """The sentence, and the peak memory in bytes of a process that reads the file and of the one that it starts, which
    takes less than 20 s of a processor."""
    place = tmp_path / "mine.parquet"
    place.write_bytes(data)
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom uqcore.predictions import read_predictions\n"
        "from uqcore.types import UqError\nimport pyarrow\n"
        "try:\n    read_predictions(Path(sys.argv[1]), 'mine', max_bytes=int(sys.argv[2]))\n"
        "except UqError as error:\n    print(error)\n"
        "status = Path('/proc/self/status').read_text()\n"  # ru_maxrss would begin with what pytest held at the fork
        "child = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(status.split('VmHWM:')[1].split()[0], child.ru_maxrss, round(child.ru_utime))\n"
    )
    command = [sys.executable, "-c", script, str(place), str(max_bytes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    sentence, figures = done.stdout.splitlines()
    own, of_child, seconds = map(int, figures.split())
    assert seconds < 20
    return sentence, 1024 * own, 1024 * of_child


@on_linux
def test_rows_that_take_less_than_a_bit_each_are_refused_before_they_unpack(many_rows: bytes, tmp_path: Path) -> None:
    assert len(many_rows) < 10**6
    sentence, own, of_child = memory_of_refusing(many_rows, 2 * 10**9, tmp_path)
    assert "40,000,000 rows of 2 columns, 320 MB when unpacked, in a file of" in sentence
    assert max(own, of_child) < 200_000_000


@on_linux
def test_rows_beyond_the_limit_are_refused_before_they_unpack(tmp_path: Path) -> None:
    probs = random_probs(10**6, 2)
    data = written({"p_0": probs[:, 0], "p_1": probs[:, 1]}, row_group_size=10**5)
    sentence, own, of_child = memory_of_refusing(data, 6 * 10**6, tmp_path)
    assert "at most 750,000 rows of 2 classes. Received 1,000,000" in sentence
    assert max(own, of_child) < 200_000_000


@on_linux
def test_a_table_of_very_many_columns_is_refused_before_each_is_looked_at(tmp_path: Path) -> None:
    """20,001 of them were at work for a minute: the list of all names was made anew for each."""
    data = written({f"p_{k}": [0.5] for k in range(MOST_COLUMNS + 1)})
    sentence, own, of_child = memory_of_refusing(data, 10**8, tmp_path)
    assert "at most 20,000 columns. Received 20,001; save the values as one array" in sentence
    assert max(own, of_child) < 500_000_000


@on_linux
def test_a_page_that_unpacks_to_much_is_refused_before_it_does(one_page: bytes, tmp_path: Path) -> None:
    assert len(one_page) < 100_000
    sentence, own, of_child = memory_of_refusing(one_page, 10**8, tmp_path)
    assert "at most 100 MB. Received 140 MB when unpacked" in sentence
    assert max(own, of_child) < 200_000_000


@on_linux
def test_a_footer_that_lies_costs_only_the_other_process(one_page: bytes, tmp_path: Path) -> None:
    sentence, own, of_child = memory_of_refusing(lying(one_page, True, 1000), 10**8, tmp_path)
    assert "short entries in the column 'label'" in sentence
    assert own < 200_000_000
    assert of_child < 1_000_000_000


@on_linux
def test_a_page_that_claims_gigabytes_is_refused_them(one_page: bytes, tmp_path: Path) -> None:
    data = lying(lying(one_page, True, 1000), False, 2**31 - 1)
    sentence, own, of_child = memory_of_refusing(data, 10**8, tmp_path)
    assert sentence.startswith(
        "Expected a whole Parquet or Feather file that is not encrypted and unpacks to a reasonable size."
    )
    assert max(own, of_child) < 1_000_000_000


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started from now on."""
    found: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return found


def ends_with(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(from_parquet, "PROGRAM", program)


def test_a_process_that_ends_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, "import os; os.abort()")
    refused(GOOD, r"cannot be read \(exit code -6\)")


def test_a_stream_that_ends_early_is_no_shorter_file(monkeypatch: pytest.MonkeyPatch) -> None:
    half = (
        "import os, sys\nfrom uqcore.predictions import parquet_process\nimport pyarrow as pa\n"
        "class Stops:\n"
        "    def __init__(self, target): self.target = target\n"
        "    def write_batch(self, batch):\n"
        "        self.target.write_batch(batch.slice(0, 2)); sys.stdout.flush(); os._exit(0)\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *error): pass\n"
        "new_stream = pa.ipc.new_stream\n"
        "pa.ipc.new_stream = lambda *arguments: Stops(new_stream(*arguments))\n"
        "parquet_process.main(10**6)\n"
    )
    ends_with(monkeypatch, half)
    refused(GOOD, r"cannot be read \(exit code 0\)")


def test_what_is_raised_while_rows_come_leaves_no_process_behind(started: list[subprocess.Popen[bytes]]) -> None:
    class Stop(BaseException):
        pass

    def stop(share: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        read(written({"p_0": np.full(300_000, 0.5), "p_1": np.full(300_000, 0.5)}), tick=stop)
    assert [process.returncode for process in started] != []
    assert all(process.returncode is not None for process in started)


def test_the_process_gives_way_to_the_server(started: list[subprocess.Popen[bytes]]) -> None:
    found: list[int] = []

    def look(share: float) -> None:
        if not found:  # it is gone when the file has been read
            found.append(os.getpriority(os.PRIO_PROCESS, started[-1].pid))

    read(written({"p_0": np.full(100, 0.5), "p_1": np.full(100, 0.5)}), tick=look)
    assert found == [min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)]


def test_a_full_folder_of_temporary_files_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(from_parquet, "TemporaryFile", full)
    with pytest.raises(UqError, match="its folder for temporary files, may be full"):
        read_predictions(pair(HALVES), "mine.parquet")


@on_linux
def test_the_process_has_little_memory() -> None:
    program = (
        "import sys\nfrom uqcore.predictions import parquet_process as process\n"
        "process.stream = lambda max_bytes, asked: bytearray(3 * 2**30)\nsys.exit(process.main(1))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == parquet_process.REFUSED
    said = refusal_from(done.stderr)
    assert type(said) is UqError
    assert str(said).startswith("Expected a whole Parquet or Feather file")
