"""From strokes and files to MNIST's format: MNIST itself is the judge, and a bad upload is refused in one sentence."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from uqcore.datasets import images
from uqcore.datasets.bundled import mnist
from uqcore.types import FloatArray, UqError

SEVEN, TWO = mnist().x_test[0], mnist().x_test[1]


def encoded(picture: NDArray[Any] | Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def enlarged(digit: NDArray[np.uint8], factor: int = 10) -> NDArray[np.uint8]:
    return np.kron(digit, np.ones((factor, factor), np.uint8))


def photo_of(digit: NDArray[np.uint8], noise: float = 0.03) -> FloatArray:
    """Grey levels in [0, 1]: a dark digit on paper that is lit from the left, with sensor noise."""
    ink = np.zeros((500, 700))
    ink[40:460, 150:570] = np.asarray(Image.fromarray(digit).resize((420, 420), Image.Resampling.BICUBIC)) > 127
    light = np.linspace(0.9, 0.35, 700)
    return np.clip(light * (1 - 0.6 * ink) + np.random.default_rng(0).normal(0, noise, ink.shape), 0, 1)


def eight_bits(grey: FloatArray) -> NDArray[np.uint8]:
    return np.rint(grey * 255).astype(np.uint8)


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG by hand: its header may claim any size."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    body = (struct.pack(">I", len(c)) + name + c + struct.pack(">I", zlib.crc32(name + c)) for name, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def rms(a: FloatArray, b: FloatArray) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


def matches(digit: NDArray[np.uint8], prepared: FloatArray) -> bool:
    """Whether, of the first 200 test images, the digit itself is by far the nearest to what came out."""
    distances = [rms(prepared[..., 0], other / 255) for other in mnist().x_test[:200]]
    target = rms(prepared[..., 0], digit / 255)
    return target == min(distances) and target < 0.75 * sorted(distances)[1]


# center_digit


def test_mnist_is_left_as_it_is() -> None:
    """MNIST's own preparation, so its images are fixed points, bit for bit."""
    for image in mnist().x_test[:500] / np.float32(255):
        np.testing.assert_array_equal(images.center_digit(image)[..., 0], image)


@pytest.mark.parametrize("factor", [2, 7, 10])
def test_an_enlarged_digit_comes_back(factor: int) -> None:
    for digit in (SEVEN, TWO):
        out = images.center_digit(enlarged(digit, factor) / np.float32(255))
        assert rms(out[..., 0], digit / 255) < 0.05


def test_place_and_size_on_the_paper_do_not_matter() -> None:
    ink = enlarged(SEVEN) / np.float32(255)
    moved = np.pad(ink, ((300, 5), (0, 111)))
    np.testing.assert_array_equal(images.center_digit(moved), images.center_digit(ink))


@pytest.mark.parametrize("shape", [(200, 200), (90, 300), (300, 90), (4, 9), (500, 3)])
def test_box_and_mass(shape: tuple[int, int]) -> None:
    """The longer side becomes 20, the other keeps the ratio, and the mass lies within half a pixel of (14, 14)."""
    rng = np.random.default_rng(0)
    out = images.center_digit(np.pad(rng.uniform(0.5, 1, shape), 30))[..., 0]
    assert out.dtype == np.float32
    assert 0 <= out.min() <= out.max() <= 1
    sides = [int(np.ptp(np.flatnonzero(out.any(axis=axis)))) + 1 for axis in (1, 0)]
    assert sides == [max(1, round(20 * side / max(shape))) for side in shape]
    np.testing.assert_allclose(ndimage.center_of_mass(out), 14, atol=0.5 + 1e-6)


def test_lopsided_ink_stays_inside_the_image() -> None:
    ink = np.full((100, 100), 0.01)
    ink[:10, :10] = 1
    out = images.center_digit(ink)[..., 0]
    assert (out > 0).sum() == 400  # nothing of the 20 x 20 box is cut off


def test_no_ink() -> None:
    with pytest.raises(UqError, match="draw a digit"):
        images.center_digit(np.zeros((50, 50)))


# read_image


def test_mnist_file_passes_unchanged() -> None:
    np.testing.assert_array_equal(images.read_image(encoded(SEVEN)), SEVEN / np.float32(255))


