"""The store gives back exactly what it was given, refuses everything else in one sentence, and survives any kill."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests import PATIENCE_S, ROOT
from uqcore.store import Store, StoreError, default_store, journal
from uqcore.store import store as store_module
from uqcore.store.manifest import from_json, to_json
from uqcore.types import ModelRecord, StoredFile

ARRAYS = {
    "kernel": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
    "bias": np.array([-0.0, 5e-324]),
    "steps": np.array(2**62),
    "mask": np.array([True, False]),
}
TRAIN = "python -m uqcore train --task moons --method deterministic --seed 0"


def record_of(*files: StoredFile, method: str = "deterministic", seed: int = 0, **changes: Any) -> ModelRecord:
    record = ModelRecord(
        model_id=f"moons-{method}-seed{seed}",
        task="moons",
        method=method,
        seed=seed,
        config={"rate": 0.1, "tiny": 5e-324, "layers": 6, "big": 2**70, "on": True, "name": "é", "none": None},
        files=files,
        n_parameters=9,
        n_trainable=8,
        training_time_s=1 / 3,
        versions={"numpy": np.__version__},
        created="2025-01-01T00:00:00+00:00",
        metrics={"loss": 0.1 + 0.2},
    )
    return dataclasses.replace(record, **changes)


def stored(store: Store, arrays: dict[str, Any] = ARRAYS, **changes: Any) -> ModelRecord:
    record = record_of(**changes)
    record = dataclasses.replace(record, files=(store.save_arrays(record.model_id, arrays),))
    store.put(record)
    return record


def edit_row(store: Store, **changes: Any) -> None:
    """Change the first row of the manifest as a person with an editor would."""
    manifest = json.loads(store.manifest.read_text())
    manifest["models"][0].update(changes)
    del manifest["sha256"]
    store.manifest.write_text(json.dumps({**manifest, "format": 3}))


def write_file(store: Store, data: bytes) -> StoredFile:
    """A file whose digest is right whatever is in it, as a hostile or broken writer would leave it."""
    path = store.root / "moons-odd" / "weights.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return StoredFile("moons-odd/weights.npz", hashlib.sha256(data).hexdigest(), len(data))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


# It is read once, and again when it changes


def test_a_manifest_is_parsed_once_for_all_who_ask(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record = stored(store)
    parsed = []

    def note(text: bytes) -> tuple[ModelRecord, ...]:
        parsed.append(text)
        return from_json(text)

    monkeypatch.setattr(store_module, "from_json", note)
    for _ in range(3):
        assert Store(store.root).records() == (record,)
        assert Store(store.root).find("moons", "deterministic") == record
    assert len(parsed) == 1


@pytest.mark.parametrize("in_place", [True, False])
def test_a_change_of_the_same_length_is_seen(store: Store, in_place: bool) -> None:
    record = stored(store)
    assert store.records() == (record,)
    before = store.manifest.stat()
    text = to_json([dataclasses.replace(record, created="2026-01-01T00:00:00+00:00")]).decode()
    if in_place:
        store.manifest.write_text(text)
        os.utime(store.manifest, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:  # another file, even of the same time
        (store.root / "new").write_text(text)
        os.replace(store.root / "new", store.manifest)
        os.utime(store.manifest, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.manifest.stat().st_size == before.st_size
    assert store.records() == (dataclasses.replace(record, created="2026-01-01T00:00:00+00:00"),)


# What goes in comes out


def test_no_manifest_is_an_empty_store(store: Store) -> None:
    assert store.records() == () == store.verify()


def test_record_and_arrays_round_trip_exactly(store: Store) -> None:
    record = stored(store)
    (row,) = store.records()
    assert row == record == store.get(record.model_id) == store.find("moons", "deterministic")
    assert {name: type(value) for name, value in row.config.items()} == {
        name: type(value) for name, value in record.config.items()
    }
    (arrays,) = store.arrays(row)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert arrays[name].tobytes() == array.tobytes()


def test_any_mapping_serves_as_a_config(store: Store) -> None:
    record = stored(store, config=MappingProxyType({"rate": 0.1}))
    assert store.find("moons", "deterministic") == record


def test_loaded_arrays_are_read_only(store: Store) -> None:
    (arrays,) = store.arrays(stored(store))
    for array in arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_files_come_in_the_order_of_the_record(store: Store) -> None:
    files = [store.save_arrays(f"member{i}", {"i": np.array(i)}) for i in range(3)]
    record = record_of(files[2], files[0], files[1], method="ensemble")
    store.put(record)
    assert [int(arrays["i"]) for arrays in store.arrays(record)] == [2, 0, 1]


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    shuffled = {name: np.array(ARRAYS[name], order="F") for name in reversed(ARRAYS)}
    files = [Store(tmp_path / str(i)).save_arrays("m", arrays) for i, arrays in enumerate((ARRAYS, shuffled))]
    assert files[0] == files[1]
    first, second = ((tmp_path / str(i) / files[0].path).read_bytes() for i in range(2))
    assert first == second
    assert (hashlib.sha256(first).hexdigest(), len(first)) == (files[0].sha256, files[0].n_bytes)
    assert files[0].path == f"m-{files[0].sha256[:8]}/weights.npz"
    other = Store(tmp_path / "0").save_arrays("m", {**ARRAYS, "bias": np.array([0.0, 5e-324])})
    assert other.sha256 != files[0].sha256


def test_saving_again_reuses_an_intact_file_and_repairs_a_damaged_one(store: Store) -> None:
    record = stored(store)
    path = store.root / record.files[0].path
    inode = path.stat().st_ino
    assert store.save_arrays(record.model_id, ARRAYS) == record.files[0]
    assert path.stat().st_ino == inode
    path.write_bytes(b"damaged")
    store.save_arrays(record.model_id, ARRAYS)
    store.arrays(record)
    assert not list(store.root.glob(".tmp-*"))


def test_others_may_read_what_was_stored(store: Store) -> None:
    path = store.root / stored(store).files[0].path
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask == store.manifest.stat().st_mode & 0o777
    assert path.parent.stat().st_mode & 0o777 == 0o777 & ~umask


def test_default_store_is_the_repositorys_own_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UQCORE_MODELS", raising=False)
    assert default_store() == Store(ROOT / "cached_models")
    monkeypatch.setenv("UQCORE_MODELS", str(tmp_path))
    assert default_store() == Store(tmp_path)


def test_an_installed_package_has_its_models_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UQCORE_MODELS", raising=False)
    monkeypatch.setattr(store_module, "__file__", str(tmp_path / "site-packages" / "uqcore" / "store" / "store.py"))
    monkeypatch.chdir(tmp_path)
    assert default_store() == Store(tmp_path / "cached_models")


# Replacing a row


def test_replacing_a_row_removes_the_folders_that_no_row_uses(store: Store) -> None:
    old = stored(store)
    shared = record_of(*old.files, method="dropout")
    store.put(shared)
    new = stored(store, {"w": np.ones(2)})
    assert store.records() == (new, shared)
    assert (store.root / old.files[0].path).exists(), "the other row still uses it"
    store.put(record_of(*new.files, method="dropout"))
    assert not (store.root / old.files[0].path).parent.exists()
    assert all(check.problem is None for check in store.verify())


def test_folders_without_a_row_are_kept(store: Store) -> None:
    """Another process may have saved its arrays and not yet put its record."""
    pending = store.save_arrays("moons-sngp-seed0", ARRAYS)
    stored(store, {"w": np.ones(2)})
    stored(store, {"w": np.zeros(2)})
    store.put(record_of(pending, method="sngp"))
    assert all(check.problem is None for check in store.verify())


def test_temporary_leavings_go_after_a_day(store: Store) -> None:
    store.root.mkdir()
    old, young = store.root / ".tmp-old", store.root / ".tmp-young"
    old_file = store.root / ".tmp-file"
    for folder in (old, young):
        folder.mkdir()
        (folder / "weights.npz").write_bytes(b"half")
    old_file.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    os.utime(old_file, (yesterday, yesterday))
    store.save_arrays("m", ARRAYS)
    assert list(store.root.glob(".tmp-*")) == [young]


SAVE = """
import dataclasses
from tests.store.test_store import record_of
file = store.save_arrays("moons-sngp-seed7", {"w": np.ones(3)})
print(file.path, flush=True)
sys.stdin.readline()
store.put(record_of(file, method="sngp", seed=7))
"""


@pytest.mark.parametrize("lives", [True, False])
def test_what_a_writer_has_not_put_yet_stays_as_long_as_it_lives(store: Store, lives: bool) -> None:
    writer = start(SAVE, store.root)
    assert writer.stdout is not None
    pending = store.root / writer.stdout.readline().strip()
    if not lives:
        writer.kill()
        writer.wait()
    stored(store)
    assert pending.exists() == lives
    writer.communicate("go\n")
    assert [check.problem for check in store.verify()] == [None] * (1 + lives)
    assert store.strays() == []
    assert not list(store.root.glob(".writer-*"))


def test_a_sweep_that_is_killed_leaves_the_rest_to_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.root.mkdir()
    (store.root / ".writer-dead").write_text("+moons-x-seed0-0123abcd\n")
    (store.root / "moons-x-seed0-0123abcd").mkdir()
    (store.root / ".tmp-dead-1").write_bytes(b"half")
    unlink = Path.unlink

    def killed(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path.name.startswith(".writer-"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            journal.sweep(store.root, [])
    journal.sweep(store.root, [])
    assert list(store.root.iterdir()) == []


def test_a_folder_that_no_writer_knows_is_a_stray_and_stays(store: Store) -> None:
    stored(store)
    shutil.copytree(store.root / Path(store.records()[0].files[0].path).parent, store.root / "moons-x-seed0-0123abcd")
    (store.root / "reproductions").mkdir()
    stored(store, {"w": np.ones(2)})
    assert store.strays() == ["moons-x-seed0-0123abcd"]


# What is refused


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"), "is damaged"),
    ],
    ids=["missing", "cut short", "one byte changed"],
)
def test_a_bad_file_is_named_with_its_cure_and_other_models_still_load(store: Store, damage: Any, words: str) -> None:
    bad, good = stored(store), stored(store, {"w": np.ones(2)}, method="sngp")
    path = store.root / bad.files[0].path
    damage(path)
    with pytest.raises(StoreError) as error:
        store.arrays(bad)
    for part in (str(path), words, TRAIN):
        assert part in str(error.value)
    assert store.arrays(good)[0]["w"].sum() == 2
    assert store.verify() == ((bad, bad.files[0], str(error.value)), (good, good.files[0], None))
    with pytest.raises(StoreError, match=words):
        store.put(bad)


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


class Touch:
    """Unpickling this creates a file: the witness that something was unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_is_ever_unpickled(store: Store, tmp_path: Path) -> None:
    witness = tmp_path / "unpickled"
    data = npz(kernel=np.array([Touch(witness)], dtype=object))
    np.load(io.BytesIO(data), allow_pickle=True)["kernel"]
    assert witness.exists(), "the trap works"
    witness.unlink()
    record = record_of(write_file(store, data))
    with pytest.raises(StoreError, match=f"moons-odd/weights.npz.*{TRAIN}"):
        store.arrays(record)
    assert not witness.exists()


