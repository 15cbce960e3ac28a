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
_UPSTREAMS = re.compile(r"(?:\s*server lab\d:8501;)+")


class Replicas(NamedTuple):
    """The address of nginx, and the processes of the servers behind it."""

    url: str
    pids: tuple[int, ...]


def configuration(servers: list[str], port: int, folder: str) -> str:
    """`deploy/nginx.conf` with these servers (host:port), this port, and ``folder`` in place of /tmp.

    ValueError: the file is not as it was when this was written.
    """
    text = (ROOT / "deploy/nginx.conf").read_text()
    text, n_servers = _UPSTREAMS.subn("".join(f"\n        server {server};" for server in servers), text)
    text, n_ports = re.subn(r"listen 8080;", f"listen 127.0.0.1:{port};", text)
    if (n_servers, n_ports) != (1, 1):
        raise ValueError("Expected one list of servers and one port in deploy/nginx.conf.")
    return text.replace(" /tmp/", f" {folder}/").replace("/dev/stderr", f"{folder}/error.log")


@contextmanager
def behind_nginx(app: str, n: int) -> Iterator[Replicas]:
    """``n`` servers of ``app``; nginx must be installed (Debian's package `nginx`)."""
    if NGINX is None:
        raise SystemExit("This needs nginx: install Debian's package nginx.")
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory())
        servers = [opened.enter_context(started(app)) for _ in range(n)]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        path = Path(folder) / "nginx.conf"
        path.write_text(configuration([server.url.removeprefix("http://") for server in servers], port, folder))
        nginx = subprocess.Popen([NGINX, "-c", str(path), "-e", f"{folder}/error.log", "-g", "daemon off;"])
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert nginx.poll() is None, "nginx ended by itself."
                time.sleep(0.1)
            yield Replicas(f"http://127.0.0.1:{port}", tuple(server.pid for server in servers))
        finally:
            nginx.terminate()
            nginx.wait()
