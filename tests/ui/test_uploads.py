"""One budget for the files of all visitors: what finds no room is dropped, and what is gone makes room."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import pytest
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.testing.v1 import AppTest

from tests import PATIENCE_S
from tests.app_pages import opened
from tests.fuzz_bombs import predictions_of
from tests.garbage import collect
from tests.prediction_files import npz
from ui import uploads
from ui.threshold import brought, source
from ui.uploads import Budget, Pace, content, keep_once, keep_pace, keep_within
from uqcore.types import UqError


class Kept:
    pass


def test_what_is_held_takes_room_as_long_as_it_lives() -> None:
    budget, first, second = Budget(100, lambda: 10), Kept(), Kept()
    budget.hold(first, 60)
    assert (budget.used, budget.room) == (70, 30)
    with pytest.raises(UqError, match="for the files of all its visitors are in use"):
        budget.hold(second, 31)
    del first
    collect()
    budget.hold(second, 90)
    assert budget.room == 0


def test_a_file_is_read_where_there_is_room_for_it_and_for_what_is_read() -> None:
    budget, kept = Budget(100, lambda: 20), Kept()
    with budget.reading(40) as room:
        assert room == 40
    budget.hold(kept, 10)
    with pytest.raises(UqError, match="in use"), budget.reading(40):
        pass
    with budget.reading(35):  # the refusal did not keep the place of the one who reads
        pass


def test_files_that_find_no_room_are_dropped_for_all_sessions_together() -> None:
    manager = MemoryUploadedFileManager("/upload")
    (stats,) = [lambda: sum(s.byte_length for found in manager.get_stats().values() for s in found)]
    budget = Budget(1000, stats)
    keep_within(budget, manager)
    for session in range(20):
        for number in range(3):
            manager.add_file(f"{session}", UploadedFileRec(f"{number}", "f.csv", "", bytes(300)))
    files = [file for s in range(20) for file in manager.get_files(f"{s}", ["0", "1", "2"])]
    assert sum(len(file.data) == 300 for file in files) == 3
    assert budget.used <= 1000 + 57 * 32
    manager.remove_session_files("0")
    for session in range(1, 20):
        manager.remove_session_files(f"{session}")
    manager.add_file("new", UploadedFileRec("0", "f.csv", "", bytes(300)))
    assert [len(file.data) for file in manager.get_files("new", ["0"])] == [300]


def test_a_dropped_file_is_a_sentence() -> None:
    manager = MemoryUploadedFileManager("/upload")
    keep_within(Budget(10, lambda: 0), manager)
    manager.add_file("s", UploadedFileRec("0", "f.csv", "", bytes(11)))
    (dropped,) = manager.get_files("s", ["0"])
    with pytest.raises(UqError, match="in use"):
        content(UploadedFile(dropped, None))  # type: ignore[arg-type]
    manager.add_file("s", UploadedFileRec("1", "f.csv", "", b"0123456789"))
    (kept,) = manager.get_files("s", ["1"])
    assert content(UploadedFile(kept, None)) == b"0123456789"  # type: ignore[arg-type]


def test_the_threshold_lab_says_that_there_is_no_room_and_reads_again_when_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probs = np.random.default_rng(0).dirichlet([0.3, 0.3], 2000).astype(np.float32)
    data = npz(probs=probs, labels=probs.argmax(axis=1))
    other, budget = Kept(), Budget(10**6, lambda: 0)
    budget.hold(other, 10**6 - 1000)
    monkeypatch.setattr(uploads, "BUDGET", budget)
    app = opened("pages/threshold_lab.py", predictions="Your own")
    app.file_uploader[0].set_value(("mine.npz", data, ""))
    app.run()
    assert not app.exception
    assert "files of all its visitors are in use" in app.warning[0].value
    del other
    collect()
    app.file_uploader[0].set_value(("again.npz", data, ""))
    app.run()
    assert any("**again\\.npz** accepts" in element.value for element in app.markdown)
    assert 0 < budget.used < 10**6


@pytest.mark.parametrize("n_classes", [1, 10])
def test_what_is_counted_of_a_file_is_what_it_takes(n_classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    columns = rng.dirichlet(np.full(max(n_classes, 2), 0.2), 100_000).astype(np.float32)
    probs = columns if n_classes > 1 else columns[:, 1]
    data = npz(probs=probs, labels=(columns.cumsum(axis=1) > rng.random((len(columns), 1))).argmax(axis=1).astype("u1"))

    def visited() -> tuple[AppTest, Budget]:
        budget = Budget(10**9, lambda: len(data))
        monkeypatch.setattr(uploads, "BUDGET", budget)
        app = opened("pages/threshold_lab.py", predictions="Your own")
        app.file_uploader[0].set_value(("mine.npz", bytes(bytearray(data)), ""))  # which come with the visit
        return app.run(), budget

    visited()  # what is imported and prepared at the first is no file's
    collect()
    tracemalloc.start()
    try:
        app, budget = visited()
        collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert any("**mine\\.npz** accepts" in element.value for element in app.markdown)
    assert 0.8 < budget.used / taken < 1.25


def test_a_file_of_more_examples_than_there_is_room_for_is_refused_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "BUDGET", Budget(10**7, lambda: 0))
    data = npz(probs=np.linspace(0, 1, 500_000, dtype=np.float32))
    tracemalloc.start()
    try:
        with pytest.raises(UqError, match=r"Expected at most 128,205 examples here\. Received 500,000; save fewer"):
            brought.read(data, "mine.npz")
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()
    assert len(brought.read(npz(probs=np.linspace(0, 1, 100_000, dtype=np.float32)), "mine.npz")["mine.npz"]) == 100_000


def test_what_is_large_is_worked_on_one_at_a_time_and_a_little_waits_for_nobody() -> None:
    budget = Budget(100, lambda: 0)

    def work(n_bytes: int | None) -> bool:
        with budget.turn(n_bytes):
            return True

    with ThreadPoolExecutor() as others:
        with budget.turn(), budget.turn():  # again, for who has it
            assert others.submit(work, 1000).result(PATIENCE_S)
            waiting = [others.submit(work, n_bytes) for n_bytes in (2**21, None)]
            with pytest.raises(TimeoutError):
                waiting[0].result(0.1)
            assert not waiting[1].done()
        assert [each.result(PATIENCE_S) for each in waiting] == [True, True]


@pytest.mark.parametrize(("megabytes", "in_turn"), [(0.05, False), (2, True)])
def test_large_predictions_of_a_visitors_own_are_studied_in_turn(
    megabytes: float, in_turn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(10**9, lambda: 0)
    study = getattr(source, "study")  # noqa: B009  # which it only imports

    def also() -> bool:
        with budget.turn():
            return True

    with ThreadPoolExecutor() as others:
        asked: list[Future[bool]] = []

        def noted(*arguments: Any) -> Any:
            asked.append(others.submit(also))
            if in_turn:
                with pytest.raises(TimeoutError):
                    asked[-1].result(0.1)
            else:
                assert asked[-1].result(PATIENCE_S)
            return study(*arguments)

        monkeypatch.setattr(uploads, "BUDGET", budget)
        app = opened("pages/threshold_lab.py", predictions="Your own")
        monkeypatch.setattr(source, "study", noted)
        app.file_uploader[0].set_value(("mine.npz", predictions_of(megabytes), ""))
        app.run()
        assert not app.exception
        (other,) = asked
        assert other.result(PATIENCE_S)  # it was given back


def test_so_many_bytes_a_second_are_read_of_all_uploads_together() -> None:
    now = 0.0
    pace = Pace(rate=100, now=lambda: now)
    assert [pace.wait_s(50), pace.wait_s(50)] == [0.5, 1.0]  # whoever sends them
    now = 10.0  # what nobody asked for is not saved up
    assert pace.wait_s(100) == 1.0


@pytest.mark.parametrize("rate", [1e9, 1e6])
def test_a_body_is_read_whole_at_any_pace(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MultiPartParser, "parse", MultiPartParser.parse)  # and so put back
    waits = list[float]()
    monkeypatch.setattr(asyncio, "sleep", partial(_noted_sleep, waits))
    keep_pace(Pace(rate))
    head = b'--edge\r\nContent-Disposition: form-data; name="f"; filename="f.npz"\r\n\r\n'
    data = np.random.default_rng(0).bytes(400_000)

    async def body() -> AsyncGenerator[bytes, None]:
        whole = head + data + b"\r\n--edge--\r\n"
        for i in range(0, len(whole), 65_536):
            yield whole[i : i + 65_536]

    async def read() -> bytes:
        headers = Headers({"Content-Type": "multipart/form-data; boundary=edge"})
        (file,) = (await MultiPartParser(headers, body()).parse()).values()
        assert isinstance(file, UploadFile)
        read = await file.read()
        await file.close()
        return read

    with ThreadPoolExecutor() as threads:  # a browser's loop may run in this one
        assert threads.submit(lambda: asyncio.run(read())).result(PATIENCE_S) == data
    assert bool(waits) == (rate == 1e6)
    assert sum(waits) == 0 or max(waits) <= len(data) / rate + 1


async def _noted_sleep(waits: list[float], seconds: float) -> None:
    waits.append(seconds)


@pytest.mark.parametrize("text", ["much", "-1", "0", "nan", "inf"])
def test_a_setting_that_is_none_is_a_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(uploads.VARIABLE, text)
    with pytest.raises(UqError, match="UQCORE_UPLOADS_MB must be a number of megabytes above 0"):
        uploads.budget_of_environment()


def test_a_copy_of_a_file_is_of_the_same_bytes_and_read_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 1000
    file = UploadedFile(UploadedFileRec("id", "mine.npz", "", data), FileURLs())
    monkeypatch.setattr(UploadedFile, "__deepcopy__", None, raising=False)  # and so taken away again
    keep_once()
    copied = deepcopy(file)
    assert copied == file
    assert copied is not file
    assert copied.getvalue() is data
    assert copied.read(3) == data[:3]
    assert (file.tell(), copied.name, copied.size) == (0, "mine.npz", len(data))
    copied.write(b"changed")
    assert file.getvalue() == data
