"""What the tests of classifiers trained live share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forks import forking, in_a_fork
from uqcore.live import process

_WORKER = "import os, sys; from uqcore.live.worker import main; os._exit(main(*map(int, sys.argv[1:2])))"


@pytest.fixture(scope="session")
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("forks")
    with forking("import uqcore.live.worker", folder, process.LEAN):
        yield in_a_fork(_WORKER, folder)


@pytest.fixture
def forked(_forks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are forks, which begin sooner: where it matters what they do, and not what becomes of them."""
    monkeypatch.setattr(process, "COMMAND", ("-c", _forks))
