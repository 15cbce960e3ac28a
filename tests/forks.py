"""Programs that tests start again and again, in forks of one process that has imported what all of them need.

Python, NumPy and Arrow take a fifth of a second of a processor to begin, where a small file is read in hundredths. Each
program runs as if Python had just been started for it: with its arguments, folder, variables and descriptors, in a
process of its own, as whose end the one that was started ends. What is said of a process itself (its priority, its
memory, who outlives whom) is tested with a real one.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import ROOT

_NAME = "forks"  # of the socket, in a folder whose path may be longer than a socket's may
_LENGTH = 8  # bytes
_CLIENT = """
import json, os, socket, sys
def inherited():
    for fd in map(int, os.listdir("/dev/fd")):
        try:
            if os.get_inheritable(fd):
                yield fd
        except OSError:  # the list's own
            pass
fds, here = sorted(inherited()), os.getcwd()
asked = json.dumps([{program!r}, sys.argv, here, dict(os.environ), fds]).encode()
with socket.socket(socket.AF_UNIX) as server:
    os.chdir({folder!r})
    server.connect({name!r})
    os.chdir(here)
    socket.send_fds(server, [len(asked).to_bytes({length}, "little")], fds)
    server.sendall(asked)
    code = int(server.recv(9))
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@contextmanager
def forking(imports: str, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A process that has run ``imports`` in this environment and waits for programs, see `in_a_fork`."""
    command = [sys.executable, "-m", "tests.forks", imports, str(folder)]
    variables = {**os.environ, **environment}
    server = subprocess.Popen(command, cwd=ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with server:  # it ends with its standard input
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield


def in_a_fork(program: str, folder: Path) -> str:
    """What ``python -c`` runs in place of ``program``; ``folder`` is that of `forking`."""
    return _CLIENT.format(program=program, folder=str(folder), name=_NAME, length=_LENGTH)


def _serve(folder: str) -> None:
    """A program in a fork for each that asks, and the code with which it ended. Returns in such a fork."""
    listening = socket.socket(socket.AF_UNIX)
    os.chdir(folder)
    listening.bind(_NAME)
    listening.listen()
    print("ready", flush=True)
    gc.freeze()
    while True:
        ready, _, _ = select.select([0, listening.fileno()], [], [])
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if 0 in ready:
            os._exit(0)
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _answer(asking)
            return
        asking.close()


def _answer(asking: socket.socket) -> None:
    head, fds, _, _ = socket.recv_fds(asking, _LENGTH, 253)
    with asking.makefile("rb") as stream:
        program, arguments, here, variables, places = json.loads(stream.read(int.from_bytes(head, "little")))
    child = os.fork()
    if child:
        for fd in (0, 1, *fds):
            os.close(fd)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with suppress(BrokenPipeError):  # nobody waits for it any more
            asking.sendall(str(code).encode())
        os._exit(0)
    asking.close()
    apart = [fcntl.fcntl(fd, fcntl.F_DUPFD, max(*places, *fds) + 1) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, place in zip(apart, places, strict=True):
        os.dup2(fd, place)
        os.close(fd)
    os.chdir(here)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv[:], sys.path[0] = arguments, ""
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    try:
        exec(program, {"__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.code, int):  # without taking down modules, which would copy all of the memory first
            sys.stdout.flush()
            os._exit(end.code)
        raise


if __name__ == "__main__":
    exec(sys.argv[1])
    _serve(sys.argv[2])
