"""NPZ files that NumPy writes are read as NumPy reads them; hostile ones cost neither memory nor trust."""

from __future__ import annotations

import os
import pickle
import random
import struct
import tracemalloc
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from tests.prediction_files import LABELS, PROBS, npz, random_probs, read, refused
from uqcore.predictions import Asked, Roles, from_npz, read_predictions
from uqcore.types import UqError


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def npy_bytes(array: Any) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    """The header of an array, which may claim any shape."""
    buffer = BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def peak_of_refusing(data: bytes, message: str, **options: Any) -> int:
    """The most memory in bytes that was held while ``data`` was refused."""
    tracemalloc.start()
    try:
        refused(data, message, **options)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_it_reads_what_numpy_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_npz, "BLOCK", 100)  # so that arrays come in many blocks, none of which fits evenly
    probs, images = random_probs(3, 17, 5), np.arange(17 * 6, dtype=np.uint8).reshape(17, 3, 2)
    arrays: Any = {"probs": np.asfortranarray(probs, np.float64), "labels": np.arange(17) % 5, "images": images}
    for save in (np.savez, np.savez_compressed):
        buffer = BytesIO()
        save(buffer, **arrays)
        mine = read(buffer.getvalue())
        np.testing.assert_array_equal(mine.values, probs)
        np.testing.assert_array_equal(mine.labels, arrays["labels"])
        np.testing.assert_array_equal(mine.images, images)


def test_progress_rises_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_npz, "BLOCK", 1000)
    shares: list[float] = []
    read(npz(probs=random_probs(500, 4), labels=np.zeros(500, int)), tick=shares.append)
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_what_means_nothing_is_left_out_and_said() -> None:
    mine = read(npz(probs=PROBS, epoch=np.array(3), labels=LABELS))
    assert mine.notes == ("Arrays that mean nothing here were left out: 'epoch.npy'.",)
    inside = archive({"probs.npy": npy_bytes(PROBS), "../../probs.npy": b"x", "/etc/probs.npy": b"x", "probs": b"x"})
    assert "'../../probs.npy', '/etc/probs.npy', 'probs'" in read(inside).notes[0]


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.place,)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    place = tmp_path / "sprung"
    trap = np.array([Trap(place)], dtype=object)
    refused(npz(probs=PROBS, labels=trap), "Expected `labels` as whole numbers or text. Received an object array")
    refused(npz(probs=trap), "Expected `probs` as numbers. Received an object array")
    for protocol in range(6):
        with pytest.raises(UqError):
            read_predictions(pickle.dumps(Trap(place), protocol), "model.pkl")
    refused(archive({"archive/data.pkl": pickle.dumps(Trap(place))}), "a PyTorch file, which is a pickle and is never")
    assert not place.exists()
    pickle.loads(pickle.dumps(Trap(place)))  # the trap does work
    assert place.exists()


def patched(data: bytes, **fields: int) -> bytes:
    """A file of one small member with other sizes or flags in its directory and its local header."""
    places = {"flags": (6, 8, "<H"), "method": (8, 10, "<H"), "crc": (14, 16, "<L"), "size": (22, 24, "<L")}
    central = data.rfind(b"PK\x01\x02")
    changed = bytearray(data)
    for name, value in fields.items():
        local, in_directory, form = places[name]
        struct.pack_into(form, changed, local, value)
        struct.pack_into(form, changed, central + in_directory, value)
    return bytes(changed)


BOMB = npy_header((375_000_000, 2))
N_ZEROS = 375_000_000 * 2 * 4


