"""The worker as a process: its protocol, whatever is sent to it or printed in it, and that it never stays behind."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import IO, Any

import numpy as np
import pytest

from tests import ROOT
from tests.live.settings import ALL, LONG, PATIENCE_S, TINY
from uqcore.live import Frame, Setting, Trained, messages, wire, worker
from uqcore.live.estimate import drawing_share
from uqcore.live.messages import PAUSE, RESUME, STEP
from uqcore.live.process import COMMAND, LEAN
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


def test_two_processes_give_equal_bits_with_one_thread_and_with_two(started: Any) -> None:
    setting, digests = replace(ALL, n_points=200, width=32, depth=2, epochs=3), set()
    for n_threads in ("1", "2"):
        process = started(*COMMAND, n_threads)
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
    assert 2.0 * sum(drawn) / now[0] == pytest.approx(drawing_share(TINY), abs=0.05)
