"""`make attack`: hostile visitors at a fresh server of the dashboard, while others work with it; a line of JSON each.

An attack lasts as long as it is told, or until its last visitor is answered. Told are the p95 of the others before,
while it lasts and after; the memory of the server and its processes, at its most and a minute later; and what came:
exceptions, sentences, the longest wait of a hostile visitor. The exit code is 1 where a page was down.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.browsing import Server, started
from tests.fuzz_bombs import BOMBS, predictions_of
from tests.hostile_client import Answer, Client
from tests.load import PAGES, cpu_seconds
from tests.others import Others

OWN = "predictions=Your+own"
TRAIN = "models=Train+now"
_BACK_S = 70  # the 40 seconds in which a lost visit may come back, and then some


@dataclass
class Came:
    """What the hostile visitors met."""

    waits: list[float] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    largest: int = 0

    async def note(self, asked: Awaitable[Answer]) -> Answer | None:
        began = time.monotonic()
        try:
            answer = await asked
        except Exception as error:  # whatever a server does to a hostile visitor is told
            self.failed.append(f"{type(error).__name__}: {error}"[:120])
            return None
        finally:
            self.waits.append(time.monotonic() - began)
        self.alerts += answer.alerts
        self.exceptions += answer.exceptions
        self.largest = max(self.largest, answer.n_bytes)
        return answer


Attack = Callable[[str, Came, float], Coroutine[Any, Any, None]]


def odd_values(widget: str, chance: random.Random) -> WidgetState:
    """A value that no page offers, of a kind that the widget may not even have."""
    state = WidgetState(id=widget)
    way = chance.randrange(9)
    number = chance.choice([1e9, -5.0, 0.5, float("nan"), float("inf"), -float("inf"), 1e308, 50.0])
    if way < 3:
        state.double_array_value.data.extend([number] * chance.choice([0, 1, 1, 2, 1000]))
    elif way == 3:
        state.double_value = number
    elif way == 4:
        state.int_value = chance.choice([-(2**63), 2**63 - 1, 10**6, -1])
    elif way == 5:
        state.string_value = chance.choice(["", "x" * 10**5, "![](//a.bc/x.png)", "\x00", "../../etc/passwd"])
    elif way == 6:
        state.string_array_value.data.extend([chance.choice(["", "nothing", "<b>"])] * chance.choice([0, 1, 1000]))
    elif way == 7:
        state.int_array_value.data.extend([chance.choice([-1, 10**12])] * chance.choice([0, 1, 100]))
    else:
        state.json_value = chance.choice(["{", "[[[[", '{"point": [1e999, null]}', '{"threshold": "x"}', "null"])
    return state


async def widgets(url: str, came: Came, seconds: float) -> None:
    """Values out of their range for every widget of every page."""

    async def one(number: int) -> None:
        chance, until = random.Random(number), time.monotonic() + seconds
        while time.monotonic() < until:
            async with Client(url) as client:
                page = chance.choice(PAGES)
                seen = await came.note(client.ask(page))
                for _ in range(5):
                    if seen is None or not seen.widgets or time.monotonic() >= until:
                        break
                    chosen = chance.sample([*seen.widgets], min(3, len(seen.widgets)))
                    await came.note(client.ask(page, "", [odd_values(widget, chance) for widget in chosen]))
                    await asyncio.sleep(0.2)

    await asyncio.gather(*(one(i) for i in range(3)))


async def links(url: str, came: Came, seconds: float) -> None:
    """A megabyte in one parameter, in a hundred thousand of them, in those that hold a picture or a drawing."""
    queries = ["&".join(f"a{i}=1" for i in range(n)) for n in (50_000, 100_000)]
    for long in ("9" * 10**6, "9" * 5 * 10**5):  # Streamlit leaves out what is longer than 512 KiB
        names = ("points", "roles", "drawing", "picture", "point", "methods_7", "t_points", "tour", "y_noise")
        queries += [f"{name}={long}" for name in names]
    queries += [f"y_noise={'%5B' * 160_000}", "points=" + "1,1;" * 120_000, "t_points=" + "0,0,1;" * 80_000]
    until = time.monotonic() + seconds
    for page in PAGES:
        for query in queries:
            if time.monotonic() >= until:
                return
            async with Client(url) as client:
                await came.note(client.ask(page, query))


async def reconnects(url: str, came: Came, seconds: float, n_each: int = 20) -> None:
    """Two hundred visits, of ten visitors, that go before they are answered, or just after."""

    async def one(number: int) -> None:
        for i in range(n_each):
            page = PAGES[(number + i) % len(PAGES)]
            async with Client(url) as client:
                if i % 2:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(client.ask(page), 0.05)
                else:
                    await came.note(client.ask(page))

    await asyncio.gather(*(one(i) for i in range(10)))


async def _bring(url: str, came: Came, name: str, data: bytes, stay: asyncio.Event) -> None:
    async with Client(url) as client:
        seen = await came.note(client.ask("threshold_lab", OWN))
        if seen is None or not seen.uploader:
            came.failed.append("no uploader")
            return
        status, state = await client.brought(seen.uploader, name, data)
        if status != 204:
            came.failed.append(f"{name}: status {status}")
        await came.note(client.ask("threshold_lab", OWN, [state]))
        await stay.wait()


@cache
def _files(attack: str) -> list[tuple[str, bytes]]:
    """What each visitor of an attack brings, made before it begins."""
    if attack == "uploads":
        return [(f"{i}.npz", predictions_of(5, seed=i)) for i in range(50)]
    if attack == "upload":
        return [("large.npz", predictions_of(199))]
    made = [(name, make()) for name, make in BOMBS.items()] if attack == "bombs" else []
    return [made[i % len(made)] for i in range(20)] if made else []


async def _all_bring(url: str, came: Came, files: list[tuple[str, bytes]]) -> None:
    """All at once, and everybody stays until the last is answered."""
    stay, n_before = asyncio.Event(), len(came.waits)
    tasks = [asyncio.create_task(_bring(url, came, name, data, stay)) for name, data in files]
    while len(came.waits) - n_before < 2 * len(files) and not all(task.done() for task in tasks):
        await asyncio.sleep(0.2)
    stay.set()
    await asyncio.gather(*tasks)


async def uploads(url: str, came: Came, seconds: float) -> None:
    """Fifty visitors with 5 MB of predictions each."""
    await _all_bring(url, came, _files("uploads"))


async def upload(url: str, came: Came, seconds: float) -> None:
    """One visitor with 199 MB."""
    await _all_bring(url, came, _files("upload"))


async def bombs(url: str, came: Came, seconds: float) -> None:
    """Twenty visitors with a small file each that unpacks to a large one, and then twenty others, and so on."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await _all_bring(url, came, _files("bombs"))