def bomb(**fields: int) -> bytes:
    """An NPZ file of 3 MB with 3 GB of zeros in it, which took no 3 GB to make: a deflated megabyte, 3,000 times."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflate.compress(BOMB) + deflate.flush(zlib.Z_FULL_FLUSH)
    megabyte = deflate.compress(bytes(10**6)) + deflate.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    packed = start + megabyte * (N_ZEROS // 10**6) + deflate.flush(zlib.Z_FINISH)
    stored = archive({"probs.npy": packed}, zipfile.ZIP_STORED)
    return patched(stored, method=zipfile.ZIP_DEFLATED, **({"size": len(BOMB) + N_ZEROS} | fields))


def test_the_bomb_does_go_off() -> None:
    with zipfile.ZipFile(BytesIO(bomb())) as file, file.open("probs.npy") as member:
        assert member.read(len(BOMB)) == BOMB
        assert member.read(30_000_000) == bytes(30_000_000)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at most 2,000 MB. Received 3,000 MB when unpacked"),
        ({"size": 10**9}, "`probs` does not have the size that its header says"),
        ({"size": len(BOMB) + 80}, "damaged one"),
    ],
)
def test_a_bomb_is_refused_before_it_unpacks(fields: dict[str, int], message: str) -> None:
    data = bomb(**fields)
    assert len(data) < 4_000_000
    assert peak_of_refusing(data, message) < 20_000_000


def test_the_limit_is_the_callers() -> None:
    data = npz(probs=np.full((10**6, 2), 0.5, np.float32))
    assert peak_of_refusing(data, "at most 1 MB. Received 8 MB", max_bytes=10**6) < 1_000_000
    assert len(read(data, max_bytes=8_001_000)) == 10**6


def test_a_member_that_holds_more_than_it_declares_is_cut_there() -> None:
    declared = npy_bytes(np.full((100, 2), 0.5, np.float32))
    surplus = archive({"probs.npy": declared + bytes(100_000_000)})
    lying = patched(surplus, size=len(declared))
    assert peak_of_refusing(lying, "damaged one") < 20_000_000  # the checksum is of another content


def test_a_header_that_claims_more_than_its_member_holds_allocates_nothing() -> None:
    for shape in ((10**12, 10), (10**30, 2), (2**62, 4), (250_000_000, 2), (-1, 2)):
        data = archive({"probs.npy": npy_header(shape) + bytes(80)})
        assert peak_of_refusing(data, "does not have the size|no header that can be read") < 20_000_000


def test_text_of_no_length_allocates_nothing() -> None:
    names = archive({"probs.npy": npy_bytes(PROBS), "class_names.npy": npy_header((10**15,), "<U0")})
    assert peak_of_refusing(names, "does not have the size") < 20_000_000


def test_a_directory_of_thousands_is_refused_before_it_is_read() -> None:
    many = archive({f"{i}.npy": b"" for i in range(20_000)}, zipfile.ZIP_STORED)
    assert peak_of_refusing(many, "handful of arrays. Received thousands") < 20_000_000


def test_float16_counts_as_the_float32_that_it_becomes() -> None:
    data = npz(logits=np.zeros((1000, 2), np.float16))
    refused(data, "at most 0 MB|Received 0 MB", max_bytes=7_999)
    assert len(read(data, max_bytes=8_000)) == 1000


ONE = archive({"probs.npy": npy_bytes(PROBS)}, zipfile.ZIP_STORED)
WHOLE = npz(probs=PROBS, labels=LABELS)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_duplicated_member_is_refused() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for _ in range(2):
            file.writestr("probs.npy", npy_bytes(PROBS))
    refused(buffer.getvalue(), "Expected one array `probs`. Received several")


def with_dtype(descr: str, body: bytes = b"", shape: tuple[int, ...] = (4, 3), name: str = "probs") -> bytes:
    return archive({"probs.npy": npy_bytes(PROBS)} | {f"{name}.npy": npy_header(shape, descr) + body})


BAD = {
    "encrypted": (patched(ONE, flags=1), "not encrypted. Received `probs` encrypted"),
    "LZMA": (archive({"probs.npy": npy_bytes(PROBS)}, zipfile.ZIP_LZMA), "packed in another way"),
    "bzip2": (archive({"probs.npy": npy_bytes(PROBS)}, zipfile.ZIP_BZIP2), "packed in another way"),
    "wrong checksum": (patched(ONE, crc=1), "damaged one .*CRC"),
    "half of it": (WHOLE[: len(WHOLE) // 2], "no directory at its end, so it is cut off"),
    "all but a byte": (WHOLE[:-1], "cut off"),
    "its first bytes": (WHOLE[:4], "cut off"),
    "bytes before it": (b"PK\x03\x04" + bytes(100) + WHOLE[50:], "damaged one"),
    "an empty archive": (archive({}), "an array of probabilities or logits.*Received: none; say which"),
    "arrays without numbers": (npz(a=LABELS, b=LABELS), r"Received: 'a', 'b'; .*np\.savez\(file, probs=probs"),
    "arrays of two models": (npz(a_proba=PROBS, b_proba=PROBS), "Received those of 2: 'a', 'b'; say whose"),
    "an Excel file": (archive({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "whole Excel file|openpyxl"),
    "no array": (archive({"probs.npy": b"hello"}), "`probs` has no header that can be read"),
    "an array with fields": (npz(probs=np.zeros(4, [("a", "f4")])), "Received an array with the fields 'a'; save"),
    "bfloat16": (with_dtype("|V2", bytes(24)), "Received dtype .*V2.*bfloat16 must become float32"),
    "booleans": (npz(probs=PROBS > 0), "Expected `probs` as numbers. Received dtype bool"),
    "complex": (npz(probs=PROBS + 0j), "Expected `probs` as numbers. Received dtype complex128"),
    "text": (npz(probs=PROBS.astype(str)), "Expected `probs` as numbers. Received dtype <U"),
    "times": (npz(probs=PROBS, labels=LABELS.astype("datetime64[s]")), "Expected `labels` as whole numbers or text"),
    "no character": (with_dtype("<U1", struct.pack("<3L", 65, 66, 2**31), (3,), "class_names"), "characters that are"),
    "half a character": (with_dtype("<U1", struct.pack("<3L", 65, 66, 0xD800), (3,), "class_names"), "characters that"),
    "a deep header": (
        archive({"probs.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000}),
        "no header that can be read",
    ),
    "a header of gigabytes": (
        archive({"probs.npy": b"\x93NUMPY\x02\x00" + struct.pack("<L", 2**32 - 1)}),
        "no header that can be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_sentence(name: str) -> None:
    refused(*BAD[name])


def test_whatever_byte_is_wrong_there_is_one_sentence_or_the_checksum_still_holds() -> None:
    chance = random.Random(0)
    sources = [WHOLE, npz(logits=PROBS, labels=LABELS, ood=LABELS == 0, class_names=np.array(["a", "b", "c"])), ONE]
    n_refused = 0
    for _ in range(600):
        data = bytearray(chance.choice(sources))
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            read(bytes(data))
        except UqError:
            n_refused += 1
    assert n_refused > 300


def test_pictures_of_absurd_size_are_refused_before_they_unpack() -> None:
    data = archive(
        {"probs.npy": npy_bytes(PROBS), "images.npy": npy_header((4, 1, 2 * 10**7), "|u1") + bytes(8 * 10**7)}
    )
    assert peak_of_refusing(data, "at most 16,777,216 numbers each. Received shape .4, 1, 20000000.") < 20_000_000


def test_names_like_books_are_read() -> None:
    names = np.array([letter * 10**6 for letter in "abc"])
    assert [len(name) for name in read(npz(probs=PROBS, class_names=names)).class_names] == [10**6] * 3


def test_arrays_are_found_by_other_names_or_said() -> None:
    data = npz(nn_proba=PROBS, rf_proba=PROBS[::-1], y_test=LABELS, file_id=np.array(list("abcd")), sites=LABELS)
    mine = read(data, roles=Asked(values=("rf_proba",), group="sites"))
    np.testing.assert_array_equal(mine.values[0], PROBS[::-1])
    assert mine.ids["file_id"].tolist() == list("abcd")
    assert mine.group is not None
    assert mine.group.tolist() == ["0", "1", "1", "1"]
    assert mine.roles == Roles("probs", ("rf_proba",), label="y_test", ids=("file_id",), group="sites")
    assert read(data, roles=mine.roles).fingerprint == mine.fingerprint
    assert mine.notes[0] == (
        "Read 'rf_proba' as probabilities, 'y_test' as the label, 'sites' as the group, 'file_id' as the id."
    )
    refused(data, "Received those of 2: 'nn', 'rf'; say whose")
    refused(data, "Expected the name of an array. Received 'svm'", roles=Asked(values=("svm",)))
    refused(data, "Expected one array of values", roles=Asked(values=("nn_proba", "rf_proba")))


def test_probabilities_go_before_logits_and_the_rest_is_said() -> None:
    mine = read(npz(probs=PROBS, logits=PROBS - 1, labels=LABELS))
    np.testing.assert_array_equal(mine.values[0], PROBS)
    assert mine.notes == ("Arrays that mean nothing here were left out: 'logits.npy'.",)


def test_one_column_is_that_of_the_second_of_two_classes() -> None:
    z = np.array([0.3, 0.4, -0.2, 2.0] * 50, np.float32)
    labels = np.array([1, 1, 0, 1] * 50)
    for logits in (z, z[:, None]):
        mine = read(npz(logits=logits, labels=labels))
        np.testing.assert_array_equal(mine.values[0], np.column_stack([np.zeros_like(z), z]))
        assert mine.correct is not None
        assert mine.correct.all()
        assert "beside 0 for the first" in mine.notes[0]
    mine = read(npz(y_score=np.array([0.25, 1.0, 0.0]), y=np.array([0, 1, 0])))
    assert mine.values.tolist() == [[[0.75, 0.25], [0, 1], [1, 0]]]


def test_one_array_alone(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(npy_bytes(PROBS)).values[0], PROBS)
    assert read(npy_bytes(PROBS * 9 - 4)).kind == "logits"
    mine = read(npy_bytes(PROBS[:, 1]), labels=npy_bytes(LABELS % 2), roles=Asked(classes=("no", "yes")))
    assert mine.class_names == ("no", "yes")
    np.testing.assert_allclose(mine.values[0], np.column_stack([1 - PROBS[:, 1], PROBS[:, 1]]))
    assert mine.labels is not None
    assert mine.labels.tolist() == (LABELS % 2).tolist()
    refused(npy_bytes(np.array(["a"])), "Expected the array as numbers")
    refused(npy_bytes(np.zeros((500, 2))), "at most 0 MB", max_bytes=1000)
    refused(npy_bytes(PROBS), "`labels`.*object array", labels=npy_bytes(np.array([Trap(tmp_path)], object)))
    refused(npy_bytes(PROBS), "labels as an NPY, CSV, Excel or JSON file", labels=npz(y=LABELS))
