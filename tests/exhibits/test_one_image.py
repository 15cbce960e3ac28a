"""Probes of one image: sweeps against single applications, and pictures that travel in a link."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace

import numpy as np
import pytest

from uqcore.datasets.bundled import mnist
from uqcore.exhibits import one_image
from uqcore.exhibits.one_image import Corruption
from uqcore.types import FloatArray, UqError

BROKEN = "The picture in the link cannot be read; upload it again."


@pytest.fixture(scope="module")
def image() -> FloatArray:
    return mnist().x_test[0][..., None] / np.float32(255)


def packed(levels: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(levels)).decode()


def test_no_corruption_leaves_the_image_as_it_is(image: FloatArray) -> None:
    np.testing.assert_array_equal(Corruption().apply(image), image[None])


@pytest.mark.parametrize(
    "corruption", [Corruption(), Corruption(noise=0.3, rotation=20, blur=0.7, right=2, down=-1, seed=4)]
)
def test_a_sweep_is_the_single_applications_in_order(image: FloatArray, corruption: Corruption) -> None:
    noisy, turned = corruption.noise_sweep(image), corruption.rotation_sweep(image)
    assert noisy.shape == (11, 28, 28, 1)
    assert turned.shape == (13, 28, 28, 1)
    for weight, swept in zip(one_image.NOISE_STEPS, noisy, strict=True):
        np.testing.assert_array_equal(swept, replace(corruption, noise=weight).apply(image)[0])
    for angle, swept in zip(one_image.ROTATION_STEPS, turned, strict=True):
        np.testing.assert_array_equal(swept, replace(corruption, rotation=angle).apply(image)[0])


def test_sweeps_span_what_the_page_promises() -> None:
    np.testing.assert_allclose(one_image.NOISE_STEPS, np.linspace(0, 1, 11))
    np.testing.assert_allclose(one_image.ROTATION_STEPS, np.linspace(0, 180, 13))


def test_full_noise_hides_everything(image: FloatArray) -> None:
    noise = Corruption(noise=1, seed=3)
    np.testing.assert_array_equal(noise.apply(image), noise.apply(np.zeros_like(image)))
    assert not np.array_equal(noise.apply(image), replace(noise, seed=4).apply(image))


def test_shifts_go_right_and_down() -> None:
    dot = np.zeros((28, 28, 1), np.float32)
    dot[10, 12] = 1
    moved = Corruption(right=3, down=5).apply(dot)[0, ..., 0]
    assert np.argwhere(moved == 1).tolist() == [[15, 15]]


def test_a_key_determines_its_inputs(image: FloatArray) -> None:
    changed = image.copy()
    changed[27, 27, 0] += np.float32(1e-6)
    strided = np.zeros((28, 56, 1), np.float32)
    strided[:, ::2] = image
    assert one_image.key(image) == one_image.key(image.copy()) == one_image.key(strided[:, ::2])
    assert one_image.key(changed) != one_image.key(image)


def test_an_image_survives_its_link_to_half_a_grey_level() -> None:
    image = one_image.noise_image(1)
    decoded = one_image.decode_image(one_image.encode_image(image))
    assert decoded.shape == (28, 28, 1)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, image, rtol=0, atol=1 / 510 + 1e-7)


def test_grey_levels_survive_exactly() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    decoded = one_image.decode_image(one_image.encode_image(levels / np.float32(255)))
    np.testing.assert_array_equal(decoded, levels / np.float32(255))
    assert one_image.encode_image(decoded) == one_image.encode_image(levels / np.float32(255))


def test_a_digits_link_is_short_and_needs_no_escapes(image: FloatArray) -> None:
    text = one_image.encode_image(image)
    assert len(text) < 500
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text",
    ["", "xxx", "%%%", "A", "Ünicode", packed(b""), packed(bytes(783)), packed(bytes(785)), packed(bytes(784))[:-9]],
)
def test_what_is_no_picture_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UqError) as caught:
        one_image.decode_image(text)
    assert str(caught.value) == BROKEN


def test_a_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 MB of zeros are 130 kB of link: no more of them is unpacked than shows that they are too many."""
    unpacked: list[int] = []

    class Counting:
        def __init__(self) -> None:
            self.unpacker = zlib_decompressobj()
            self.eof = False

        def decompress(self, data: bytes, max_length: int = 0) -> bytes:
            out: bytes = self.unpacker.decompress(data, max_length)
            unpacked.append(len(out))
            return out

    zlib_decompressobj, bomb = zlib.decompressobj, packed(bytes(100_000_000))
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    with pytest.raises(UqError, match=BROKEN):
        one_image.decode_image(bomb)
    assert sum(unpacked) == 785


def test_noise_is_uniform_and_its_seeds_differ() -> None:
    noise = np.stack([one_image.noise_image(seed) for seed in range(100)])
    assert noise.dtype == np.float32
    shares, _ = np.histogram(noise, bins=10, range=(0, 1))
    np.testing.assert_allclose(shares / noise.size, 0.1, atol=5 * np.sqrt(0.09 / noise.size))
    assert len(np.unique(noise[:, 0, 0, 0])) == 100
