"""`read_predictions`: from a file of any kind to `Predictions`, or to one sentence that says why not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO, NamedTuple, TypeVar

from uqcore.predictions.archives import only_table, unpack_member
from uqcore.predictions.assemble import found_in
from uqcore.predictions.encodings import in_utf8
from uqcore.predictions.finding import label_alone, left_out, settled
from uqcore.predictions.from_csv import open_csv
from uqcore.predictions.from_excel import open_excel
from uqcore.predictions.from_json import open_json
from uqcore.predictions.from_npz import npz_heads, read_npy, read_npy_labels, read_npz
from uqcore.predictions.from_parquet import first_cells as cells_of_parquet
from uqcore.predictions.from_parquet import read_parquet
from uqcore.predictions.long_format import one_of
from uqcore.predictions.raw import Column, Found
from uqcore.predictions.record import Predictions
from uqcore.predictions.roles import Asked, NotOpened, Roles, SeveralModels, opening
from uqcore.predictions.rows import Rows, text_column
from uqcore.predictions.table import Opened
from uqcore.predictions.validate import checked
from uqcore.text import reason
from uqcore.types import ShareTick, UqError

MAX_BYTES = 2_000_000_000
"""The most that the arrays of a file may take in memory, unless the caller says otherwise."""

FREE_BYTES = 4_000_000
"""What a packed file may unpack to however small it is, where its growth is bounded."""

Source = Path | bytes | BinaryIO
_T = TypeVar("_T")
_KINDS = "an NPZ, NPY, CSV, Parquet, Feather, Excel or JSON file"
_OF_OFFICE = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/")  # what such an archive begins with
_BLOCK = 2**20

_OTHER_FORMATS = {
    b"\x80": "a Python pickle, which could run code and is never opened; save the arrays with np.savez",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file; save the arrays with np.savez",
    b"\xd0\xcf\x11\xe0": "an old Excel or other Office file; save it as .xlsx or CSV",
    b"\x89PNG": "a picture; choose a file with numbers",
    b"\xff\xd8\xff": "a picture; choose a file with numbers",
    b"GIF8": "a picture; choose a file with numbers",
    b"%PDF": "a PDF; choose a file with numbers",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\xfd7zXZ": "an xz archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive; unpack it first",
    b"FEA1": "a Feather file of version 1; save it with version 2, which is today's",
    b"MATLAB": "a MATLAB file; save the arrays with np.savez",
    b"SQLite": "a SQLite database; save the table as CSV",
    b"<!doctype": "a web page; save the table as CSV",
    b"<html": "a web page; save the table as CSV",
    b"<table": "a web page; save the table as CSV",
    b"<style": "a web page; save the table as CSV",
    b"<div": "a web page; save the table as CSV",
    b"<?xml": "XML; save the table as CSV",
    b"@relation": "an ARFF file; save it as CSV",
    b"\xff\xff\xff\xff": "an Arrow stream; save it as Feather, with pyarrow.feather.write_feather",
}


def read_predictions(
    source: Source,
    name: str,
    *,
    roles: Roles | Asked | None = None,
    labels: Source | None = None,
    model: str | None = None,
    normalize: bool = False,
    max_bytes: int = MAX_BYTES,
    max_growth: int | None = None,
    max_examples: int | None = None,
    tick: Callable[[float], None] = lambda share: None,
) -> Predictions:
    """Read and check a file of predictions; what kind it is, its content tells.

    Tables (CSV, TSV, Parquet, Feather, Excel, JSON, each of the text formats also gzipped): what the columns are is
    found from their names and from what stands in them (`finding`), or said by ``roles``. ``p_0 ... p_{K-1}`` or
    ``logit_0 ...``, ``label`` and ``ood`` are the plain way. NPZ: ``probs`` or ``logits``, ``(N, K)`` or
    ``(S, N, K)``, and optionally ``labels (N,)``, ``ood (N,)``, ``images (N, H, W[, C]) uint8``, ``class_names (K,)``;
    arrays of other names are told by these and by their shapes. NPY: the values alone. Numbers of any type are kept as
    float32.

    Args:
        source: where the file is, its content, or a seekable stream, which stays open.
        name: the file's name, for people.
        roles: `Roles` are taken as they are, but for columns beside the values that the file lacks; what `Asked` says
            is taken and the rest found; None finds all.
        labels: a second file with the true labels of the same examples: NPY, or a table with one column of them.
        model: whose predictions are wanted of a file that has those of several models; `read_models` reads all.
        normalize: divide rows of probabilities by their sums where a sum is too far from 1.
        max_bytes: how much the arrays may take in memory; a file that unpacks to more is refused before it does.
        max_growth: to how many times its size, beyond `FREE_BYTES`, a packed file (gzip, NPZ, Parquet, Feather, Excel)
            may unpack: a stranger's file of some kilobytes then costs no more than some megabytes. None: to any.
        max_examples: how many there may be, for what is computed of each takes memory too. None: any number.
        tick: told the share of the file that has been read, rising to 1.

    Raises:
        NotNormalized: only the sums of the rows are wrong: reading again with ``normalize=True`` would do.
        SeveralModels: there are predictions of several models, and ``model`` is none of them.
        Unclear: the role of a column cannot be told: reading again with it in ``roles`` would do.
        NotOpened: it is no such file, or damaged or too large: no roles would do.
        UqError: anything else is.
    """
    limits = _Limits(max_bytes, max_growth)
    found = _with(source, lambda file: _of_model(file, name, roles, model, limits, tick))
    if labels is not None:
        found = replace(found, labels=_with(labels, lambda file: _labels(file, limits)))
    predictions = checked(found, name, normalize, max_examples)
    tick(1.0)
    return predictions


def _of_model(
    file: BinaryIO, name: str, asked: Roles | Asked | None, model: str | None, limits: _Limits, tick: ShareTick
) -> Found:
    try:
        found = _found(file, name, asked, limits, tick)
    except SeveralModels as several:
        if model not in several.models:
            raise
        found = _found(file, name, several.models[model], limits, tick)
    return found if found.model is None else one_of(found, found.model, model)


def first_cells(
    source: Source, name: str, *, max_bytes: int = MAX_BYTES, max_growth: int | None = None
) -> dict[str, list[str]]:
    """What a person may give roles to: column's name -> its first ten cells as short texts, or array's name -> its
    shape; nothing for an NPY file, which has one array.

    Args:
        source, name, max_bytes, max_growth: as for `read_predictions`.

    Raises:
        UqError: it is no file of a kind that is read, or damaged or too large.
    """
    return _with(source, lambda file: _first_cells(file, name, _Limits(max_bytes, max_growth)))


def _first_cells(file: BinaryIO, name: str, limits: _Limits) -> dict[str, list[str]]:
    file.seek(0)
    head = file.read(2**12)
    if head.startswith(b"\x1f\x8b"):
        with TemporaryFile() as unpacked:
            _unpack(file, unpacked, limits.unpacked(file))
            return _first_cells(unpacked, name, limits.inside)
    if head.startswith(b"\x93NUMPY"):
        return {}
    if _is_archive(head):
        if (table := only_table(file)) is not None:
            with TemporaryFile() as unpacked:
                unpack_member(file, table, unpacked, limits.unpacked(file))
                return _first_cells(unpacked, table, limits.inside)
        return npz_heads(file)
    if head.startswith((b"PAR1", b"PARE", b"ARROW1")):
        return cells_of_parquet(file, limits.unpacked(file))
    with _as_text(file, name) as (text, _):
        return _table(text, name, limits).table.first_cells


class _Limits(NamedTuple):
    """How much the arrays of a file may take, and to how many times its size it may unpack."""

    max_bytes: int
    max_growth: int | None

    def unpacked(self, file: BinaryIO) -> int:
        """The most bytes that the packed ``file`` may unpack to."""
        if self.max_growth is None:
            return self.max_bytes
        return min(self.max_bytes, FREE_BYTES + self.max_growth * file.seek(0, 2))

    @property
    def inside(self) -> _Limits:
        """For what a gzip archive holds, which may not grow once more."""
        return self if self.max_growth is None else self._replace(max_growth=1)


def _with(source: Source, read: Callable[[BinaryIO], _T]) -> _T:
    if not isinstance(source, Path):
        return _unhindered(BytesIO(source) if isinstance(source, bytes) else source, read)
    try:
        opened = source.open("rb")
    except OSError as error:
        raise UqError(f"{source} cannot be read ({error.strerror}); name a file that can.") from error
    with opened:
        return _unhindered(opened, read)


def _unhindered(file: BinaryIO, read: Callable[[BinaryIO], _T]) -> _T:
    """UqError for what the system refuses on the way: several formats need a temporary file, or another process."""
    try:
        return read(file)
    except OSError as error:
        raise UqError(
            f"The file could not be read here ({error.strerror or error}); the disk of the machine, or its folder for "
            f"temporary files, may be full."
        ) from error


def _found(file: BinaryIO, name: str, asked: Roles | Asked | None, limits: _Limits, tick: ShareTick) -> Found:
    """What the file holds, by who can read it, which its first bytes tell."""
    file.seek(0)
    head = file.read(2**12)
    if not head:
        raise NotOpened(f"Expected {_KINDS}. {name} is empty; save it again.")
    if head.startswith(b"\x1f\x8b"):
        with TemporaryFile() as unpacked:
            with opening():
                _unpack(file, unpacked, limits.unpacked(file))
            return _found(unpacked, name, asked, limits.inside, tick)
    if head.startswith(b"\x93NUMPY"):
        return read_npy(file, asked, limits.max_bytes, tick)
    if _is_archive(head):
        if (table := only_table(file)) is not None:
            with TemporaryFile() as unpacked:
                with opening():
                    unpack_member(file, table, unpacked, limits.unpacked(file))
                return _found(unpacked, table, asked, limits.inside, tick)
        return read_npz(file, asked, limits.unpacked(file), tick)
    if head.startswith((b"PAR1", b"PARE", b"ARROW1")):
        return read_parquet(file, asked, limits.unpacked(file), tick)
    with ExitStack() as files:
        with opening():
            text, notes = files.enter_context(_as_text(file, name))
            opened = _table(text, name, limits)
        found = _of_table(opened, asked, limits.max_bytes, tick)
    return replace(found, notes=(*notes, *found.notes))


def _is_archive(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not _is_office(head)


@contextmanager
def _as_text(file: BinaryIO, name: str, wanted: str = _KINDS) -> Iterator[tuple[BinaryIO, tuple[str, ...]]]:
    """`in_utf8`, unless its first bytes are those of another format."""
    file.seek(0)
    head = file.read(2**12)
    for magic, what in _OTHER_FORMATS.items():
        if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(magic.lower()) or head.startswith(magic):
            raise UqError(f"Expected {wanted}. {name} is {what}.")
    with in_utf8(file) as found:
        yield found


def _table(file: BinaryIO, name: str, limits: _Limits) -> Opened:
    file.seek(0)
    head = file.read(2**12)
    if head.startswith(b"PK"):
        return open_excel(file, limits.max_bytes, limits.unpacked(file))
    if b"\0" in head:
        raise UqError(f"Expected {_KINDS}. {name} is none of these; save the arrays with np.savez.")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return open_json(file, limits.max_bytes)
    return open_csv(file)


def _of_table(opened: Opened, asked: Roles | Asked | None, max_bytes: int, tick: ShareTick) -> Found:
    roles = settled(opened.table, asked)
    rows = Rows(roles, max_bytes, opened.n_rows)
    for batch, share in opened.batches(roles.values, roles.columns[len(roles.values) :]):
        rows.add(batch, share)
        tick(share)
    return found_in(rows.found(), roles, left_out(opened.table, roles), opened.notes)


def _labels(file: BinaryIO, limits: _Limits) -> Column:
    """The true labels in a file of their own."""
    file.seek(0)
    head = file.read(2**12)
    if head.startswith(b"\x93NUMPY"):
        return read_npy_labels(file, limits.max_bytes)
    if head.startswith((b"PAR1", b"PARE", b"ARROW1", b"\x1f\x8b")) or (head.startswith(b"PK") and not _is_office(head)):
        raise UqError("Expected labels as an NPY, CSV, Excel or JSON file. Received another kind; save them as CSV.")
    with _as_text(file, "It", "labels as an NPY, CSV, Excel or JSON file") as (text, _):
        opened = _table(text, "the file of labels", limits)
        return text_column(opened, label_alone(opened.table))


def _is_office(head: bytes) -> bool:
    return head.startswith(b"PK") and head[30:].startswith(_OF_OFFICE)


def _unpack(packed: BinaryIO, target: IO[bytes], max_bytes: int) -> None:
    """The content of a gzip archive, on disk; UqError if it is damaged, or larger than all that may be read of it."""
    packed.seek(0)
    left = max_bytes
    try:
        with gzip.open(packed) as stream:
            while block := stream.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise UqError(
                        f"Expected a gzip archive of at most {max_bytes / 1e6:,.0f} MB when unpacked. Received more; "
                        f"unpack it first, or save fewer examples."
                    )
                target.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise UqError(
            f"Expected a whole gzip archive. Received a damaged one ({reason(error)}); save it again."
        ) from error
