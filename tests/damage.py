"""`make damage`: single-bit flips over everything stored, the package's own data too, kills while models are saved,
wrong content under right checksums, and pages over damaged data; one line of JSON each, and exit code 1 where a damage
was not named, a store invalid or a page down.

All of it in copies in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from tests import ROOT
from tests.app_pages import opened
from tests.package_data import RESULTS, data_files
from tests.store.test_store import stored
from tests.wrong_content import KINDS, fill_wrongly
from ui import page
from ui.budget import forget
from uqcore import checked
from uqcore.reproduce import counted
from uqcore.reproduce.trainings import store_beside
from uqcore.scoreboard import load_results
from uqcore.store import MODELS_VARIABLE, Store, all_files
from uqcore.types import UqError

COMMITTED = Store(ROOT / "cached_models")
_COMMAND_EVERY = 100  # flips: the command looks at everything, which takes seconds
_PROGRAM = ("app.py", "pages", "ui", "uqcore", "docs", ".streamlit", "tests")
_OF_DATA = (("pages/threshold_lab.py", {"predictions": "Your own"}), ("pages/digit_lab.py", {"task": "Fashion-MNIST"}))
"""Links to what no page opens with."""
_EVERY_PAGE = """
import json
from pathlib import Path
from tests.damage import every_page
print(json.dumps(every_page(Path.cwd())))
"""
_WRITER = """
import sys
from pathlib import Path
import numpy as np
from tests.store.test_store import stored
from uqcore.store import Store
store, i = Store(Path(sys.argv[1])), 1000 * int(sys.argv[2])
print("ready", flush=True)
while True:
    i += 1
    stored(store, {"w": np.full(200_000, i)}, seed=i % 3)
"""


@contextmanager
def copy_of_the_models() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(COMMITTED.root, Path(folder) / "models")
        yield Store(Path(folder) / "models")


@contextmanager
def copy_of_the_program() -> Iterator[Path]:
    """The folder of a copy of the repository with the models that it reads."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (*_PROGRAM, COMMITTED.root.name):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder)
        yield Path(folder)


def named(stores: list[Store], data: list[Path], path: Path) -> list[str]:
    """What `python -m uqcore models` says of the rows that have the file, of a manifest, or of data of the package."""
    found: list[str] = []
    for store in stores:
        try:
            rows = store.records()
        except UqError as error:
            found.append(str(error))
            continue
        of_it = [row for row in rows if any(store.root / file.path == path for file in all_files(row))]
        found += [check.problem for check in store.verify(of_it) if check.problem]
    looks: list[Callable[[], object]] = [partial(counted.read, stores[0])]
    looks += [
        partial(load_results if each.name == RESULTS else checked.check, each)
        for each in data
        if each.parent == path.parent and each.suffix  # what has none is the list of checksums
    ]
    for look in looks:
        try:
            look()
        except UqError as error:
            found.append(str(error))
    return found


def flips(n: int, seed: int) -> dict[str, object]:
    """Half of the flips fall on bytes at random, half on files at random."""
    chance, missed, commands = random.Random(seed), [], [0, 0]
    with copy_of_the_program() as folder:
        store, data = Store(folder / COMMITTED.root.name), data_files(folder)
        stores = [store, store_beside(store)]
        files = {each.root / file.path for each in stores for row in each.records() for file in all_files(row)}
        whole = sorted(files | {each.manifest for each in stores} | {stores[1].root / "rows.json", *data})
        sizes = [path.stat().st_size for path in whole]
        for i in range(n):
            path = chance.choices(whole, sizes)[0] if i % 2 else chance.choice(whole)
            before, at, bit = path.read_bytes(), 0, 1 << chance.randrange(8)
            at = chance.randrange(len(before))
            path.write_bytes(before[:at] + bytes([before[at] ^ bit]) + before[at + 1 :])
            said = named(stores, data, path)
            if not said or any("\n" in text for text in said):
                missed.append(f"{path.relative_to(folder)} at {at}, bit {bit}")
            if i % _COMMAND_EVERY == 0:
                commands[0] += 1
                commands[1] += _command(folder) == 1
            path.write_bytes(before)
        left = [problem for each in stores for check in each.verify() if (problem := check.problem)]
    return {"flips": n, "files": len(whole), "named": n - len(missed), "missed": missed[:5], "commands": commands[0],
            "exit_code_1": commands[1], "ok": not missed and not left and commands[0] == commands[1]}  # fmt: skip


