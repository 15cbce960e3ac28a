"""Colour tables against plotly's own sampling, and what makes them readable."""

from __future__ import annotations

import itertools
import re

import numpy as np
import plotly.colors
import plotly.graph_objects as go
import pytest

from uqcore.plots.palette import DIVERGING, OKABE_ITO, SEQUENTIAL, lut, series_style
from uqcore.types import UqError


def lightness(table: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB bytes ``(n, 3)``."""
    srgb = table / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


@pytest.mark.parametrize("name", [SEQUENTIAL, "viridis", DIVERGING, "PuOr_r"])
def test_lut_is_plotlys_colour_scale(name: str) -> None:
    samples = plotly.colors.sample_colorscale(name, list(np.linspace(0, 1, 256)))
    expected = [[float(channel) for channel in re.findall(r"[\d.]+", color)] for color in samples]
    np.testing.assert_allclose(lut(name), expected, atol=0.5)


def test_lut_is_bytes_and_shared_read_only() -> None:
    table = lut(SEQUENTIAL)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


def test_lightness_rises_along_the_sequential_scale_and_peaks_in_the_middle_of_the_diverging_one() -> None:
    assert np.all(np.diff(lightness(lut(SEQUENTIAL))[::8]) > 0)
    assert lightness(lut(DIVERGING)).argmax() in (127, 128)


def test_unknown_scale_is_named() -> None:
    with pytest.raises(UqError, match="'no such scale'"):
        lut("no such scale")


def test_styles_differ_before_they_repeat_and_plotly_knows_them() -> None:
    styles = [series_style(index) for index in range(24)]
    assert len(set(styles)) == 24
    assert series_style(24) == styles[0]
    for neighbours in itertools.pairwise(styles):
        for signal in zip(*neighbours, strict=True):
            assert signal[0] != signal[1]
    for color, dash, symbol in styles:
        go.Scatter(line={"color": color, "dash": dash}, marker={"symbol": symbol})


def test_okabe_and_itos_colours_are_theirs() -> None:
    theirs = {
        (0, 114, 178),
        (213, 94, 0),
        (0, 158, 115),
        (230, 159, 0),
        (204, 121, 167),
        (86, 180, 233),
        (240, 228, 66),
    }
    assert {plotly.colors.hex_to_rgb(color) for color in (*OKABE_ITO[:6], OKABE_ITO[7])} == theirs
