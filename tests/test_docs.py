"""What the documents show runs as it stands, and what they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from uqcore.store import MODELS_VARIABLE

DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "examples.md").read_text(), re.DOTALL | re.MULTILINE)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("lines", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs_in_an_empty_folder(lines: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), MODELS_VARIABLE: str(ROOT / "cached_models"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_a_document_names_are_there(document: Path) -> None:
    text = document.read_text()
    named = set(re.findall(r"`((?:uqcore|ui|pages|tests|docs)/[\w/.]*)`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    missing = {name for name in named if not ((ROOT / name).exists() or (document.parent / name).exists())}
    assert not missing
