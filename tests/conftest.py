"""What the tests share. TensorFlow is imported by those that need it, inside functions, and then once for all."""

from __future__ import annotations

import dataclasses
import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# In processes that tests start, too: threads of one product wait for each other, and turn while they wait.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, sync_playwright
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_cache, script_runner
from streamlit.runtime.scriptrunner_utils import script_run_context
from streamlit.testing.v1 import app_test, local_script_runner
from xdist.scheduler import LoadFileScheduling

from tests import ROOT
from tests.browsing import CHROMIUM, Tabs, Visit, serve
from uqcore import networks
from uqcore.methods import EVERY_METHOD, METHODS
from uqcore.methods.base import TrainingConfig, configure
from uqcore.models import training
from uqcore.models.sampling import load_posterior
from uqcore.networks.forward import residual_network
from uqcore.networks.parallel import one_blas_thread
from uqcore.store import Store, default_store
from uqcore.types import Dataset, Fitted, ModelRecord, Posterior, Progress, Report, Weights

one_blas_thread()  # as every program of ours does
gc.disable()  # until all is loaded
# Each AppTest looks for components in the metadata of all installed packages, which takes longer than most pages: once.
setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))  # noqa: B010
# After each run of a script Streamlit resets Keras where that was imported, as no server of ours does, which collects
# garbage: a quarter of a second among TensorFlow's objects.
setattr(script_runner, "_clean_problem_modules", lambda: None)  # noqa: B010
# Each run of an AppTest compiles its scripts anew, and hashes all that it shows, for the cache of a browser.
for testing in (app_test, local_script_runner):
    setattr(testing, "ScriptCache", cache(script_cache.ScriptCache))  # noqa: B010
setattr(script_run_context, "populate_hash_if_needed", lambda message: None)  # noqa: B010


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A worker runs whole files, and goes on with what it has begun: TensorFlow is imported in one of them, and one has
    neither a browser nor servers, as long as there is something else to do for it.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._begun: dict[Any, set[str]] = {}  # worker -> kinds of files

    def _split_scope(self, nodeid: str) -> str:
        """The file; those that share the tiny store are one."""
        file = super()._split_scope(nodeid)
        return "tiny" if _needs(ROOT / file) == "tiny" else file

    def _assign_work_unit(self, node: Any) -> None:
        begun = self._begun.setdefault(node, set())
        most = {"TensorFlow": 1, "browser": max(1, self.numnodes - 1)}

        def rank(scope: str) -> int:
            kind = self._kind(scope)
            if kind in begun:
                return 0
            if kind is None:
                return 2
            return 1 if sum(kind in others for others in self._begun.values()) < most[kind] else 3

        scope = min(self.workqueue, key=rank)
        begun |= {self._kind(scope) or ""}
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)

    def _kind(self, scope: str) -> str | None:
        needed = "tiny" if scope == "tiny" else _needs(ROOT / scope)
        return "TensorFlow" if needed == "tiny" else needed


_NEEDED = {
    "tiny": r"\btiny(_store|_training)?:",
    "TensorFlow": r"^ *(from (uqcore\.(fitting|bench)|tests\.keras_models)|import (tensorflow|tf_keras))\b",
    "browser": r"^from tests\.browsing import\b",
}


