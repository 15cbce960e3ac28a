"""NPZ and NPY files, read by hand: nothing is unpickled, nothing is unpacked before its size is known to be reasonable.

`numpy.load` allocates what a header claims and unpacks a member whole. Here the directory of the zip is bounded first,
then each array's header is held against its member's size and all of them against a budget, and the contents are
inflated a few megabytes at a time straight into the array that is kept.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from uqcore.predictions.archives import BLOCK, check_directory, check_size, damage_told
from uqcore.predictions.finding import said
from uqcore.predictions.finding_arrays import ArrayHead, class_names_array, settled_arrays
from uqcore.predictions.finding_kinds import kind_and_sums, kind_of_rows
from uqcore.predictions.labels import texts_of
from uqcore.predictions.raw import Found, listed
from uqcore.predictions.roles import Asked, Roles, ValueKind
from uqcore.types import ShareTick, UqError

_NUMBERS, _NAMES, _BYTES = ("fiu", "numbers"), ("US", "text"), ("u", "8-bit unsigned numbers (uint8)")
_ANY = ("fiubUS", "whole numbers or text")
# What each part is made of; those of the second half have no other name.
_PARTS = {
    "values": _NUMBERS,
    "labels": _ANY,
    "ids": _ANY,
    "group": _ANY,
    "weight": _NUMBERS,
    "time": _ANY,
    "ood": ("bfiuUS", "booleans"),
    "images": _BYTES,
    "class_names": _NAMES,
    "mean_logits": _NUMBERS,
    "variance": _NUMBERS,
    "mean_field_factor": _NUMBERS,
    "score": _NUMBERS,
}
_EXACT = ("images", "mean_logits", "variance", "mean_field_factor", "score")
_FLOAT32 = frozenset(("values", "mean_logits", "variance", "score"))  # converted as they are read
_LOOKED_AT = 1000  # rows, to see what they are
_MOST_PIXELS = 2**24
_MOST_MEMBERS = 1000  # whose headers are read to find out what they are

_UNKNOWN = ArrayHead((), "?")
_ALONE = "the array"  # of an NPY file


class _Array(NamedTuple):
    """An array in the archive as its header describes it, which its size has been held against.

    ``part`` is what it is read as, one of `_PARTS`.
    """

    part: str
    name: str
    member: zipfile.ZipInfo
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    header_size: int

    @property
    def n_bytes(self) -> int:
        """Of memory, once it is read."""
        return math.prod(self.shape) * (4 if self.part in _FLOAT32 else self.dtype.itemsize)


def read_npz(file: BinaryIO, asked: Roles | Asked | None, max_bytes: int, tick: ShareTick) -> Found:
    """The arrays of an NPZ file that mean something here, unpacked into at most about ``max_bytes``.

    Raises:
        Unclear: which array the values are cannot be told.
        UqError: the file is damaged, encrypted or too large, or an array in it is not what its name says.
    """
    with damage_told("NPZ"):
        check_directory(file, "an NPZ file with a handful of arrays")
        with zipfile.ZipFile(file) as archive:
            return _read(archive, asked, max_bytes, tick)


def npz_heads(file: BinaryIO) -> dict[str, list[str]]:
    """Array's name -> what it is, such as ``"(100, 3) numbers"``. UqError: the file is damaged."""
    with damage_told("NPZ"):
        check_directory(file, "an NPZ file with a handful of arrays")
        with zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            words = {"U": "text", "S": "text", "b": "booleans"}
            return {n: [f"{a.shape} {words.get(a.kind, 'numbers')}"] for n, a in _shapes(archive, names).items()}


def read_npy(file: BinaryIO, asked: Roles | Asked | None, max_bytes: int, tick: ShareTick) -> Found:
    """The values alone, as `numpy.save` writes them. UqError: the file is damaged or too large, or holds no numbers."""
    values, labels, note = _without_labels(_npy(file, "values", max_bytes, tick))
    classes = None if asked is None or asked.classes is None else np.array(asked.classes)
    kind = (None if asked is None else asked.kind) or kind_of(values, "")
    words = {"probs": "probabilities", "percent": "percentages", "scores": "scores", "logits": "logits"}[kind]
    return Found(kind, values, labels=labels, class_names=classes, notes=(f"The numbers were read as {words}.", *note))


def _without_labels(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...]]:
    """``(N, K + 1)`` whose first or last column is of whole numbers, and whose others sum to 1, in these two parts."""
    if values.ndim != 2 or values.shape[1] < 3 or kind_and_sums(values[:_LOOKED_AT].astype(np.float64), "")[1]:
        return values, None, ()
    for place, name, rest in ((-1, "last", values[:, :-1]), (0, "first", values[:, 1:])):
        labels = values[:, place]
        if kind_and_sums(rest[:_LOOKED_AT].astype(np.float64), "")[1] and (labels == np.floor(labels)).all():
            note = f"The {name} column, of whole numbers beside rows that sum to 1, was read as the label."
            return np.ascontiguousarray(rest), labels, (note,)
    return values, None, ()


