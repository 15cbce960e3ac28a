"""Colour tables against plotly's own sampling, and what makes them readable."""

from __future__ import annotations

import itertools
import re

import numpy as np
import plotly.colors
import plotly.graph_objects as go
import pytest

from uqcore.plots.palette import COLORS, DIVERGING, OKABE_ITO, SEQUENTIAL, lut, series_style
from uqcore.scoreboard import SYSTEMS
from uqcore.types import UqError

SEEN_BY = {
    "most": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    # Machado, Oliveira & Fernandes 2009, severity 1, of linear RGB.
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
"""Who sees -> what they see of linear RGB."""


def linear(table: np.ndarray) -> np.ndarray:
    """Linear RGB of sRGB bytes ``(n, 3)``."""
    srgb = table / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Oklab (Ottosson 2020) of linear RGB ``(n, 3)``: distances in it are as people see them."""
    cones = rgb @ np.transpose(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    return np.cbrt(cones) @ np.transpose(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )


def lightness(table: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB bytes ``(n, 3)``."""
    luminance = linear(table) @ [0.2126, 0.7152, 0.0722]
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
    styles = [series_style(index) for index in range(312)]
    assert len(set(styles)) == 312
    assert series_style(312) == styles[0]
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


def test_of_all_colours_every_two_are_told_apart() -> None:
    """No new one is nearer to another than the nearest of Okabe and Ito's are, whoever looks."""
    rgb = linear(np.array([plotly.colors.hex_to_rgb(color) for color in COLORS]))
    seen = [oklab(np.clip(rgb @ np.transpose(matrix), 0, 1)) for matrix in SEEN_BY.values()]
    apart = np.min([np.linalg.norm(of[:, None] - of, axis=-1) for of in seen], axis=0)
    of_theirs = [apart[i, k] for i, k in itertools.combinations([*range(6), 7], 2)]  # the grey is not theirs
    assert len(COLORS) >= len([each for each in SYSTEMS.values() if not each.control]), (
        "one for each method of the board"
    )
    for new in range(len(OKABE_ITO), len(COLORS)):
        assert np.delete(apart[new], new).min() > min(of_theirs)


@pytest.mark.parametrize("background", ["#FFFFFF", "#11161F"])
def test_the_colours_beyond_okabe_and_itos_stand_out_from_both_backgrounds(background: str) -> None:
    """By 3 to 1, as WCAG 1.4.11 asks of what must be seen."""
    luminances = [
        linear(np.array(plotly.colors.hex_to_rgb(c))) @ [0.2126, 0.7152, 0.0722] for c in (background, *COLORS[8:])
    ]
    for of_color in luminances[1:]:
        lower, higher = sorted((luminances[0], of_color))
        assert (higher + 0.05) / (lower + 0.05) >= 3
