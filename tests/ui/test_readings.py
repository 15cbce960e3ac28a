"""The strip of the last readings of the digit lab."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app_pages import followed, moved, opened, seen
from ui.readings import MOST

LAB = "pages/digit_lab.py"


def strip(app: AppTest) -> list[dict[str, Any]]:
    """What it is given; nothing where it is not there."""
    given = (json.loads(mounted.proto.json or "{}") for mounted in app.get("bidi_component"))
    return next((data["readings"] for data in given if isinstance(data, dict) and "readings" in data), [])


def picture(reading: dict[str, Any]) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(reading["picture"].split(",")[1]))))


def test_each_reading_leads_to_its_picture() -> None:
    lab = opened(LAB, source="Pick")
    assert strip(lab) == []  # one alone needs no way back
    first = seen(lab)
    lab = moved(lab, "rotation", 90)
    new, old = strip(lab)
    np.testing.assert_array_equal(picture(old), first)
    np.testing.assert_array_equal(picture(new), seen(lab))
    assert [new["is_shown"], old["is_shown"]] == [True, False]
    np.testing.assert_array_equal(seen(followed(f"digit_lab{old['href']}")), first)


def test_going_back_moves_nothing_and_what_is_too_old_goes() -> None:
    lab = opened(LAB, source="Pick")
    lab = moved(moved(lab, "rotation", 90), "rotation", 0)
    assert [reading["is_shown"] for reading in strip(lab)] == [False, True]
    for turn in range(5, 5 * MOST + 5, 5):
        lab = moved(lab, "rotation", turn)
    assert len(strip(lab)) == MOST
    assert strip(lab)[0]["is_shown"]