@pytest.mark.parametrize(
    "data",
    [
        npz(kernel=np.array([1.0, np.nan])),
        npz(kernel=np.array([np.inf], np.float32)),
        npz(kernel=np.array(["text"])),
        npy(np.ones(2)),
        npz(kernel=np.ones(100))[:-50],
        b"",
        b"not an archive",
    ],
    ids=["nan", "inf", "text", "npy", "half a zip", "empty", "noise"],
)
def test_only_archives_of_finite_numeric_arrays_load(store: Store, data: bytes) -> None:
    record = record_of(write_file(store, data))
    store.put(record)
    with pytest.raises(StoreError, match=f"moons-odd/weights.npz.*is not an npz of finite.*{TRAIN}"):
        store.arrays(record)


@pytest.mark.parametrize("value", [np.array([np.nan]), np.array([None]), np.array(["text"])])
def test_bad_arrays_are_not_saved(store: Store, value: Any) -> None:
    with pytest.raises(StoreError, match="arrays of m must be numeric and finite, but 'kernel'"):
        store.save_arrays("m", {"kernel": value})
    assert not store.root.exists()


@pytest.mark.parametrize("model_id", ["", "..", "../m", "a/b", ".hidden", "a b", "m\n"])
def test_bad_ids_are_not_saved(store: Store, model_id: str) -> None:
    with pytest.raises(StoreError, match="id must be"):
        store.save_arrays(model_id, ARRAYS)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"rate": float("nan")}},
        {"config": {"sizes": [1, 2]}},
        {"config": {"sizes": (1, 2)}},
        {"config": {1: 2}},
        {"config": {"rate": np.float32(0.1)}},
        {"metrics": {"loss": float("inf")}},
        {"seed": True},
        {"model_id": "moons-sngp-seed0"},
        {"model_id": "moons-deterministic-seed01"},
        {"files": ()},
    ],
)
def test_records_that_the_manifest_cannot_keep_are_refused(store: Store, changes: dict[str, Any]) -> None:
    stored(store)
    before = store.manifest.read_bytes()
    record = record_of(store.save_arrays("m", ARRAYS))
    with pytest.raises(StoreError, match="cannot be stored"):
        store.put(dataclasses.replace(record, **changes))
    assert store.manifest.read_bytes() == before