async def points(url: str, came: Came, seconds: float) -> None:
    """Twenty visitors at once who have every method of the regression page fitted to points of their own."""

    async def one(number: int) -> None:
        chance = random.Random(f"{number} {time.time()}")
        query = "points=" + ";".join(f"{chance.uniform(-4, 4):.2f},{chance.uniform(-1, 1):.2f}" for _ in range(40))
        async with Client(url) as client:
            await came.note(client.ask("regression", query))

    await asyncio.gather(*(one(i) for i in range(20)))


async def trainings(url: str, came: Came, seconds: float) -> None:
    """Ten visitors who ask for one training after the other, each with another seed."""

    async def one(number: int) -> None:
        until = time.monotonic() + seconds
        async with Client(url) as client:
            seen = await came.note(client.ask("two_moons", TRAIN))
            for i in range(1000):
                if seen is None or time.monotonic() >= until:
                    return
                go = seen.buttons.get("Train", "")
                query = f"{TRAIN}&t_seed={1000 * number + i}"
                await came.note(client.ask("two_moons", query, [WidgetState(id=go, trigger_value=True)] if go else []))
                await asyncio.sleep(0.5)

    await asyncio.gather(*(one(i) for i in range(10)))


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (widgets, links, reconnects, points, trainings, uploads, upload, bombs)
}


def of_all_processes(pid: int) -> float:
    """Megabytes of a process and all that it has started, what they share counted once."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines()[1:]:
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    total, todo = 0.0, [pid]
    while todo:
        one = todo.pop()
        with suppress(OSError):  # it has ended meanwhile
            found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) / 1024 if found else 0.0
        todo += children.get(one, [])
    return total


async def attacked(server: Server, name: str, others: Others, seconds: float) -> dict[str, object]:
    """One attack, and what came of it."""
    before, n_before = await others.p95(asyncio.sleep(seconds))
    at_first, cpu, came = of_all_processes(server.pid), cpu_seconds(server.pid), Came()
    most, began = [at_first], time.monotonic()

    async def watch() -> None:
        while True:
            most.append(await asyncio.to_thread(of_all_processes, server.pid))
            await asyncio.sleep(0.3)

    watching = asyncio.create_task(watch())
    during, n_during = await others.p95(ATTACKS[name](server.url, came, seconds))
    took = time.monotonic() - began
    watching.cancel()
    spent = cpu_seconds(server.pid) - cpu
    after, _ = await others.p95(asyncio.sleep(seconds))
    back_in = time.monotonic()
    while (left := of_all_processes(server.pid) - at_first) > 100 and time.monotonic() - back_in < _BACK_S - seconds:
        await asyncio.sleep(2)
    return {
        "attack": name,
        "seconds": round(took, 1),
        "others_p95_ms": {"before": before, "while": during, "after": after},
        "others_moves": {"before": n_before, "while": n_during},
        "server_cpu_s": round(spent, 1),
        "grown_mb": {"most": round(max(most) - at_first), "a minute later": round(left)},
        "hostile": {
            "answers": len(came.waits),
            "longest_s": round(max(came.waits, default=0.0), 1),
            "largest_answer_mb": round(came.largest / 1e6, 2),
            "sentences": len(came.alerts),
            "for_example": sorted({line[:160] for line in came.alerts})[:4],
            "exceptions": sorted(set(came.exceptions))[:4],
            "unanswered": len(came.failed),
            "why": sorted(set(came.failed))[:3],
        },
        "others_failed": sorted(set(others.failed))[:3],
    }


async def all_attacks(server: Server, names: list[str], seconds: float) -> bool:
    """Whether every page stayed up for everybody."""
    async with Client(server.url) as client:
        for page in PAGES:  # what is prepared once a server is no attack's doing
            await client.ask(page)
    for name in names:
        _files(name)
    others, up = Others(server.url), True
    await asyncio.sleep(5)
    for name in names:
        said = await attacked(server, name, others, seconds)
        hostile = said["hostile"]
        assert isinstance(hostile, dict)
        # A value of another type than a widget's makes Streamlit's own reader fail, in the session that sent it alone.
        up = up and not said["others_failed"] and (name == "widgets" or not hostile["exceptions"])
        print(json.dumps(said), flush=True)
    others.leave()
    return up


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("attacks", nargs="*", help=", ".join(ATTACKS))
    arguments = parser.parse_args()
    if unknown := set(arguments.attacks) - set(ATTACKS):
        parser.error(f"unknown: {', '.join(unknown)}")
    with started("app.py") as server:
        up = asyncio.run(all_attacks(server, arguments.attacks or [*ATTACKS], arguments.seconds))
    return 0 if up else 1


if __name__ == "__main__":
    sys.exit(main())
