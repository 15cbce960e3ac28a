"""`make load`: visitors at a fresh server of the dashboard, who open pages and move their sliders; one line of JSON.

A visitor is a websocket: it opens a page, moves eight random sliders of it about one second apart, and goes on to
another page. What is told: milliseconds from a move to its answer, CPU of the server a move with openings counted in,
and memory.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from websockets.typing import Origin, Subprotocol

from tests.browsing import started
from tests.fuzz_bombs import predictions_of
from tests.hostile_client import Client
from tests.replicas import behind_nginx
from uqcore.live import PRESETS
from uqcore.live.jobs import Jobs

PAGES = ("", "two_moons", "digit_lab", "threshold_lab", "regression", "gallery", "reproductions")
N_MOVES = 8  # on a page before the next
OWN_FILE = "threshold_lab", "predictions=Your+own"
_STAY_S = 20  # with a file of one's own, before the next is brought
_ANSWER_S = 60  # later is a failure
_FINISHED = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)  # a superseded run goes on


@dataclass
class Seen:
    """Page -> milliseconds of its openings and of the moves on it, files shown, and a line for each failure."""

    openings: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    moves: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    uploads: int = 0
    failed: list[str] = field(default_factory=list)


class Visitor:
    """One visit, its choices drawn from its number."""

    def __init__(self, number: int, url: str, pages: Sequence[str], seen: Seen) -> None:
        self.number, self.pages, self.seen = number, pages, seen
        self.url, self.origin = url.replace("http", "ws", 1) + "/_stcore/stream", Origin(url)
        self.rng, self.page = random.Random(number), ""
        self.sliders: dict[str, tuple[Slider, str]] = {}  # with the fragment that each belongs to

    async def visit(self, until: float) -> None:
        try:
            async with websockets.connect(
                self.url, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None, origin=self.origin
            ) as socket:
                await asyncio.sleep(self.rng.random())
                while time.monotonic() < until:
                    await self._stay(socket, until)
        except Exception as error:  # whatever it is, a visitor has seen it
            self.seen.failed.append(f"visitor {self.number} on {self.page}: {type(error).__name__}: {error}"[:120])

    async def _stay(self, socket: websockets.ClientConnection, until: float) -> None:
        self.page, self.sliders = self.rng.choice(self.pages), {}
        state: dict[str, float] = {}
        self.seen.openings[self.page or "home"].append(await self._answered(socket, state, ""))
        for _ in range(N_MOVES):
            if not self.sliders or time.monotonic() >= until:
                return
            await asyncio.sleep(self.rng.expovariate(1.0))
            chosen, (slider, fragment) = self.rng.choice(list(self.sliders.items()))
            steps = round((slider.max - slider.min) / slider.step) if slider.step else 1
            state[chosen] = slider.min + slider.step * self.rng.randint(0, steps)
            self.seen.moves[self.page or "home"].append(await self._answered(socket, state, fragment))

    async def _answered(self, socket: websockets.ClientConnection, state: dict[str, float], fragment: str) -> float:
        """Sends the state of the sliders and waits until the script, or that fragment of it, has run to its end;
        milliseconds."""
        started = time.perf_counter()
        asked = BackMsg()
        asked.rerun_script.page_name, asked.rerun_script.fragment_id = self.page, fragment
        for name, value in state.items():
            widget = asked.rerun_script.widget_states.widgets.add()
            widget.id = name
            widget.double_array_value.data.append(value)
        await socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(await asyncio.wait_for(socket.recv(), _ANSWER_S))
            if message.HasField("delta") and message.delta.HasField("new_element"):
                element = message.delta.new_element
                if element.HasField("exception"):
                    self.seen.failed.append(f"{self.page}: {element.exception.message[:80]}")
                if element.HasField("slider") and len(element.slider.default) == 1:
                    self.sliders[element.slider.id] = element.slider, message.delta.fragment_id
            if message.WhichOneof("type") == "script_finished" and message.script_finished in _FINISHED:
                return 1000 * (time.perf_counter() - started)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which ``share`` of the others lie; None of none."""
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1) if values else None


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int, name: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (peak) of a process."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1024, 1) if found else float("nan")


