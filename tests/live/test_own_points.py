"""Small CSV files of points."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.live import Setting
from uqcore.live.own_points import read_csv
from uqcore.live.setting import OWN_POINTS
from uqcore.types import UqError


def test_points_in_any_order_of_columns() -> None:
    found = read_csv(b"\xef\xbb\xbfclass,X, y\r\ncat,1,2\r\n\r\ndog,-0.5,1e-1\r\n")
    assert found.points == ((1.0, 2.0, 0), (-0.5, 0.1, 1))
    assert found.class_names == ("cat", "dog")
    assert not found.scaled


def test_a_spreadsheets_own_csv_is_read() -> None:
    text = "x;y;class\r\n0,5;-1,25;\u00e9\r\n1;2;b\r\n"
    for data in (text.encode("cp1252"), text.encode("utf-8-sig"), text.replace(";", "\t").encode("utf-16")):
        found = read_csv(data)
        assert found.points == ((0.5, -1.25, 1), (1.0, 2.0, 0))
        assert found.class_names == ("b", "\u00e9")


def test_points_outside_the_plane_are_scaled_into_it_alike() -> None:
    found = read_csv(b"x,y,class\n1000,0,a\n1000000,0,b\n1000,500000,a\n")
    assert found.scaled
    xy = np.array(found.points)[:, :2]
    assert np.abs(xy).max() <= 3.5
    assert (xy[2, 1] - xy[0, 1]) / (xy[1, 0] - xy[0, 0]) == pytest.approx(500_000 / 999_000)
    assert Setting(kind=OWN_POINTS, points=found.points).n_points == 3


@pytest.mark.parametrize("far", ["1e308", "-1e308"])
def test_a_point_as_far_as_numbers_go_is_scaled_too(far: str) -> None:
    found = read_csv(f"x,y,class\n{far},0,a\n0,{far},b\n".encode())
    assert Setting(kind=OWN_POINTS, points=found.points).n_points == 2


def test_one_place_outside_the_plane_is_moved_into_it() -> None:
    assert read_csv(b"x,y,class\n9,9,a\n9,9,b\n").points == ((0.0, 0.0, 0), (0.0, 0.0, 1))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "Expected the columns x, y, class in the first line. Received: none"),
        (b"a,b,c\n1,2,3\n", "Received: a, b, c"),
        (b"x,y,class,z\n1,2,a,3\n", "Received: x, y, class, z"),
        (b"x,x,class\n1,2,a\n", "Expected the columns"),
        (b"x,y,class\n", "Expected 1 to 2,000 points. Received: 0"),
        (b"x,y,class\n" + b"1,2,a\n" * 2001, "Received: 2,001"),
        (b"x,y,class\n1,2,a\n", "Expected points of 2 or 3 classes. Received: 1"),
        (b"x,y,class\n1,2,a\n1,2,b\n1,2,c\n1,2,d\n", "Received: 4"),
        (b"x,y,class\n1,2\n", "Expected 3 cells in every line. Received 2 in line 2"),
        (b"x,y,class\n1,two,a\n", "Expected numbers for x and y. Received 'two' in line 2"),
        (b"x,y,class\n1,nan,a\n", "Expected finite numbers for x and y. Received 1, nan in line 2"),
        (b"x,y,class\n1,2,\n", "Expected a class of 1 to 40 letters. Received '' in line 2"),
        (b"\xff\xfe\x00", "Expected a CSV file in UTF-8"),
        (b'x,y,class\n1,2,"a', "Expected a CSV file in UTF-8. Received one that cannot be read"),
        (b"x" * (2**20 + 1), "Expected a CSV file of at most 1 MB"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(content: bytes, problem: str) -> None:
    with pytest.raises(UqError, match=problem):
        read_csv(content)