@cache
def _needs(file: Path) -> str | None:
    """What the tests of a file need in their own process, and share: what takes longest to begin."""
    text = file.read_text("utf-8")
    return next((shared for shared, pattern in _NEEDED.items() if re.search(pattern, text, re.MULTILINE)), None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    """In place of ``--dist loadgroup``, whose groups pytest 9.2 does not see."""
    return _Scheduling(config, log)


_LONG = (
    "pages/test_eyes.py",
    "pages/test_tour.py",
    "pages/test_browser.py",
    "pages/test_threshold_lab.py",
    "pages/test_own_file.py",
    "ui/test_threshold_component.py",
    "ui/test_components.py",
    "pages/test_regression.py",
    "pages/test_training.py",
    "pages/test_gallery.py",
    "ui/test_functions_component.py",
    "predictions/test_from_parquet.py",
    "selection/test_certified.py",
    "datasets/test_prepared.py",
    "pages/test_hostile.py",
    "pages/test_pages.py",
)
"""Files that take ten seconds or more, the longest first: those with a browser, then those that need nothing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest is begun first, so that no worker waits for another at the end: trainings, then browsers."""
    order = [*_NEEDED, None]

    def place(item: pytest.Item) -> tuple[int, int]:
        path = item.path.as_posix()
        long = (i for i, name in enumerate(_LONG) if path.endswith(name))
        return order.index(_needs(item.path)), next(long, len(_LONG))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is loaded stays: garbage is looked for only among what the tests make."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test leaves there, or a process that it starts or kills, goes with pytest's own folders of the run: a
    worker of xdist ends without the end of Python, which removes visits and TensorFlow's code."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = str(tmp_path_factory.getbasetemp())
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
def committed() -> Store:
    """The repository's own store."""
    return default_store()


@pytest.fixture(scope="session")
def posterior_of(committed: Store) -> Callable[[str, str], Posterior]:
    """``(task, method) -> posterior`` of the committed model of seed 0, loaded once."""
    return cache(lambda task, method: load_posterior(committed, committed.find(task, method)))


def tiny_config(method: str) -> TrainingConfig:
    """The least training that leaves a model of ``method`` on moons."""
    settings = {"epochs": "1"} | ({"n_members": "2"} if method == "deep_ensemble" else {})
    return configure(METHODS[method].configs["moons"], settings)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Every method really trained on moons, for one epoch, without tables. Read only."""
    return Store(tmp_path_factory.mktemp("tiny"))


train_without_tables = partial(training.train, with_tables=False)
"""Tables of many samples on a whole plane take longer than an epoch."""


def noted_fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that are fitted from now on."""
    names: list[str] = []
    original = training.fit_and_store

    def note(store: Store, name: str, *rest: Any) -> Any:
        names.append(name)
        return original(store, name, *rest)

    monkeypatch.setattr(training, "fit_and_store", note)
    return names


class Tiny(NamedTuple):
    """Method -> its record, and the names of the models that were fitted."""

    records: dict[str, ModelRecord]
    fitted: list[str]


@pytest.fixture(scope="session")
def tiny_training(tiny_store: Store) -> Tiny:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fitted = noted_fits(monkeypatch)
        records = {m: train_without_tables(tiny_store, "moons", m, 0, tiny_config(m)) for m in METHODS}
        return Tiny(records, fitted)


@pytest.fixture(scope="session")
def tiny(tiny_training: Tiny) -> dict[str, ModelRecord]:
    """Method -> its record in ``tiny_store``."""
    return tiny_training.records


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One residual layer on two moons, for what any network shows: Keras traces six of them for a second or two."""
    network = residual_network(depth=1, width=128, dropout=0.1, n_classes=2)
    monkeypatch.setattr(networks, "NETWORKS", {**networks.NETWORKS, "moons": network})


@pytest.fixture
def learnt_before(tiny_store: Store, tiny: dict[str, ModelRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of the plain network leaves what that of the tiny store left: for tests of what becomes of it."""
    record, plain = tiny["deterministic"], EVERY_METHOD["deterministic"]
    (arrays,) = tiny_store.arrays(record)

    def fit(
        task: str, config: TrainingConfig, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]
    ) -> Fitted:
        for epoch in range(1, config.epochs + 1):
            report(Progress(epoch, config.epochs, {"loss": 1 / epoch}))
        return Fitted(arrays, record.n_parameters, record.n_trainable, {"loss": 1 / config.epochs})

    monkeypatch.setitem(EVERY_METHOD, "deterministic", dataclasses.replace(plain, fit=fit))


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[[str], str]]:
    """``app -> address`` of a server of it, which all tests of a worker share."""
    with ExitStack() as servers:
        yield cache(lambda app: servers.enter_context(serve(app)))


@pytest.fixture(scope="session")
def dashboard(serving: Callable[[str], str]) -> str:
    """The address of the whole dashboard."""
    return serving("app.py")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One a worker. Once it runs, so does an event loop in this thread: a test that needs one starts a thread."""
    with sync_playwright() as playwright:
        # A page does not live long enough for what the optimizing compilers make faster: a tenth of a browser's CPU.
        options = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no request to another host succeeds
            "--js-flags=--no-opt,--no-maglev",
        ]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def visit(tabs: Tabs) -> Iterator[Visit]:
    """Open an address, by default as on a projector, until ``ready`` is there and Python has answered.

    Every page is another visitor's: none shares storage with another. At the end nothing may stand in the console as an
    error, and no request may have left for another host.
    """
    yield tabs.visit
    assert tabs.put_back() == []


@pytest.fixture
def elsewhere(visit: Visit, tabs: Tabs) -> Visit:
    """As `visit`, once the visitors of this test have left: what is asked of their pages is asked before."""
    return tabs.elsewhere
