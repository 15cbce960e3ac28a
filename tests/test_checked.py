"""Data of the package: what is written is whole, any bit that changes is named, and no file stands there unchecked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.package_data import RESULTS, data_files
from uqcore import checked
from uqcore.datasets.bundled import ImageArchive
from uqcore.types import UqError

SUMS = "SHA256SUMS"


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two files with their lines."""
    paths = [tmp_path / "a.npy", tmp_path / "b.csv"]
    for path in paths:
        checked.write(path, b"before")
        checked.write(path, path.name.encode())
    return paths


def test_what_is_written_is_whole_and_has_one_line(two: list[Path]) -> None:
    for path in two:
        checked.check(path)
    lines = (two[0].parent / SUMS).read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == ["a.npy", "b.csv"]


def test_the_files_that_have_a_line_are_listed(two: list[Path], tmp_path: Path) -> None:
    assert checked.listed(tmp_path) == two
    sums = tmp_path / SUMS
    sums.write_bytes(sums.read_bytes() + b"no line\n" + b"0" * 64 + b"  ../b.csv\n")
    assert checked.listed(tmp_path) == two
    sums.unlink()
    assert checked.listed(tmp_path) == []


def test_every_bit_of_the_files_and_of_their_list_counts(two: list[Path]) -> None:
    for path in (*two, two[0].parent / SUMS):
        whole = path.read_bytes()
        for i in range(8 * len(whole)):
            flipped = bytearray(whole)
            flipped[i // 8] ^= 1 << i % 8
            path.write_bytes(flipped)
            said = []
            for each in two:
                try:
                    checked.check(each)
                except UqError as error:
                    said.append(str(error))
            assert said, f"bit {i} of {path.name}"
        path.write_bytes(whole)


def test_the_end_of_a_line_that_is_damaged_is_a_sentence_of_an_archive_too(two: list[Path]) -> None:
    """A byte that is no ASCII, or an end of a line that only `splitlines` takes for one."""
    sums = two[0].parent / SUMS
    whole = sums.read_bytes()
    for end in (b"\x8a", b"\x0b"):
        sums.write_bytes(whole.replace(b"\n", end, 1))
        with pytest.raises(UqError, match=r"a\.npy is damaged"):
            _ = ImageArchive(two[0], "a copy", "digit", ()).x_test


def test_every_data_file_of_the_package_is_checked() -> None:
    files = data_files()
    assert {path.name for path in files} >= {"mnist.npz", "front_page.npy", "breast_cancer.csv", RESULTS, SUMS}
    for path in files:
        if path.name not in (RESULTS, SUMS):
            checked.check(path)