def _command(folder: Path) -> int:
    command = [sys.executable, "-m", "uqcore", "models"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def kills(n: int, seed: int) -> dict[str, object]:
    """A writer that saves and replaces models is killed at a random moment; the store is read, and written again."""
    chance, invalid, leavings, most = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "models")
        for k in range(n):
            command = [sys.executable, "-c", _WRITER, str(store.root), str(k)]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
                assert writer.stdout is not None
                writer.stdout.readline()
                time.sleep(chance.uniform(0, 0.15))
                writer.send_signal(signal.SIGKILL)
            try:
                invalid += any(check.problem for check in store.verify())
            except UqError:
                invalid += 1
            names = [path.name for path in store.root.iterdir()] if store.root.exists() else []
            leavings += len(names) > len({*names} & {".lock", "manifest.json"}) + len(store.records())
            most = max(most, len(names))
        for row in range(3):
            stored(store, {"w": np.ones(2)}, seed=row)
        names = sorted(path.name for path in store.root.iterdir())
        swept = len(names) == len(store.records()) + 2
    return {"kills": n, "invalid": invalid, "left_something": leavings, "most_names": most, "swept": swept,
            "ok": not invalid and swept}  # fmt: skip


def contents(n: int, seed: int) -> dict[str, object]:
    """Every kind of wrong content in every place, and every page, with each method that a page may be asked for; the
    kinds from the ``seed``-th on."""
    down, sentences, turns = [], 0, range(seed, min(seed + n, len(KINDS)))
    for turn in turns:
        with copy_of_the_models() as store:
            os.environ[MODELS_VARIABLE] = str(store.root)
            for _ in fill_wrongly(store, turn):
                pass
            st.cache_resource.clear()
            forget()
            seen = every_page(store.root.parent)
            down += [f"turn {turn}: {what}" for what in seen.down]
            sentences += len(seen.said)
    return {"kinds": len(turns), "pages": len(page.DOORS), "sentences": sentences, "down": down[:5], "ok": not down}


class Seen(NamedTuple):
    """The sentences that pages warned with, and which of the pages were down or said what is no sentence."""

    said: list[str]
    down: list[str]


def every_page(folder: Path) -> Seen:
    """Opens all of them, over what is stored in ``folder``, which no page names."""
    seen = Seen([], [])
    for path, link in (*((door.path, {}) for door in page.DOORS), *_OF_DATA):
        try:
            app = opened(path, **link)
        except Exception as error:  # whatever takes a page down
            seen.down.append(f"{path}: {type(error).__name__}: {error}"[:200])
            continue
        said = [element.value.replace("\\", "") for element in (*app.warning, *app.error)]
        seen.said.extend(said)
        if any("\n" in text or str(folder) in text for text in said):
            seen.down.append(f"{path}: no sentence")
    return seen


def data(n: int, seed: int) -> dict[str, object]:
    """Every page of a server whose package has a damaged file: the highest bit of a byte is another."""
    chance, unnamed, down, sentences = random.Random(seed), [], [], 0
    with copy_of_the_program() as folder:
        files = data_files(folder)[:n]
        for path in files:
            before = path.read_bytes()
            at = before.find(b"\n") if not path.suffix else chance.randrange(len(before))
            path.write_bytes(before[:at] + bytes([before[at] ^ 0x80]) + before[at + 1 :])
            done = subprocess.run([sys.executable, "-c", _EVERY_PAGE], cwd=folder, capture_output=True, check=True)
            seen = Seen(*json.loads(done.stdout))
            path.write_bytes(before)
            sentences += len(seen.said)
            down += [f"{path.name}: {what}" for what in seen.down]
            if not any("damaged" in text for text in seen.said):
                unnamed.append(str(path.relative_to(folder)))
    return {"data": len(files), "sentences": sentences, "unnamed": unnamed, "down": down[:5],
            "ok": not down and not unnamed}  # fmt: skip


ATTACKS: dict[str, Callable[[int, int], dict[str, object]]] = {
    attack.__name__: attack for attack in (flips, kills, contents, data)
}
USUAL = {"flips": 1000, "kills": 200, "contents": len(KINDS), "data": len(data_files())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, help="of each; usually " + ", ".join(f"{n} {k}" for k, n in USUAL.items()))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("what", nargs="*", help=", ".join(ATTACKS))
    arguments = parser.parse_args()
    if unknown := set(arguments.what) - set(ATTACKS):
        parser.error(f"unknown: {', '.join(unknown)}")
    ok = True
    for name in arguments.what or ATTACKS:
        found = ATTACKS[name](arguments.cases or USUAL[name], arguments.seed)
        print(json.dumps(found), flush=True)
        ok = ok and bool(found["ok"])
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