def read_npy_labels(file: BinaryIO, max_bytes: int) -> NDArray[Any]:
    """True labels as `numpy.save` writes them. UqError: as `read_npy`, or they are neither whole numbers nor text."""
    return _npy(file, "labels", max_bytes, lambda share: None)


def _npy(file: BinaryIO, part: str, max_bytes: int, tick: ShareTick) -> NDArray[Any]:
    """The one array of an NPY file: held against the same limits, by the same code, as one of an NPZ file."""
    with damage_told("NPY"):
        n_bytes = file.seek(0, 2)
        file.seek(0)
        header = _header(file, part, part if part == "labels" else _ALONE, zipfile.ZipInfo(), n_bytes)
        check_size(header.n_bytes, max_bytes)
        file.seek(0)
        return _contents(file, header, _later(tick, 0, header.n_bytes))


def _read(archive: zipfile.ZipFile, asked: Roles | Asked | None, max_bytes: int, tick: ShareTick) -> Found:
    names = _names_of_parts(archive, asked)
    members = [(part, name, _member(archive, name)) for part, some in names.items() for name in some]
    # Sizes first by the directory, which bounds what is inflated, then by the headers, which bound what is allocated.
    check_size(sum(member.file_size for _, _, member in members), max_bytes)
    headers = []
    for part, name, member in members:
        with archive.open(member) as stream:
            headers.append(_header(stream, part, name, member, member.file_size))
    total = sum(array.n_bytes for array in headers)
    check_size(total, max_bytes)
    arrays: dict[tuple[str, str], NDArray[Any]] = {}
    done = 0
    for header in headers:
        with archive.open(header.member) as stream:
            arrays[header.part, header.name] = _contents(stream, header, _later(tick, done, total))
        done += header.n_bytes
    return _found(arrays, archive, asked)


def _found(arrays: dict[tuple[str, str], NDArray[Any]], archive: zipfile.ZipFile, asked: Roles | Asked | None) -> Found:
    named = dict(arrays.keys())  # of the ids, one
    values = arrays["values", named["values"]]
    kind = (None if asked is None else asked.kind) or _kind_by_name(named["values"]) or kind_of(values, named["values"])
    parts: dict[str, Any] = {
        part: array for (part, _), array in arrays.items() if part not in ("values", "ids", "group", "weight", "time")
    }
    ids = {name: texts_of(array) for (part, name), array in arrays.items() if part == "ids"}
    if asked is not None and asked.classes is not None:
        parts["class_names"] = np.array(asked.classes)
    roles = Roles(
        kind,
        (named["values"],),
        label=named.get("labels"),
        ood=named.get("ood"),
        ids=tuple(ids),
        group=named.get("group"),
        weight=named.get("weight"),
        time=named.get("time"),
    )
    read = {f"{name}.npy" for _, name in arrays}
    ignored = tuple(name for name in archive.namelist() if name not in read)
    left = f"Arrays that mean nothing here were left out: {listed(ignored)}." if ignored else None
    return Found(
        kind,
        values,
        **parts,
        ids=ids,
        group=arrays.get(("group", roles.group or "")),
        weight=_flat(arrays.get(("weight", roles.weight or ""))),
        time=None if roles.time is None else texts_of(arrays["time", roles.time]),
        roles=roles,
        left_out=tuple(name.removesuffix(".npy") for name in ignored),
        notes=tuple(note for note in (said(roles), left) if note),
    )


def _flat(array: NDArray[Any] | None) -> NDArray[np.float64] | None:
    return (
        None
        if array is None
        else array.astype(np.float64)[..., 0]
        if array.ndim == 2 and array.shape[1] == 1
        else array.astype(np.float64)
    )


def _kind_by_name(name: str) -> ValueKind | None:
    return "logits" if name == "logits" else "probs" if name == "probs" else None


def kind_of(values: NDArray[Any], name: str) -> ValueKind:
    """What values ``(..., K)`` or ``(N,)`` are, by some of them and by the array's name."""
    rows = values[:_LOOKED_AT, None] if values.ndim == 1 else values.reshape(-1, values.shape[-1])[:_LOOKED_AT]
    return kind_of_rows(rows.astype(np.float64), name)