@pytest.mark.parametrize("picture", [255 - enlarged(SEVEN), enlarged(SEVEN)], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_drawn_digit_comes_back(picture: NDArray[np.uint8], file_format: str) -> None:
    out = images.center_digit(images.read_image(encoded(picture, file_format)))
    assert rms(out[..., 0], SEVEN / 255) < 0.08


@pytest.mark.parametrize("index", range(10))
def test_a_photo_of_a_digit_on_shaded_paper(index: int) -> None:
    digit = mnist().x_test[index]
    ink = images.read_image(encoded(eight_bits(photo_of(digit)), "JPEG", quality=80))
    assert matches(digit, images.center_digit(ink))
    paper = np.ones(ink.shape, dtype=bool)
    paper[20:230, 75:285] = False  # the picture was reduced by 2
    assert ink[paper].max() == 0
    assert ink.max() == 1


def seven_as(mode: str) -> bytes:
    """The same dark seven on light paper in every colour mode that the two formats have."""
    grey = 255 - enlarged(SEVEN)
    image = Image.fromarray(grey)
    if mode == "16 bit":
        return encoded(grey.astype(np.uint16) * 257)
    if mode == "alpha":  # black, transparent where there is no ink
        return encoded(np.dstack([np.zeros((*grey.shape, 3), np.uint8), 255 - grey]))
    if mode == "CMYK":
        return encoded(image.convert("RGB").convert("CMYK"), "JPEG", quality=95)
    if mode == "MPO":  # several pictures in one, as phones add a preview or a depth map
        return encoded(image, "MPO", save_all=True, append_images=[Image.new("L", image.size)])
    if mode == "exif":  # stored lying on its side, with the note to turn it
        exif = Image.Exif()
        exif[0x0112] = 6
        return encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)
    return encoded(image.convert(mode))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "16 bit", "alpha", "CMYK", "exif", "MPO"])
def test_colour_modes(mode: str) -> None:
    assert matches(SEVEN, images.center_digit(images.read_image(seven_as(mode))))


def test_sixteen_bits_are_scaled() -> None:
    """Ink at 20,000 of 65,535 on paper at 60,000: clipped to 8 bits, both would be white."""
    grey = np.where(enlarged(SEVEN) > 127, 20_000, 60_000).astype(np.uint16)
    assert matches(SEVEN, images.center_digit(images.read_image(encoded(grey))))


def test_specks_are_not_ink() -> None:
    picture = 255 - enlarged(SEVEN)
    clean = images.read_image(encoded(picture))
    picture[5:8, 5:8] = 0
    np.testing.assert_array_equal(images.read_image(encoded(picture)), clean)


def test_a_large_picture_is_reduced() -> None:
    ink = images.read_image(encoded(255 - enlarged(SEVEN, 100)))
    assert max(ink.shape) <= 512
    assert matches(SEVEN, images.center_digit(ink))


def animated_png() -> bytes:
    frames = [Image.fromarray(enlarged(digit)) for digit in (SEVEN, TWO)]
    return encoded(frames[0], save_all=True, append_images=frames[1:])


