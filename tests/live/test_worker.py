"""The worker as a process: its protocol, whatever is sent to it or printed in it, and that it never stays behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from tests import PATIENCE_S, ROOT
from tests.live.settings import ALL, LONG, TINY, until
from tests.workers.processes import alive
from uqcore.live import Frame, Setting, Trained, messages, wire, worker
from uqcore.live.messages import PAUSE, RESUME, STEP
from uqcore.live.process import COMMAND, LEAN
from uqcore.live.split import DRAWING_SHARE, split
from uqcore.live.worker import Gate
from uqcore.types import UqError

NOISY = """
import os, sys
import uqcore.live.worker as worker
train = worker.train
def noisy(*arguments):
    for shown in train(*arguments):
        print("a print in the middle of it", flush=True)
        os.write(1, b"and one below Python")
        print("x" * 200_000, file=sys.stderr)
        yield shown
worker.train = noisy
os._exit(worker.main())
"""

SECOND_FAILS = """
import os
import uqcore.live.worker as worker
from uqcore.live.half import Half
from uqcore.types import UqError
first, learn = os.getpid(), Half.learn
def failing(half):
    if os.getpid() != first:
        raise UqError("it is the second one")
    return learn(half)
Half.learn = failing
os._exit(worker.main(2))
"""


@pytest.fixture
def started() -> Iterator[Any]:
    """``(*arguments) -> Popen`` of a worker; whatever is left of it at the end is killed."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *(arguments or COMMAND)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=os.environ | LEAN,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(OSError):  # what it had not read
                stream.close()


def tell(process: subprocess.Popen[bytes], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def shown(stream: IO[bytes], setting: Setting) -> Iterator[Frame | Trained]:
    while (message := wire.read(stream)) is not None:
        yield messages.from_message(setting, message)


def digest(last: Frame | Trained) -> str:
    assert isinstance(last, Trained)
    hashed = hashlib.sha256()
    for method, networks in last.arrays.items():
        for network in networks:
            for name, array in sorted(network.items()):
                hashed.update(f"{method}{name}".encode() + np.ascontiguousarray(array).data)
    for method, table in last.tables.items():
        for name, array in sorted(table.items()):
            hashed.update(f"{method}{name}".encode() + np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def test_a_training_gives_equal_bits_in_one_process_and_in_two(started: Any) -> None:
    # Seven members: the second process has some that belong to the ensemble's first five, which are drawn.
    setting, digests = replace(ALL, n_points=200, width=32, depth=2, epochs=3, n_members=7), set()
    assert split(setting, 2)
    for n_processes in ("1", "2"):
        process = started(*COMMAND, n_processes)
        tell(process, setting.to_json())
        *_, last = shown(process.stdout, setting)
        digests.add(digest(last))
        assert process.wait(PATIENCE_S) == 0
    assert len(digests) == 1


def test_what_anybody_prints_breaks_nothing(started: Any) -> None:
    process = started("-c", NOISY)
    tell(process, TINY.to_json())
    assert [type(each) for each in shown(process.stdout, TINY)] == [Frame, Frame, Trained]
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("garbage", "Expected JSON"),
        ("{}", "a setting must have the fields"),
        (TINY.to_json().replace('"epochs": 2', '"epochs": 0'), "epochs must be a whole number from 1 to 300"),
    ],
)
def test_a_line_that_is_no_setting_is_answered_with_a_sentence(started: Any, line: str, problem: str) -> None:
    process = started()
    tell(process, line)
    with pytest.raises(UqError, match=problem):
        list(shown(process.stdout, TINY))
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("sent", [b"", b'{"kind": "moo'])
def test_without_a_whole_line_it_ends(started: Any, sent: bytes) -> None:
    process = started()
    out, _ = process.communicate(sent, PATIENCE_S)
    assert out == b""
    assert process.returncode == 3


def test_it_ends_with_its_input_in_the_middle_of_a_training(started: Any) -> None:
    process = started()
    tell(process, LONG.to_json())
    assert next(shown(process.stdout, LONG))
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 3