def _later(tick: ShareTick, done: int, total: int) -> Callable[[int], None]:
    return lambda n_bytes: tick((done + n_bytes) / max(total, 1))


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The member of an array. Names are only compared: nothing is extracted to a path."""
    found = [member for member in archive.infolist() if member.filename == f"{name}.npy"]
    if len(found) != 1:
        raise UqError(f"Expected one array `{name}`. Received several in the same file; keep one.")
    member = found[0]
    if member.flag_bits & 1:
        raise UqError(f"Expected an NPZ file that is not encrypted. Received `{name}` encrypted; save it openly.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UqError(
            f"Expected arrays as np.savez or np.savez_compressed write them. Received `{name}` packed in another "
            f"way; save it again with one of these."
        )
    return member


def _names_of_parts(archive: zipfile.ZipFile, asked: Roles | Asked | None) -> dict[str, list[str]]:
    """Part -> the names of its arrays, of which `ids` alone may have several."""
    if any(name.endswith("data.pkl") for name in archive.namelist()):
        raise UqError(
            "Expected an NPZ file of arrays. Received a PyTorch file, which is a pickle and is never opened; save the "
            "arrays with np.savez."
        )
    names = list(dict.fromkeys(n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")))
    shapes = _shapes(archive, names)
    roles = settled_arrays(shapes, asked)
    exact = {part: [part] for part in _EXACT if part in names and part != roles.values[0]}
    of = {"values": roles.values, "labels": roles.label, "ood": roles.ood, "group": roles.group}
    of |= {"weight": roles.weight, "time": roles.time, "ids": roles.ids, "class_names": class_names_array(shapes)}
    parts: dict[str, Any] = {part: [name] if isinstance(name, str) else [*name] for part, name in of.items() if name}
    return parts | exact


def _shapes(archive: zipfile.ZipFile, names: list[str]) -> dict[str, ArrayHead]:
    """The shape and the kind of each array; of one that cannot be read only that it is there, until it is needed."""
    found = {}
    for name in names[:_MOST_MEMBERS]:
        try:
            with archive.open(f"{name}.npy") as stream:
                if npy.read_magic(stream) == (1, 0):
                    shape, _, dtype = npy.read_array_header_1_0(stream)
                    found[name] = ArrayHead(shape, dtype.kind)
                else:
                    found[name] = _UNKNOWN
        except Exception:  # a damaged header, or a member that is encrypted or packed otherwise
            found[name] = _UNKNOWN
    return found


def _header(stream: IO[bytes], part: str, name: str, member: zipfile.ZipInfo, n_bytes: int) -> _Array:
    try:
        # Version 1 bounds the header to 64 kB. Later ones are for arrays with fields, which have no place here.
        if npy.read_magic(stream) != (1, 0):
            raise ValueError("another format than that of plain arrays")
        shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    except Exception as error:  # NumPy meets a damaged header with half a dozen kinds of exception
        raise ValueError(f"`{name}` has no header that can be read: {error}") from error
    header_size = stream.tell()
    shown = name if name == _ALONE else f"`{name}`"
    if dtype.names and not dtype.hasobject:
        raise UqError(
            f"Expected {shown} as {_PARTS[part][1]}. Received an array with the fields {listed(dtype.names)}; save it "
            f"as a table, with pandas.DataFrame(array).to_parquet(file)."
        )
    if dtype.hasobject:
        way = f"np.array({name}.tolist())" if name.isidentifier() else "np.array(values, np.float32)"
        raise UqError(
            f"Expected {shown} as {_PARTS[part][1]}. Received an object array, which is stored as a pickle that "
            f"could run code and is never opened; convert it, as with {way}."
        )
    kinds, wanted = _PARTS[part]
    if dtype.kind not in kinds or (part == "images" and dtype != np.uint8):
        hint = "; bfloat16 must become float32 first" if dtype.kind == "V" else ""
        raise UqError(f"Expected {shown} as {wanted}. Received dtype {dtype}{hint}; convert it.")
    if part == "images" and math.prod(shape[1:]) > _MOST_PIXELS:
        raise UqError(
            f"Expected `images` of at most {_MOST_PIXELS:,} numbers each. Received shape {shape}; save smaller ones."
        )
    if min(shape, default=0) < 0 or not dtype.itemsize or header_size + math.prod(shape) * dtype.itemsize != n_bytes:
        raise ValueError(f"`{name}` does not have the size that its header says")
    return _Array(part, name, member, shape, fortran_order, dtype, header_size)


def _contents(stream: IO[bytes], header: _Array, tick: Callable[[int], None]) -> NDArray[Any]:
    """The array, inflated block by block; a member that ends early, goes on or fails its checksum is damaged."""
    target = np.dtype(np.float32) if header.part in _FLOAT32 else header.dtype
    flat = np.empty(math.prod(header.shape), target)
    step = max(1, BLOCK // max(header.dtype.itemsize, 1))
    with np.errstate(over="ignore"):
        stream.read(header.header_size)
        for start in range(0, len(flat), step):
            stop = min(start + step, len(flat))
            block = stream.read((stop - start) * header.dtype.itemsize)
            flat[start:stop] = np.frombuffer(block, header.dtype, stop - start)
            tick(stop * target.itemsize)
        if stream.read(1):
            raise ValueError(f"`{header.name}` goes on after its end")
    if flat.dtype.kind == "U":
        _check_text(header.name, flat)
    return flat.reshape(header.shape, order="F" if header.fortran_order else "C")


def _check_text(name: str, flat: NDArray[Any]) -> None:
    """ValueError unless all characters are of Unicode, which Python takes for granted when it makes a str of them."""
    code_points = flat.astype(flat.dtype.newbyteorder("="), copy=False).view(np.uint32)
    if ((code_points > 0x10FFFF) | ((code_points >= 0xD800) & (code_points < 0xE000))).any():
        raise ValueError(f"`{name}` has characters that are none")
