"""What the documents show runs as it stands, and what they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from uqcore.cli.main import arguments_parser
from uqcore.store import MODELS_VARIABLE

DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
TEXTS = {document.name: document.read_text() for document in DOCUMENTS}


def blocks(language: str, text: str) -> list[str]:
    """The code of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


EXAMPLES = [lines for name, text in TEXTS.items() if name != "README.md" for lines in blocks("python", text)]
"""All but the README's, which names arrays of the reader's own: `tests/tuning/test_arrays.py` runs it with some."""

_CODE = re.compile(r"`([^`]+)`")


def commands(text: str) -> list[str]:
    """What a document tells its reader to type, a line each, without comments."""
    lines = [line for block in blocks("sh", text) for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines += [" ".join(code.split()) for code in _CODE.findall(prose)]
    return [line.split("#")[0].strip() for line in lines]


def said(start: str) -> list[str]:
    """The commands of all documents that begin so, each once."""
    return sorted({line for text in TEXTS.values() for line in commands(text) if re.match(rf"{start}(\s|$)", line)})


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
    assert len(blocks("python", TEXTS["README.md"])) == 1


@pytest.mark.parametrize("command", said("python -m uqcore [a-z]+"))
def test_a_command_is_one_that_there_is(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = re.sub(r" > .*", "", command).split()[3:]
    if len(words) == 1:  # it is named, not typed: `train` needs a task
        with pytest.raises(SystemExit) as end:
            arguments_parser().parse_args([*words, "--help"])
        assert end.value.code == 0
    else:
        assert callable(arguments_parser().parse_args(words).run)


@pytest.mark.parametrize("command", said("make"))
def test_what_make_is_told_is_in_the_makefile(command: str) -> None:
    text = (ROOT / "Makefile").read_text()
    for word in command.split()[1:]:
        name, is_variable, _ = word.partition("=")
        assert f"$({name})" in text if is_variable else f"\n{name}:" in text, name


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