@pytest.mark.parametrize(
    "path",
    [
        "../outside/weights.npz",
        "/etc/passwd",
        "a/../../outside",
        "weights.npz",
        "./weights.npz",
        "a\\..\\b",
        "a/b\0",
        "",
    ],
)
def test_a_path_that_leaves_the_store_is_refused(store: Store, path: str) -> None:
    record = stored(store)
    outside = dataclasses.replace(record.files[0], path=path)
    edit_row(store, files=[vars(outside)])
    with pytest.raises(StoreError, match=f"{store.manifest}.*git checkout -- {store.root}"):
        store.records()
    bad = dataclasses.replace(record, files=(outside,))
    with pytest.raises(StoreError, match="lies outside the store"):
        store.arrays(bad)


def test_a_link_that_leaves_the_store_is_refused(store: Store, tmp_path: Path) -> None:
    record = stored(store)
    folder = (store.root / record.files[0].path).parent
    folder.rename(tmp_path / "outside")
    folder.symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="link that leaves"):
        store.records()
    with pytest.raises(StoreError, match="link that leaves"):
        store.arrays(record)


def test_a_store_reached_through_a_link_is_a_store(store: Store, tmp_path: Path) -> None:
    record = stored(store)
    (tmp_path / "link").symlink_to(store.root)
    linked = Store(tmp_path / "link")
    assert linked.records() == (record,)
    assert linked.verify()[0].problem is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 3}',
        '{"format": 4, "models": []}',
        '{"format": true, "models": []}',
        '{"format": 3, "models": {}}',
        '{"format": 3, "models": [3]}',
        '{"format": 3, "models": [{}]}',
        "\udcff",
        "[" * 100_000,
        "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n",
    ],
)
def test_a_manifest_that_is_not_one_is_named_with_its_cure_and_never_overwritten(store: Store, text: str) -> None:
    record = record_of(store.save_arrays("m", ARRAYS))
    data = text.encode(errors="surrogateescape")
    store.manifest.write_bytes(data)
    for act in (store.records, store.verify, lambda: store.find("moons", "sngp"), lambda: store.put(record)):
        with pytest.raises(StoreError, match=f"{store.manifest}.*git checkout -- {store.root}"):
            act()
    assert store.manifest.read_bytes() == data


