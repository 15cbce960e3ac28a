"""A command in a process: its lines, whatever else it prints, and every way in which it may end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests import PATIENCE_S, ROOT
from tests.live.settings import until
from tests.workers.processes import alive
from uqcore.trainings.process import Process
from uqcore.trainings.progress import Epoch, Said, Stored, epoch_line, stored_line
from uqcore.types import Progress, UqError
from uqcore.workers import NICE


class Run:
    """A script as the training's command; what it said, and how it ended."""

    def __init__(self, script: str, models: Path) -> None:
        self.said: list[Said] = []
        self.error: str | None = "not over"
        self.over, self.heard = threading.Event(), threading.Event()
        self.process = Process([], models, 1, self._received, self._ended, [sys.executable, "-c", script])

    def _received(self, said: Said) -> None:
        self.said.append(said)
        self.heard.set()

    def _ended(self, error: str | None) -> None:
        self.error = error
        self.over.set()

    def end(self) -> Run:
        assert self.over.wait(PATIENCE_S)
        return self


EPOCH = epoch_line("m", Progress(1, 2, {"loss": 0.5}))
STORED = stored_line("m")


def test_progress_is_told_apart_from_what_libraries_print(tmp_path: Path) -> None:
    script = f"import sys; print('hello'); print({EPOCH!r}); print('{{', file=sys.stderr); print({STORED!r})"
    run = Run(script, tmp_path).end()
    assert run.said == [Epoch("m", 1, 2, {"loss": 0.5}), Stored("m")]
    assert run.error is None
    assert sorted(run.process.log) == ["hello", "{"]


def test_it_trains_into_the_visits_store_at_low_priority(tmp_path: Path) -> None:
    script = (
        f"import os, sys; print(os.environ['UQCORE_MODELS'], file=sys.stderr); print({STORED!r}, flush=True); input()"
    )
    script = script.replace("input()", "import time; time.sleep(600)")
    run = Run(script, tmp_path)
    assert run.heard.wait(PATIENCE_S)
    assert os.getpriority(os.PRIO_PROCESS, run.process.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
    run.process.kill()
    assert run.end().error is not None
    assert list(run.process.log) == [tmp_path.name]  # the folders above it are the server's business


def test_its_threads_share_memory_as_its_own_and_not_the_servers_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    script = f"import os; print(os.environ['MALLOC_ARENA_MAX']); print({STORED!r})"
    assert list(Run(script, tmp_path).end().process.log) == ["2"]


def test_what_it_leaves_in_temporary_files_goes_with_the_visit(tmp_path: Path) -> None:
    script = f"import tempfile, os; print(os.path.dirname(tempfile.mkdtemp())); print({STORED!r})"
    run = Run(script, tmp_path).end()
    assert list(run.process.log) == [tmp_path.name]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('error: The task is none.', file=sys.stderr); sys.exit(2)", "The task is none."),
        (
            "import os; os.kill(os.getpid(), 9)",
            "process was ended by the system (SIGKILL); train again.",
        ),
        ("raise ValueError('of /srv/secret/models/x')", "(exit code 1: ValueError: of x)."),
        ("pass", "The training's process failed (exit code 0: it said nothing)."),
        ('import sys; sys.stdout.write(\'{"stored": "m\')', "exit code 0"),
    ],
)
def test_an_end_without_a_model_is_a_sentence(script: str, said: str, tmp_path: Path) -> None:
    run = Run(script, tmp_path).end()
    assert run.error is not None
    assert said in run.error


def test_a_command_that_cannot_be_started_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UqError, match="cannot be started"):
        Process([], tmp_path, 1, print, print, [str(tmp_path / "none")])


def test_a_training_whose_server_is_gone_ends_with_its_next_epoch(tmp_path: Path) -> None:
    """Nothing reads its progress any more: that ends the command, as it ends any other whose reader has gone."""
    script = (
        "import sys, uqcore.models.training as t\n"
        "from uqcore.types import Progress\n"
        "def train(store, task, method_id, seed, config, report, **more):\n"
        "    for epoch in range(1, 10**6): report('m', Progress(epoch, 10**6, {}))\n"
        "t.train = train\n"
        "from uqcore.cli.main import main\n"
        "sys.exit(main(['train', '--json', '--task', 'moons', '--method', 'sngp']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"UQCORE_MODELS": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as command:
        assert command.stdout is not None
        assert command.stdout.readline()
        command.stdout.close()
        assert command.wait(PATIENCE_S) == 0


SERVER = """
import os, sys
from pathlib import Path
from tests.trainings.fakes import order
from uqcore.trainings.process import Process
training = '''
import sys, time, uqcore.models.training as t
from uqcore.types import Progress
def train(store, task, method_id, seed, config, report, **more):
    report("m", Progress(1, 2, {}))
    time.sleep(600)
t.train = train
from uqcore.cli.main import main
sys.exit(main(sys.argv[1:]))
'''
def received(said): print(process.pid, flush=True)
process = Process(order().arguments, Path(sys.argv[1]), 1, received, print, [sys.executable, "-c", training])
sys.stdin.read()
"""


def test_a_killed_servers_training_ends_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert alive(pid)
        server.kill()
    until(lambda: not alive(pid))
