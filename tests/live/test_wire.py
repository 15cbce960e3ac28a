"""Messages of a worker: whole, cut, and anything else."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.live.settings import ALL
from uqcore.live import Frame, Trained, messages, wire
from uqcore.live.training import train
from uqcore.types import UqError, Weights

ARRAYS: dict[str, NDArray[Any]] = {
    "a": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "b/c": np.array(0.5, np.float32),
    "d": np.empty((0, 2)),
}


def damaged(head: object, body: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return struct.pack("<II", len(text), len(body)) + text + body


@pytest.mark.parametrize("compressed", [True, False])
def test_what_was_written_is_read(compressed: bool) -> None:
    stream = io.BytesIO(2 * wire.encode("frame", {"epoch": 3}, ARRAYS, compressed))
    for _ in range(2):
        message = wire.read(stream)
        assert message is not None
        assert (message.kind, message.fields) == ("frame", {"epoch": 3})
        for name, array in ARRAYS.items():
            assert message.arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(message.arrays[name], array)
    assert wire.read(stream) is None


@pytest.mark.parametrize("compressed", [True, False])
def test_a_message_that_is_cut_anywhere_is_refused(compressed: bool) -> None:
    whole = wire.encode("frame", {"epoch": 3}, ARRAYS, compressed)
    for end in range(1, len(whole)):
        with pytest.raises(UqError, match="Expected a message of the training's process"):
            wire.read(io.BytesIO(whole[:end]))


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello from a print\n" * 10,
        damaged([]),
        damaged({"kind": "frame"}),
        damaged({"kind": "frame", "fields": 3, "arrays": [], "zlib": False}),
        damaged({"kind": "frame", "fields": {}, "arrays": [["a", "|O", [1]]], "zlib": False}, b"12345678"),
        damaged({"kind": "frame", "fields": {}, "arrays": [["a", "<f4", [2]]], "zlib": False}, b"1234"),
        damaged({"kind": "frame", "fields": {}, "arrays": [["a", "<f4", [-1]]], "zlib": False}, b"1234"),
        damaged({"kind": "frame", "fields": {}, "arrays": [], "zlib": False}, b"1234"),
        damaged({"kind": "frame", "fields": {}, "arrays": [], "zlib": True}, b"1234"),
        damaged({"kind": "frame", "fields": {}, "arrays": [], "zlib": True}, zlib.compress(b"12" * 99)[:-6]),
        struct.pack("<II", 4, 0) + b"\xff\xff\xff\xff",
    ],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(UqError, match="Expected a message of the training's process"):
        wire.read(io.BytesIO(garbage))


def over_the_wire(shown: Frame | Trained) -> Frame | Trained:
    message = wire.read(io.BytesIO(messages.to_bytes(shown)))
    assert message is not None
    return messages.from_message(ALL, message)


@pytest.fixture(scope="module")
def shown() -> list[Frame | Trained]:
    return list(train(ALL))


def leaves(tables: dict[str, Weights]) -> Iterator[tuple[str, object]]:
    return ((f"{outer}:{inner}", array) for outer, arrays in tables.items() for inner, array in arrays.items())


def test_frames_and_trained_models_arrive_as_they_were(shown: list[Frame | Trained]) -> None:
    for sent in shown:
        came = over_the_wire(sent)
        assert type(came) is type(sent)
        assert (came.figures, came.thresholds) == (sent.figures, sent.thresholds)
        theirs = dict(leaves(dict(came.tables)))
        assert theirs.keys() == dict(leaves(dict(sent.tables))).keys()
        for name, array in leaves(dict(sent.tables)):
            np.testing.assert_array_equal(theirs[name], array)


def test_networks_that_methods_share_go_once(shown: list[Frame | Trained]) -> None:
    came = over_the_wire(shown[-1])
    assert isinstance(came, Trained)
    assert came.arrays["deterministic"][0] is came.arrays["mc_dropout"][0] is came.arrays["deep_ensemble"][0]
    assert len({id(network) for networks in came.arrays.values() for network in networks}) == 4


def test_an_error_arrives_as_a_sentence_and_a_strange_message_is_refused() -> None:
    for fields, kind, problem in (
        ({"sentence": "It diverged."}, messages.ERROR, "It diverged."),
        ({}, "frame", "Expected a frame of the training. Received something else"),
        ({"figures": {"sngp": [1]}, "thresholds": {}}, "frame", "Expected a frame"),
    ):
        message = wire.read(io.BytesIO(wire.encode(kind, fields, {})))
        assert message is not None
        with pytest.raises(UqError, match=problem):
            messages.from_message(ALL, message)