@pytest.mark.parametrize("changes", [{"seed": "0"}, {"files": []}, {"comment": "one field too many"}])
def test_a_row_that_was_edited_wrongly_is_refused(store: Store, changes: dict[str, Any]) -> None:
    stored(store)
    edit_row(store, **changes)
    with pytest.raises(StoreError, match=r"manifest.json is not valid: `models\[0\].*restore it with"):
        store.records()


def test_what_is_not_there_is_named_with_the_command_that_makes_it(store: Store) -> None:
    stored(store)
    with pytest.raises(
        StoreError, match=r"moons-sngp-seed3.*python -m uqcore train --task moons --method sngp --seed 3"
    ):
        store.find("moons", "sngp", seed=3)
    with pytest.raises(StoreError, match=r"No model 'x'.*python -m uqcore models"):
        store.get("x")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "models")
    for act in (lambda: store.save_arrays("m", ARRAYS), lambda: store.put(record_of(StoredFile("a/b", "0" * 64, 1)))):
        with pytest.raises(StoreError, match=f"{store.root} cannot be written.*UQCORE_MODELS"):
            act()


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_model_with_settings_of_its_own_is_rebuilt_with_them(store: Store, damage: str) -> None:
    config = {"epochs": 3, "learning_rate": 1e-05, "augment": False, "schedule": "two words"}
    own, default = stored(store, config=config, model_id="moons-deterministic-seed0-abc"), stored(store, config=config)
    path = store.root / own.files[0].path
    path.unlink() if damage == "missing" else path.write_bytes(b"")
    with pytest.raises(StoreError) as error:
        store.arrays(own)
    options = "--set epochs=3 --set learning_rate=1e-05 --set augment=False --set 'schedule=two words'"
    assert f"rebuild it with `{TRAIN} {options}`" in str(error.value)
    shutil.rmtree(store.root / default.files[0].path.split("/")[0])
    with pytest.raises(StoreError, match=f"rebuild it with `{TRAIN}`"):
        store.arrays(default)


