"""Text in other encodings than UTF-8, as spreadsheets and PowerShell save it, made UTF-8 before it is read."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, BinaryIO

_BLOCK = 2**20
_CONTROLS = {*range(32)} - {*b"\t\n\v\f\r"}
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@contextmanager
def in_utf8(file: BinaryIO) -> Iterator[tuple[BinaryIO, tuple[str, ...]]]:
    """The file, or a copy of it in UTF-8 on disk, and a note where its encoding was guessed.

    UTF-16 is told by its mark, or by its zeros. What is no UTF-8 is read as Windows-1252, in which Western spreadsheets
    save: numbers are the same in all encodings like it, names with accents may not be. What is no text at all, and
    JSON, which is always UTF-8, stay what they are.
    """
    file.seek(0)
    head = file.read(512)
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if encoding is None and len(head) > 3 and not any(head[1::2]) and all(head[::2]):
        encoding = "utf-16-le"
    is_text = not _CONTROLS & {*head}
    if encoding is None and (head.lstrip().startswith((b"{", b"[")) or not is_text or _is_utf8(file)):
        file.seek(0)
        yield file, ()
        return
    with TemporaryFile() as copy:
        if not _copied(file, copy, encoding or "cp1252"):
            file.seek(0)
            yield file, ()
            return
        copy.seek(0)
        note = "The text is not in UTF-8 and was read as Windows-1252; check names with accents."
        yield copy, () if encoding else (note,)


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _copied(file: BinaryIO, copy: IO[bytes], encoding: str) -> bool:
    """Whether the file could be copied from that encoding into UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while block := file.read(_BLOCK):
            copy.write(decoder.decode(block).encode())
        copy.write(decoder.decode(b"", True).encode())
    except UnicodeError:  # of UTF-16 also half a character
        return False
    return True
