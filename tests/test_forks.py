"""A program in a fork is what it is in a process that was started for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forks import forking, in_a_fork


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("forks")
    with forking("import json", place, {}):
        yield place


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit(7)", 7), ("sys.exit()", 0), ("sys.exit('why')", 1), ("os.abort()", -6), ("os._exit(9)", 9)],
)
def test_it_has_its_arguments_folder_variables_and_descriptors_and_its_end(
    end: str, code: int, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "more").write_text("of a descriptor")
    program = (
        "import os, sys\nprint(sys.argv, os.getcwd(), os.environ['MINE'], sys.stdin.read(), __name__)\n"
        f"print(os.fdopen(int(sys.argv[1])).read(), flush=True)\nprint('said', file=sys.stderr)\n{end}"
    )
    seen = []
    for text in (program, in_a_fork(program, folder)):
        with open(tmp_path / "more") as more:
            done = subprocess.run(
                [sys.executable, "-c", text, str(more.fileno()), "-x"],
                cwd=tmp_path,
                env=os.environ | {"MINE": "its own"},
                input="told",
                capture_output=True,
                text=True,
                pass_fds=[more.fileno()],
                check=False,
            )
        seen.append((done.returncode, done.stdout, done.stderr))
    assert seen[0] == seen[1]
    assert seen[0][0] == code
    assert "told" in seen[0][1]


def test_what_one_changes_another_does_not_see(folder: Path) -> None:
    program = "import json\nprint(getattr(json, 'changed', None))\njson.changed = True"
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", in_a_fork(program, folder)], capture_output=True, check=True)
        assert done.stdout == b"None\n"
