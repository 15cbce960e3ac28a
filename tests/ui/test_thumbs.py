"""Thumbnails: each shows its own picture of the one that they share, and text is text."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ui.thumbs import Thumb, sheet, thumbs


def pictures(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def items(n: int) -> list[Thumb]:
    return [Thumb(f"example {i}", f"<span>{i}</span>", f"lab?n={i}") for i in range(n)]


def shown(html: str, height: int, width: int) -> list[NDArray[np.uint8]]:
    """What a browser cuts out of the sheet for each picture."""
    (data,) = re.findall(r"--sheet:url\(data:image/png;base64,([^)]+)\)", html)
    whole = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    places = [(int(x) * width, int(y) * height) for x, y in re.findall(r"--x:(\d+);--y:(\d+)", html)]
    return [whole[y : y + height, x : x + width] for x, y in places]


@pytest.mark.parametrize("n", [1, 29, 30, 31, 90])
@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_each_shows_its_own_picture(n: int, channels: tuple[int, ...]) -> None:
    images = pictures(n, 7, 5, *channels)
    cut = shown(thumbs(items(n), images), 7, 5)
    np.testing.assert_array_equal(np.stack(cut), images[..., 0] if channels == (1,) else images)


def test_a_sheet_is_as_wide_as_its_columns_and_black_where_it_ends() -> None:
    whole = sheet(pictures(5, 4, 6), 3)
    assert whole.shape == (8, 18)
    assert not whole[4:, 12:].any()


def test_large_pictures_lose_pixels_and_keep_their_shape() -> None:
    whole = sheet(pictures(1, 1000, 500, 3), 1)
    assert whole.shape == (125, 63, 3)
    assert "--side:3.125rem;--cell:3.125rem;--tall:6.25rem" in thumbs(items(1), pictures(1, 1000, 500, 3), 50)


def test_words_may_have_more_room_than_the_picture() -> None:
    assert "--side:2.125rem;--cell:4.125rem;--tall:2.125rem" in thumbs(items(1), pictures(1, 28, 28), 34, 66)


def test_every_picture_is_described_and_leads_where_it_says() -> None:
    made = thumbs([Thumb('a "7" & <b>', "<span>7</span>", 'lab?a=1&b="2"')], pictures(1, 2, 2))
    assert '<i role="img" title="a &quot;7&quot; &amp; &lt;b&gt;"' in made
    assert '<a href="lab?a=1&amp;b=&quot;2&quot;" target="_self">' in made


def test_without_pictures_or_links_there_are_captions() -> None:
    assert thumbs([Thumb("x", "<span>7</span>")], None) == '<div class="thumbs"><a><span>7</span></a></div>'
    assert thumbs([], pictures(0, 2, 2)) == '<div class="thumbs"></div>'
