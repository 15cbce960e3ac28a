"""Servers behind nginx, as `deploy/compose.yaml` has them and with its `nginx.conf`, on this machine's free ports."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests import ROOT
from tests.browsing import started

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
_UPSTREAMS = re.compile(r"(?:\s*server lab\d:8501( max_fails=0)?;)+")


class Replicas(NamedTuple):
    """The address of nginx, and the processes of the servers behind it."""

    url: str
    pids: tuple[int, ...]


def configuration(servers: list[str], port: int, folder: str) -> str:
    """`deploy/nginx.conf` with these servers (host:port), this port, and ``folder`` in place of /tmp.

    ValueError: the file is not as it was when this was written.
    """
    text = (ROOT / "deploy/nginx.conf").read_text()

    def listed(found: re.Match[str]) -> str:
        return "".join(f"\n        server {server}{found[1] or ''};" for server in servers)

    text, n_lists = _UPSTREAMS.subn(listed, text)
    text, n_ports = re.subn(r"listen 8080;", f"listen 127.0.0.1:{port};", text)
    if (n_lists, n_ports) != (3, 1):
        raise ValueError("Expected three lists of servers and one port in deploy/nginx.conf.")
    return text.replace(" /tmp/", f" {folder}/").replace("/dev/stderr", f"{folder}/error.log")


@contextmanager
def behind_nginx(app: str, n: int) -> Iterator[Replicas]:
    """``n`` servers of ``app``; nginx must be installed (Debian's package `nginx`)."""
    if NGINX is None:
        raise SystemExit("This needs nginx: install Debian's package nginx.")
    with ExitStack() as opened:
        servers = [opened.enter_context(started(app)) for _ in range(n)]
        url = opened.enter_context(nginx_before([server.url.removeprefix("http://") for server in servers]))
        yield Replicas(url, tuple(server.pid for server in servers))


@contextmanager
def nginx_before(servers: list[str]) -> Iterator[str]:
    """The address of an nginx before these (host:port)."""
    assert NGINX is not None
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        path = Path(folder) / "nginx.conf"
        path.write_text(configuration(servers, port, folder))
        nginx = subprocess.Popen([NGINX, "-c", str(path), "-e", f"{folder}/error.log", "-g", "daemon off;"])
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert nginx.poll() is None, "nginx ended by itself."
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()
            nginx.wait()
