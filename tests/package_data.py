"""The data that travel with the package: all files of it that are neither code nor words about it."""

from __future__ import annotations

from pathlib import Path

from tests import ROOT

_CODE, _WORDS = (".py", ".pyc"), ("README.md", "py.typed", "LICENSE")
RESULTS = "results.json"
"""Holds its own checksum; the others have theirs beside them."""


def data_files(root: Path = ROOT) -> list[Path]:
    """Of the copy of the repository in ``root``, with the lists of checksums."""
    there = (path for path in sorted((root / "uqcore").rglob("*")) if path.is_file())
    return [path for path in there if path.suffix not in _CODE and not path.name.startswith(_WORDS)]