@contextmanager
def training(n: int) -> Iterator[None]:
    """As many trainings of two moons as the tutorial's, one after the other, by a queue beside the server."""
    jobs, seeds, over = Jobs(n_workers=max(1, n)), itertools.count(), threading.Event()

    def train(owner: str) -> None:
        while not over.is_set():
            jobs.submit(owner, replace(PRESETS["tutorial"], seed=next(seeds)))
            while not over.wait(1):
                job = jobs.job(owner)
                if job is None or job.state.is_over:
                    break

    threads = [threading.Thread(target=train, args=(f"owner {i}",), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        jobs.close()


async def uploads(url: str, number: int, until: float, seen: Seen) -> None:
    """A visit after the other with a megabyte of predictions of its own, which is shown."""
    while time.monotonic() < until:
        try:
            async with Client(url) as client:
                status, brought = await client.brought(
                    (await client.ask(*OWN_FILE)).uploader, "own.npz", predictions_of(1.0, number)
                )
                answer = await client.ask(*OWN_FILE, [brought])
                if status != 204 or answer.alerts or answer.exceptions:
                    raise ValueError(f"status {status}, {answer.alerts} {answer.exceptions}")
                seen.uploads += 1
                await asyncio.sleep(_STAY_S)
        except Exception as error:
            seen.failed.append(f"upload {number}: {type(error).__name__}: {error}"[:120])
            await asyncio.sleep(_STAY_S)


async def visits(
    url: str, pids: Sequence[int], n: int, seconds: float, pages: Sequence[str], n_uploaders: int = 0
) -> dict[str, object]:
    """What ``n`` visitors meet in ``seconds``, and what they cost the servers ``pids``, all of them together.

    The last ``n_uploaders`` of them bring files of their own in place of moving sliders.
    """
    seen, started, before = Seen(), time.monotonic(), sum(map(cpu_seconds, pids))
    until, n_movers = started + seconds, n - n_uploaders
    memory: list[tuple[float, float]] = []

    def all_of(name: str) -> float:
        return round(sum(megabytes(pid, name) for pid in pids), 1)

    async def watch() -> None:
        while True:
            memory.append((time.monotonic() - started, all_of("VmRSS")))
            await asyncio.sleep(max(1.0, seconds / 60))

    watching = asyncio.create_task(watch())
    movers = (Visitor(i, url, pages, seen).visit(until) for i in range(n_movers))
    await asyncio.gather(*movers, *(uploads(url, i, until, seen) for i in range(n_movers, n)))
    watching.cancel()
    moves = [ms for page in seen.moves.values() for ms in page]
    openings = [ms for page in seen.openings.values() for ms in page]
    cpu = sum(map(cpu_seconds, pids)) - before
    half = [mb for at, mb in memory if at >= seconds / 2]
    return {
        "visitors": n,
        "seconds": seconds,
        "moves": len(moves),
        "openings": len(openings),
        "uploads": seen.uploads,
        "p50_ms": quantile(moves, 0.5),
        "p95_ms": quantile(moves, 0.95),
        "p99_ms": quantile(moves, 0.99),
        "opening_p50_ms": quantile(openings, 0.5),
        "opening_p95_ms": quantile(openings, 0.95),
        "cpu_s": round(cpu, 1),
        "cpu_ms_a_move": round(1000 * cpu / max(1, len(moves)), 1),
        "peak_mb": all_of("VmHWM"),
        "end_mb": all_of("VmRSS"),
        "grown_in_second_half_mb": round(half[-1] - half[0], 1) if half else None,
        "failed": len(seen.failed),
        "examples": seen.failed[:3],
        "pages": {
            page: {"moves": len(ms), "p50_ms": quantile(ms, 0.5), "p95_ms": quantile(ms, 0.95)}
            for page, ms in sorted(seen.moves.items())
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--trainings", type=int, default=0, help="of two moons, that go on all the while")
    parser.add_argument("--uploads", type=int, default=0, help="so many of the visitors bring files of their own")
    parser.add_argument("--app", default="app.py", help="another Streamlit script, to compare with")
    parser.add_argument("--replicas", type=int, default=0, help="so many servers behind nginx, as deploy/ has them")
    parser.add_argument("pages", nargs="*", default=PAGES)
    arguments = parser.parse_args()
    with ExitStack() as opened:
        opened.enter_context(training(arguments.trainings))
        if arguments.replicas:
            url, pids = opened.enter_context(behind_nginx(arguments.app, arguments.replicas))
        else:
            server = opened.enter_context(started(arguments.app))
            url, pids = server.url, (server.pid,)
        met = visits(url, pids, arguments.visitors, arguments.seconds, arguments.pages, arguments.uploads)
        print(json.dumps(asyncio.run(met)))


if __name__ == "__main__":
    main()
