"""What a client can send that no page offers: nobody sees more than a page, and the next visitor sees it as before.

`make attack` does the same for longer, with files and trainings, and measures what others wait meanwhile.
"""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from websockets.exceptions import ConnectionClosedError

from tests.attack import OWN, TRAIN, Came, odd_values, reconnects
from tests.browsing import started
from tests.hostile_client import Answer, Client, run
from tests.prediction_files import random_probs
from ui import page
from uqcore.predictions import breast_cancer, example_file
from uqcore.predictions.examples import FileKind

ADDRESSES = [(door.path.removeprefix("pages/").removesuffix(".py").replace("app", ""), "") for door in page.DOORS]
ADDRESSES += [("threshold_lab", OWN), ("two_moons", TRAIN), ("digit_lab", "source=Upload"), ("", "tour=2")]
# What scripts of components send, and what they never do.
SENT = ("added", "asked", "choice", "cluster", "point", "points", "strokes", "threshold")
RANDOM = random_probs(300, 3)
ODD: tuple[Any, ...] = (None, True, "x", "9" * 5000, -1, 10**400, 1e308, math.nan, math.inf, [], [1], [[1, 2], [3]], {})
ODD += ({"revision": [], "threshold": "x"}, [None, None], [1e200, 2], [math.inf, 2], [[0, 0, 7]], [[0, 0, 0.5]] * 5000)
LONG = ("points", "drawing", "picture", "t_points", "roles", "tour", "y_noise")


async def ask(url: str, address: tuple[str, str]) -> Answer:
    async with Client(url) as client:
        return await client.ask(*address)


def beyond(widget: str, kind: str, chance: random.Random) -> WidgetState:
    """A value of the kind that the widget has, which it never offers."""
    state = WidgetState(id=widget)
    number = chance.choice([1e9, -5.0, 0.5, 1e308, -1e308])
    text = chance.choice(["", "x" * 10**4, "![](//a.bc/x.png)", "\x00", "../../etc/passwd"])
    if kind == "slider":
        # Streamlit itself reads a number input's NaN as an integer and fails, for this one visitor.
        number = chance.choice([number, math.nan, math.inf, -math.inf])
        state.double_array_value.data.extend([number] * chance.choice([0, 1, 1, 2]))
    elif kind == "number_input":
        state.double_value = number
    elif kind in ("multiselect", "button_group"):
        state.string_array_value.data.extend([text] * chance.choice([0, 1, 2]))
    elif kind == "bidi_component":
        state.json_value = json.dumps(dict.fromkeys(SENT, chance.choice(ODD)))
    elif kind == "checkbox":
        state.bool_value = chance.random() < 0.5
    else:
        state.string_value = text
    return state


@pytest.mark.parametrize("megabytes", [3, 30])
def test_a_message_larger_than_any_that_a_page_sends_is_refused(dashboard: str, megabytes: int) -> None:
    """Its sender loses the connection, and no visit holds so much."""

    async def attack() -> None:
        async with Client(dashboard) as client:
            with pytest.raises(ConnectionClosedError, match="message too big"):
                await client.ask("", "", [WidgetState(id="x", string_value="x" * (megabytes * 10**6))])
        assert not (await ask(dashboard, ("", ""))).exceptions

    run(attack())


@pytest.mark.parametrize("address", ADDRESSES)
def test_values_that_no_widget_offers_are_no_exception_and_other_kinds_harm_nobody_else(
    dashboard: str, address: tuple[str, str]
) -> None:
    async def attack() -> None:
        chance = random.Random(repr(address))
        async with Client(dashboard) as client:
            seen = await client.ask(*address)
            for n in (1, 1, 3, 3, len(seen.widgets)):
                chosen = chance.sample([*seen.widgets.items()], min(n, len(seen.widgets)))
                answer = await client.ask(*address, [beyond(*widget, chance) for widget in chosen])
                assert answer.exceptions == []
            for _ in range(3):
                await client.ask(*address, [odd_values(widget, chance) for widget in seen.widgets])
        after = await ask(dashboard, address)
        assert (after.widgets, after.alerts, after.exceptions) == (seen.widgets, seen.alerts, [])

    run(attack())


@pytest.mark.parametrize("name", LONG)
def test_a_link_of_half_a_megabyte_is_no_exception(dashboard: str, name: str) -> None:
    async def attack() -> None:
        for path, query in ADDRESSES:
            answer = await ask(dashboard, (path, f"{query}&{name}={'9' * 5 * 10**5}"))
            assert answer.exceptions == []
            assert answer.n_bytes < 2**21  # it is not sent back again and again

    run(attack())


def test_visits_that_go_before_they_are_answered_leave_the_pages_as_they_are(dashboard: str) -> None:
    async def attack() -> None:
        before = [await ask(dashboard, address) for address in ADDRESSES]
        came = Came()
        await reconnects(dashboard, came, 0, n_each=4)
        assert (came.failed, came.exceptions) == ([], [])
        after = [await ask(dashboard, address) for address in ADDRESSES]
        assert [(each.widgets, each.alerts) for each in after] == [(each.widgets, each.alerts) for each in before]

    run(attack())


def test_a_failure_is_logged_without_colours_which_cost_more_than_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert AppTest.from_string("1 / 0").run().exception
    assert "\x1b" not in capsys.readouterr().out


def test_a_button_is_pressed_by_a_value_of_any_kind(dashboard: str) -> None:
    async def attack() -> None:
        async with Client(dashboard) as client:
            seen = await client.ask("two_moons", TRAIN)
            state = WidgetState(id=seen.buttons["Train"], string_value="x")
            assert (await client.ask("two_moons", TRAIN, [state])).exceptions == []

    run(attack())


@pytest.mark.skipif(sys.platform != "linux", reason="Reads /proc.")
def test_a_server_reads_files_and_opens_pages_without_pandas() -> None:
    """Whose 50 MB and quarter of a second would be somebody's visit. A table that is opened may load it."""
    kinds: tuple[FileKind, ...] = ("csv", "npz", "parquet")
    files = {f"mine.{kind}": example_file(kind) for kind in kinds}
    files |= {"breast_cancer.csv": breast_cancer.data(), "mine.json": json.dumps({"probs": RANDOM.tolist()}).encode()}

    async def visit(url: str) -> None:
        for address in ADDRESSES:
            assert not (await ask(url, address)).exceptions
        for name, data in files.items():
            async with Client(url) as client:
                seen = await client.ask("threshold_lab", OWN)
                _, state = await client.brought(seen.uploader, name, data)
                read = await client.ask("threshold_lab", OWN, [state])
                assert not read.exceptions + read.alerts
                assert any(widget.endswith("-example") for widget in seen.widgets)
                assert not any(widget.endswith("-example") for widget in read.widgets)  # its own are shown

    with started("app.py") as server:
        run(visit(server.url))
        assert "/pandas/" not in Path(f"/proc/{server.pid}/maps").read_text()
