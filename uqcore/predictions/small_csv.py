"""A small table in CSV, a spreadsheet's own too: a matrix of costs, points. It is read whole, its columns are known."""

from __future__ import annotations

from io import BytesIO

from uqcore.predictions.encodings import in_utf8


def text_of(content: bytes) -> str:
    """The text, of an encoding of `in_utf8`, without its mark. UnicodeDecodeError: it is none."""
    with in_utf8(BytesIO(content)) as (file, _):
        return file.read().decode("utf-8-sig")


def separator_of(text: str) -> str:
    """What stands between cells: of comma, semicolon and tab the one that the first line has most of."""
    return max(",;\t", key=text.partition("\n")[0].count)


def number_of(cell: str, separator: str) -> float:
    """Also one with a decimal comma, where that is not what parts the cells. ValueError: it is no number."""
    return float(cell if separator == "," else cell.replace(",", ".", 1))