def test_a_paused_one_ends_with_its_input_too(started: Any) -> None:
    process = started()
    tell(process, LONG.to_json())
    tell(process, PAUSE)
    assert next(shown(process.stdout, LONG))
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 3


def seconds_of(pid: int) -> list[int]:
    """The processes that a worker has started."""
    return [int(pid) for task in Path(f"/proc/{pid}/task").glob("*/children") for pid in task.read_text().split()]


@pytest.mark.parametrize("end", ["killed", "its input ends"])
def test_a_second_process_ends_with_the_first_in_the_middle_of_an_epoch(started: Any, end: str) -> None:
    setting = replace(Setting(), n_points=2000, width=256, epochs=10, svi_epochs=3)  # an epoch takes a second
    process = started(*COMMAND, "2")
    tell(process, setting.to_json())
    until(lambda: seconds_of(process.pid))
    (second,) = seconds_of(process.pid)
    if end == "killed":
        process.kill()
    else:
        process.stdin.close()
    process.wait(PATIENCE_S)
    until(lambda: not alive(second))


def test_a_second_process_that_is_killed_is_a_sentence(started: Any) -> None:
    process = started(*COMMAND, "2")
    tell(process, replace(ALL, epochs=300, n_points=2000).to_json())
    frames = shown(process.stdout, ALL)
    next(frames)
    for second in seconds_of(process.pid):
        os.kill(second, signal.SIGKILL)
    with pytest.raises(UqError, match="One of the training's two processes was ended by the system; train again"):
        list(frames)
    assert process.wait(PATIENCE_S) == 0


def test_what_fails_in_the_second_process_is_said_by_the_first(started: Any) -> None:
    process = started("-c", SECOND_FAILS)
    tell(process, ALL.to_json())
    with pytest.raises(UqError, match="it is the second one"):
        list(shown(process.stdout, ALL))
    assert process.wait(PATIENCE_S) == 0


def test_paused_it_goes_on_an_epoch_at_a_time_and_then_to_the_end(started: Any) -> None:
    setting = replace(TINY, epochs=6)
    process = started()
    # The commands are there before the first epoch ends: each epoch below is one that was asked for.
    tell(process, "\n".join((setting.to_json(), PAUSE, STEP, STEP)))
    frames = shown(process.stdout, setting)
    assert [next(frames).epoch for _ in range(3)] == [1, 2, 3]  # type: ignore[union-attr]
    tell(process, "no such command")
    tell(process, RESUME)
    assert [type(frame) for frame in frames] == [Frame] * 3 + [Trained]


def test_an_epoch_after_the_last_one_is_the_end(started: Any) -> None:
    process = started()
    tell(process, "\n".join((TINY.to_json(), PAUSE, *[STEP] * TINY.epochs)))
    assert [type(each) for each in shown(process.stdout, TINY)] == [Frame, Frame, Trained]
    assert process.wait(PATIENCE_S) == 0


def test_too_little_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> Iterator[Frame]:
        raise MemoryError

    monkeypatch.setattr(worker, "train", full)
    monkeypatch.setattr("uqcore.live.worker.resource.setrlimit", lambda kind, limits: None)
    out = BytesIO()
    worker.run(TINY.to_json().encode(), 1, Gate(), out)
    out.seek(0)
    with pytest.raises(UqError, match="Expected a training that fits into memory"):
        list(shown(out, TINY))


def test_the_gate_draws_the_first_and_the_last_epoch_and_not_more_than_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("uqcore.live.worker.time.monotonic", lambda: now[0])
    gate = Gate()
    wanted, drawn = gate.wanted(replace(TINY, epochs=100)), []
    for epoch in range(1, 101):
        now[0] += 1.0
        drawn.append(wanted(epoch))
        now[0] += 2.0 * drawn[-1]
        gate.passed()
    assert drawn[0]
    assert drawn[-1]
    assert 2.0 * sum(drawn) / now[0] == pytest.approx(DRAWING_SHARE, abs=0.05)