def test_verify_checks_the_rows_that_are_asked_for(store: Store) -> None:
    first, second = stored(store), stored(store, {"w": np.ones(2)}, seed=1)
    (store.root / first.files[0].path).write_bytes(b"damaged")
    assert [check.record for check in store.verify()] == [first, second]
    assert store.verify([second]) == ((second, second.files[0], None),)
    assert store.verify([]) == ()
    (check,) = store.verify([first])
    assert check.problem is not None
    assert "is damaged" in check.problem


def test_whether_a_store_is_writable_is_known_before_anything_is_written(store: Store, tmp_path: Path) -> None:
    store.check_writable()
    assert store.records() == ()
    record = stored(store)
    store.check_writable()
    assert store.records() == (record,)
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "models"):
        with pytest.raises(StoreError, match=f"{root} cannot be written.*UQCORE_MODELS"):
            Store(root).check_writable()


@pytest.mark.parametrize(
    ("call", "act"),
    [("rename", "save"), ("fsync", "save"), ("replace", "put"), ("fsync", "put")],
)
def test_a_refused_write_leaves_the_store_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str, act: str
) -> None:
    old = stored(store)
    new = record_of(store.save_arrays(old.model_id, {"w": np.ones(2)}))

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StoreError, match=r"cannot be written \(No space left on device"):
        store.put(new) if act == "put" else store.save_arrays("m", {"w": np.zeros(3)})
    assert store.verify() == ((old, old.files[0], None),)
    assert not list(store.root.glob(".tmp-*"))
    assert not list(store.root.glob("m-*"))


# Several processes, and kills

PRELUDE = """
import os, signal, sys
from pathlib import Path
import numpy as np
from tests.store.test_store import stored
from uqcore.store import Store
store = Store(Path(sys.argv[1]))
"""

PUT_MANY = """
print("ready", flush=True)
sys.stdin.readline()
for i in range(20):
    stored(store, {"w": np.full(4, i)}, seed=10 * i + int(sys.argv[2]))
"""

REPLACE_FOR_EVER = """
for i in range(10**9):
    stored(store, {"w": np.full(20_000, i)}, seed=i % 2)
    print(i, flush=True)
"""

# Every change to a file is a call of one of these, so this dies before and after each of them.
DIE_AT_CALL = """
CALLS = {"open", "write", "flush", "close", "fsync", "flock", "mkdir", "rename", "replace", "unlink", "rmdir"}

def child(root, last):
    seen = 0
    def profile(frame, event, function):
        nonlocal seen
        if event in ("c_call", "c_return") and function.__name__ in CALLS:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(profile)
    stored(Store(root), {"w": np.ones(3)})
    os._exit(0)

for last in range(1, 1000):
    root = store.root / str(last)
    old = stored(Store(root), {"w": np.zeros(3)})
    if (pid := os.fork()) == 0:
        child(root, last)
    if os.waitpid(pid, 0)[1] == 0:
        break
print(last)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PRELUDE + script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_that_put_at_once_lose_no_row(store: Store) -> None:
    writers = [start(PUT_MANY, store.root, first) for first in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=PATIENCE_S)
        assert writer.returncode == 0
    assert {record.seed for record in store.records()} == {10 * i + first for i in range(20) for first in range(2)}
    assert all(check.problem is None for check in store.verify())


def test_a_kill_at_any_call_leaves_a_valid_store(tmp_path: Path) -> None:
    writer = start(DIE_AT_CALL, tmp_path)
    output, _ = writer.communicate(timeout=PATIENCE_S)
    assert writer.returncode == 0
    roots = [Store(tmp_path / str(i)) for i in range(1, int(output) + 1)]
    assert len(roots) > 20, "the script died at several places"
    sums = []
    for store in roots:
        (check,) = store.verify()
        assert check.problem is None
        sums.append(store.arrays(check.record)[0]["w"].sum())
        stored(store, {"w": np.full(3, 2.0)})
        assert store.arrays(store.records()[0])[0]["w"].sum() == 6
        (folder,) = {file.path.partition("/")[0] for file in store.records()[0].files}
        assert {path.name for path in store.root.iterdir()} == {".lock", "manifest.json", folder}, "all is swept"
    assert set(sums) == {0, 3}
    assert sums == sorted(sums), "the old model, and from one moment on the new one"


def test_a_kill_at_a_random_moment_leaves_a_valid_store(store: Store) -> None:
    for seed in range(4):
        writer = start(REPLACE_FOR_EVER, store.root)
        assert writer.stdout is not None
        for _ in range(3):
            assert writer.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.03))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        checks = store.verify()
        assert len(checks) == 2
        assert all(check.problem is None for check in checks)
    stored(store)
