"""Messages between the server and a worker: lengths, a head in JSON, and arrays behind it.

``<II`` the bytes of head and body, the head ``{"kind": ..., "body": zlib or plain, "arrays": [[name, dtype, shape],
...], ...}``, and the arrays one after the other. Nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.types import UqError

_LENGTHS = struct.Struct("<II")
_MOST_HEAD, _MOST_BODY = 2**20, 2**28
_DTYPES = {dtype: np.dtype(dtype) for dtype in ("|u1", "|b1", "<f2", "<f4", "<f8", "<i8")}


class Message(NamedTuple):
    """What came.

    Attributes:
        kind: what it is.
        fields: of its head, plain JSON.
        arrays: name -> array, read-only.
    """

    kind: str
    fields: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def encode(kind: str, fields: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], compressed: bool = False) -> bytes:
    """One message. ``compressed`` is worth it for surfaces in 8 bits, not for weights."""
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    described = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    head = {"kind": kind, "fields": dict(fields), "arrays": described, "zlib": compressed}
    packed = zlib.compress(body, 1) if compressed else body
    text = json.dumps(head).encode()
    return _LENGTHS.pack(len(text), len(packed)) + text + packed


def read(stream: IO[bytes]) -> Message | None:
    """The next message of a stream, or None at its end.

    Raises:
        UqError: what comes is no message, or ends in the middle of one.
    """
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise _broken("half a length")
    n_head, n_body = _LENGTHS.unpack(lengths)
    if n_head > _MOST_HEAD or n_body > _MOST_BODY:
        raise _broken("lengths that no message has")
    head, body = stream.read(n_head), stream.read(n_body)
    if len(head) < n_head or len(body) < n_body:
        raise _broken("half a message")
    return _decode(head, body)


def _decode(head: bytes, body: bytes) -> Message:
    try:
        content = json.loads(head)
        if content["zlib"]:
            body = _inflated(body)
        arrays, start = {}, 0
        for name, dtype, shape in content["arrays"]:
            n = math.prod(shape)
            arrays[name] = np.frombuffer(body, _DTYPES[dtype], n, start).reshape(shape)
            start += n * _DTYPES[dtype].itemsize
        if start != len(body):
            raise ValueError("bytes that are no array's")
        return Message(str(content["kind"]), dict(content["fields"]), arrays)
    except (ValueError, TypeError, KeyError, RecursionError, zlib.error) as error:
        raise _broken(f"a damaged one ({type(error).__name__}: {error})") from None


def _inflated(body: bytes) -> bytes:
    stream = zlib.decompressobj()
    whole = stream.decompress(body, _MOST_BODY)
    if not stream.eof:
        raise ValueError("a body that is cut or unpacks to too much")
    return whole


def _broken(what: str) -> UqError:
    return UqError(f"Expected a message of the training's process. Received {what}.")
