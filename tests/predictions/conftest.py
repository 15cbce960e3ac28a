"""What the tests of files of predictions share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forks import forking, in_a_fork
from uqcore.predictions import from_parquet

_IMPORTS = """
from uqcore.predictions.arrow import leave_out_pandas
leave_out_pandas()
import pyarrow.compute
import pyarrow.parquet
import uqcore.predictions.parquet_process
"""


@pytest.fixture(scope="session")
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("forks")
    with forking(_IMPORTS, folder, {"ARROW_DEFAULT_MEMORY_POOL": "system"}):
        yield in_a_fork(from_parquet.PROGRAM, folder)


@pytest.fixture
def forked(_forks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet and Feather files are unpacked in forks: the same program, sooner there."""
    monkeypatch.setattr(from_parquet, "PROGRAM", _forks)