def blank_photo() -> bytes:
    return encoded(eight_bits(photo_of(np.zeros((28, 28), np.uint8))), "JPEG")


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"seven, sincerely", "not a picture"),
    "GIF": (encoded(SEVEN, "GIF"), "GIF file; save the picture as PNG or JPEG"),
    "BMP": (encoded(SEVEN, "BMP"), "BMP file"),
    "TIFF": (encoded(SEVEN, "TIFF"), "TIFF file"),
    "WebP": (encoded(SEVEN, "WEBP"), "WebP file"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
    "truncated PNG": (encoded(enlarged(SEVEN))[:400], "cut off or damaged"),
    "truncated JPEG": (encoded(enlarged(SEVEN), "JPEG")[:3000], "cut off or damaged"),
    "signature alone": (b"\x89PNG\r\n\x1a\n", "not a picture|damaged"),
    "bomb": (png(60_000, 60_000), "at most 4096 px"),
    "bomb that Pillow only warns of": (png(10_000, 10_000), "at most 4096 px"),
    "too wide": (png(4097, 30), "at most 4096 px a side.*4097 x 30"),
    "no pixels": (png(100, 100), "cut off or damaged"),
    "1 x 1": (png(1, 1, b"\0\0"), "at least 5 px a side.*1 x 1"),
    "4 px high": (encoded(SEVEN[:4]), "at least 5 px a side.*28 x 4"),
    "animated": (animated_png(), "animated"),
    "white": (encoded(np.full((100, 100), 255, np.uint8)), "nothing to see"),
    "black 28 x 28": (encoded(np.zeros((28, 28), np.uint8)), "nothing to see"),
    "transparent": (encoded(np.zeros((50, 50, 4), np.uint8)), "nothing to see"),
    "photo of bare paper": (blank_photo(), "does not stand out"),
    "gradient": (encoded(np.tile(np.arange(256, dtype=np.uint8), (200, 1))), "does not stand out"),
    "noise": (encoded(np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)), "does not stand out"),
    "too many bytes": (encoded(SEVEN) + bytes(images.MAX_BYTES), "at most 5 MB. Received: 5.0 MB"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_sentence(name: str) -> None:
    data, message = BAD[name]
    with pytest.raises(UqError, match=message) as raised:
        images.read_image(data)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_damage_anywhere_is_an_error_for_a_person_or_harmless() -> None:
    """A flipped byte may still make a picture; nothing but `UqError` may come out otherwise."""
    rng = np.random.default_rng(0)
    for data in (encoded(SEVEN), encoded(enlarged(SEVEN, 4), "JPEG")):
        for position in rng.integers(0, len(data), 200):
            damaged = bytearray(data)
            damaged[position] ^= 0xFF
            try:
                ink = images.read_image(bytes(damaged))
            except UqError:
                continue
            assert 0 <= ink.min() <= ink.max() <= 1


# rasterize


@pytest.mark.parametrize("width", [0.05, 0.09, 0.3])
def test_a_dot_is_a_disc_and_a_line_a_capsule(width: float) -> None:
    """Areas: a disc pi w^2 / 4, and a line of length 0.4 adds 0.4 w, whatever its direction."""
    dot = images.rasterize([np.array([[0.5, 0.5]])], width)
    assert dot.shape == (140, 140)
    assert dot.mean() == pytest.approx(np.pi * width**2 / 4, rel=0.06)
    for angle in (0, 0.3, np.pi / 4, np.pi / 2):
        half = 0.2 * np.array([np.cos(angle), np.sin(angle)])
        line = images.rasterize([np.array([0.5 - half, 0.5 + half])], width)
        assert line.mean() == pytest.approx(np.pi * width**2 / 4 + 0.4 * width, rel=0.06)


def test_x_goes_right_and_y_down() -> None:
    ink = images.rasterize([np.array([[0.8, 0.3]])], 0.1)
    np.testing.assert_allclose(np.array(ndimage.center_of_mass(ink)) / 140, [0.3, 0.8], atol=0.01)


def test_edges_are_anti_aliased_and_joints_round() -> None:
    corner = images.rasterize([np.array([[0.2, 0.8], [0.5, 0.2], [0.8, 0.8]])], 0.1)
    assert len(np.unique(corner)) > 10
    tip = np.flatnonzero(corner.any(axis=1))[0] / 140
    assert tip == pytest.approx(0.2 - 0.05, abs=0.01)  # half a pen above the corner; a mitre would reach 0.09


def test_no_strokes_is_bare_paper() -> None:
    assert images.rasterize([], 0.1).max() == 0


def test_a_drawn_seven_is_prepared_as_mnist_is() -> None:
    stroke = np.array([[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]])
    digit = images.center_digit(images.rasterize([stroke], 0.09))
    distances = np.sqrt(((mnist().x_test[:2000] / 255 - digit[..., 0]) ** 2).mean(axis=(1, 2)))
    assert (mnist().y_test[np.argsort(distances)[:5]] == 7).all()


@pytest.mark.parametrize("width", [0, -1, 1.5, float("nan")])
def test_pen_width_is_checked(width: float) -> None:
    with pytest.raises(UqError, match="pen's width"):
        images.rasterize([], width)


# encode_strokes, decode_strokes


def test_bytes_are_as_documented() -> None:
    strokes = [np.array([[0.0, 1.0], [0.5, 0.2]]), np.array([[1.0, 0.0]])]
    data = bytes([0, 2, 0, 255, 128, 51, 0, 1, 255, 0])  # 127.5 rounds up, as JavaScript's Math.round does
    assert images.encode_strokes(strokes) == base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_round_trip() -> None:
    rng = np.random.default_rng(0)
    strokes = [rng.random((n, 2)) for n in (1, 2, 300, 3697)]
    text = images.encode_strokes(strokes)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    decoded = images.decode_strokes(text)
    assert [len(stroke) for stroke in decoded] == [1, 2, 300, 3697]
    for stroke, back in zip(strokes, decoded, strict=True):
        np.testing.assert_allclose(back, stroke, atol=1 / 510 + 1e-12)
    assert images.encode_strokes(decoded) == text


def test_no_strokes_are_the_empty_text() -> None:
    assert images.encode_strokes([]) == ""
    assert images.decode_strokes("") == []


def test_the_longest_drawing_is_4000_strokes_of_one_point() -> None:
    dots = [np.array([[0.5, 0.5]])] * 4000
    assert len(images.decode_strokes(images.encode_strokes(dots))) == 4000
    with pytest.raises(UqError, match="at most 4,000 points"):
        images.encode_strokes([*dots, dots[0]])


def as_text(*data: int) -> str:
    return base64.urlsafe_b64encode(bytes(data)).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "AAEA+w",  # not of the URL-safe alphabet
        "AAE A-w",
        "AAEAew==",  # padded
        "AAEAe",  # a length that base64 cannot have
        as_text(0),  # half a count
        as_text(0, 0),  # a stroke without points
        as_text(0, 2, 1, 1),  # fewer points than counted
        as_text(0, 1, 1, 1, 9),  # bytes left over
        as_text(0x0F, 0xA1, *[7] * 8002),  # 4,001 points
        "A" * 1_000_000,
        "é",
    ],
)
def test_nonsense_in_a_link(text: str) -> None:
    with pytest.raises(UqError, match=r"draw it again|at most 4,000 points"):
        images.decode_strokes(text)


@pytest.mark.parametrize("stroke", [np.zeros((0, 2)), np.zeros((3, 3)), np.zeros(2), np.array([[0.5, np.nan]])])
def test_a_stroke_that_is_none(stroke: NDArray[Any]) -> None:
    for use in (images.encode_strokes, lambda strokes: images.rasterize(strokes, 0.1)):
        with pytest.raises(UqError, match="stroke"):
            use([stroke])
    with pytest.raises(UqError, match=r"in \[0, 1\]"):
        images.encode_strokes([np.array([[0.5, 1.01]])])
