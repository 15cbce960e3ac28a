"""Models of a visit, and one of them in the server's own store."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import ROOT
from tests.garbage import collect
from uqcore.models.sampling import load_posterior
from uqcore.store import Store, StoreError, all_files
from uqcore.trainings import visit as visits
from uqcore.trainings.visit import ALLOW_VARIABLE, CHECKPOINTS, Visit, may_save, save
from uqcore.types import ModelRecord, UqError


@pytest.fixture
def record(committed: Store) -> ModelRecord:
    return committed.find("digits", "deterministic")  # in half precision, with tables


@pytest.fixture
def visit(committed: Store, record: ModelRecord) -> Visit:
    visit = Visit()
    visit.store.take(committed, record)
    visit.keep(record.model_id, "Mine")
    return visit


@contextmanager
def living(code: str, temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process whose temporary files lie in ``temporary``, and the folder that it has printed."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def test_what_a_killed_server_left_is_removed_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    old, over, before, strange, new, other = (
        f"uqcore-visit-{gone.pid}-a",
        f"uqcore-visit-{gone.pid}-b",
        f"uqcore-visit-{os.getpid()}-c",  # in a container every server may have the same number,
        f"uqcore-visit-{os.getppid()}-e",  # or that of a process which has nothing to do with it
        f"uqcore-visit-{gone.pid}-d",
        "other",
    )
    for name in (old, over, before, strange, new, other):
        (tmp_path / name).mkdir()
        if name in (old, new):
            (tmp_path / name / CHECKPOINTS).mkdir()
        if name not in (over, new):
            os.utime(tmp_path / name, (0, 0))
    visit = Visit()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([new, other, visit.store.root.name])
    assert visits.sweep() == [tmp_path / new], "which a training may go on with"
    assert visit.store.root.is_dir()


def test_what_a_server_holds_stays_whatever_its_number_and_goes_once_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers in containers that share one ``/tmp`` do not see each other's processes."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    code = "from uqcore.trainings.visit import Visit; visit = Visit(); print(visit.store.root, flush=True); input()"
    with living(code, tmp_path) as (process, folder):
        held = tmp_path / f"uqcore-visit-{gone.pid}-x"
        folder.rename(held)
        for _ in range(2):
            assert visits.sweep() == []
            assert held.is_dir()
        process.kill()
    assert visits.sweep() == []
    assert not held.exists()


def test_temporary_files_of_a_process_go_with_it_or_once_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow generates code into such files, and leaves them where it is killed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with visits.temporary_files():
        assert Path(tempfile.mkdtemp()).parent.parent == tmp_path
        assert visits.sweep() == []
        assert Path(tempfile.mkdtemp()).is_dir()
    assert tempfile.tempdir == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
    code = (
        "import tempfile; from uqcore.trainings.visit import temporary_files\n"
        "with temporary_files(): print(tempfile.mkdtemp(), flush=True); input()"
    )
    with living(code, tmp_path) as (process, made):
        visits.sweep()
        assert made.is_dir()
        process.kill()
    assert made.is_dir()
    with visits.temporary_files():
        assert not made.exists()
    assert list(tmp_path.iterdir()) == []


def test_where_no_temporary_file_can_be_written_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UqError, match=r"Temporary files cannot be written .*; TMPDIR names"), visits.temporary_files():
        pass


def test_a_visit_is_kept_for_the_next_server_while_it_trains(visit: Visit, record: ModelRecord) -> None:
    assert not (visit.store.root / CHECKPOINTS).exists()
    visit.begin()
    visit.begin()
    assert (visit.store.root / CHECKPOINTS).is_dir()
    visit.keep(record.model_id, "Trained")
    assert not (visit.store.root / CHECKPOINTS).exists()
    visit.begin()
    (visit.store.root / CHECKPOINTS / "0123").mkdir()
    visit.keep(record.model_id, "While another one was stopped")
    assert (visit.store.root / CHECKPOINTS / "0123").is_dir()


def test_a_training_goes_on_where_a_server_that_is_gone_was_with_it(
    committed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    part, complete, other = (committed.find("moons", method) for method in ("deterministic", "sngp", "svi_flipout"))
    before = Visit()
    for record in (part, complete, other):
        before.store.take(committed, record)
    before.keep(complete.model_id, "Complete")
    (before.store.root / "checkpoints" / "0123").mkdir(parents=True)
    (before.store.root / "checkpoints" / "0123" / "state").write_text("epoch 7")
    before.leave()  # as when the server ends while it trains
    root = before.store.root
    del before
    collect()
    assert root.is_dir()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    root.rename(tmp_path / f"uqcore-visit-{gone.pid}-x")
    after = Visit()
    after.go_on({part.model_id, complete.model_id})
    assert after.store.records() == (part,), "not what was complete, nor what another order needs"
    assert (after.store.root / "checkpoints" / "0123" / "state").read_text() == "epoch 7"
    assert after.names == ()


def test_models_have_names_and_parts_have_none(visit: Visit, committed: Store, record: ModelRecord) -> None:
    visit.store.take(committed, committed.find("digits", "deterministic", 1))
    assert visit.models("digits") == {"Mine": record}
    assert visit.models("moons") == {}


def test_the_oldest_is_let_go_where_a_visit_has_too_much(
    visit: Visit, committed: Store, record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.store.take(committed, committed.find("digits", "mc_dropout"))  # of the first one's arrays
    visit.keep("digits-mc_dropout-seed0", "Shares")
    monkeypatch.setattr(visits, "MOST_BYTES", 0)
    sngp = committed.find("moons", "sngp")
    visit.store.take(committed, sngp)
    visit.keep(sngp.model_id, "New")
    assert visit.names == ("New",)
    assert visit.store.records() == (sngp,)
    assert {path.name for path in visit.store.root.iterdir() if path.is_dir()} == {
        Path(file.path).parent.name for file in all_files(sngp)
    }


def test_a_saved_model_is_the_same_bytes_and_answers_alike(visit: Visit, record: ModelRecord, tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    save(visit, record, store)
    assert store.records() == (record,)
    assert all(check.problem is None for check in store.verify())
    x = np.zeros((2, 28, 28, 1), np.float32)
    mine, theirs = (load_posterior(each, record).draw(x, [0]) for each in (visit.store, store))
    np.testing.assert_array_equal(mine, theirs)
    save(visit, record, store)  # again
    assert store.records() == (record,)


def test_a_damaged_model_is_not_saved(visit: Visit, record: ModelRecord, tmp_path: Path) -> None:
    (visit.store.root / record.files[0].path).write_bytes(b"x")
    store = Store(tmp_path / "models")
    with pytest.raises(StoreError, match="damaged") as refused:
        save(visit, record, store)
    assert str(visit.store.root) not in str(refused.value)
    assert store.records() == ()


def test_a_store_that_cannot_be_written_is_one_sentence_without_its_folder(
    visit: Visit, record: ModelRecord, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written") as refused:
        save(visit, record, Store(tmp_path / "file"))
    assert str(tmp_path) not in str(refused.value)


def test_a_path_out_of_the_store_is_not_taken(visit: Visit, record: ModelRecord, tmp_path: Path) -> None:
    outside = replace(record, files=(replace(record.files[0], path="../x"),))
    with pytest.raises(StoreError):
        Store(tmp_path / "models").take(visit.store, outside)


def test_saving_is_off_unless_the_operator_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    assert not may_save()
    monkeypatch.setenv(ALLOW_VARIABLE, "0")
    assert not may_save()
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    assert may_save()
