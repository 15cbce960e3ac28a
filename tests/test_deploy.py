"""What `deploy/` and `.ci/` say is so: the image has what the program needs, nginx servers, an empty audit fails."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import PATIENCE_S, ROOT
from tests.browsing import ENVIRONMENT, started
from tests.replicas import NGINX, configuration, nginx_before

KNOWN = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
CLEAN = {"name": "b", "version": "1", "vulns": []}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([CLEAN, CLEAN], 0, "2 of 2 packages audited, 0 known vulnerabilities"),
        ([CLEAN, SKIPPED], 0, "1 of 2 packages audited"),
        ([KNOWN, CLEAN], 1, "a 1: CVE-1, mended in 2"),
        ([SKIPPED, SKIPPED], 1, "Nothing was audited: of 2 packages the database knows none"),
        ([], 1, "Nothing was audited"),
        (None, 1, "Nothing was audited"),
    ],
)
def test_an_audit_that_saw_nothing_or_found_something_fails(
    tmp_path: Path, rows: list[dict[str, Any]] | None, code: int, words: str
) -> None:
    path = tmp_path / "found.json"
    if rows is not None:
        path.write_text(json.dumps({"dependencies": rows, "fixes": []}))
    command = [sys.executable, str(ROOT / ".ci/audited.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert words in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["", '{"dependencies": [', "[]", '{"fixes": []}'])
def test_an_audit_that_left_no_list_fails_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "found.json").write_text(text)
    command = [sys.executable, str(ROOT / ".ci/audited.py"), str(tmp_path / "found.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Nothing was audited: pip-audit left no list of packages.\n")


def test_the_image_has_all_that_the_dashboard_reads() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for name in line.split()}
    assert all((ROOT / name).exists() for name in copied)
    assert copied >= {
        "app.py",
        ".streamlit",
        "pages",
        "ui",
        "uqcore",
        "cached_models",
        "docs",
        "requirements-serve.txt",
    }
    assert "\nUSER " in text


@pytest.mark.skipif(sys.platform != "linux", reason="What a process has loaded is read from /proc.")
def test_the_server_runs_on_the_loop_that_holds_no_answer_back() -> None:
    """The loop of asyncio leaves Nagle's algorithm on where Streamlit makes the socket: 40 ms a slider's move."""
    with started("tests/ui/apps/pad_app.py") as server:
        assert "uvloop" in Path(f"/proc/{server.pid}/maps").read_text()


def test_nginx_takes_every_file_that_the_server_takes() -> None:
    """And what stands around it in the body, of which the server says how large it may be."""
    (body,) = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "deploy/nginx.conf").read_text())
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert int(body) == settings["server"]["maxUploadSize"] + 1


def test_a_server_of_compose_has_room_for_what_it_may_take() -> None:
    """Files of visitors, those under way in /tmp, and as much again as 50 visitors cost (`make load`: 524 MB)."""
    text = (ROOT / "deploy/compose.yaml").read_text()
    uploads, under_way, memory = (
        int(re.findall(pattern, text)[0])
        for pattern in (r"UQCORE_UPLOADS_MB: (\d+)", r"/tmp:size=(\d+)m", r"mem_limit: (\d+)g")
    )
    assert uploads + under_way + 600 <= 1000 * memory


def test_nginx_gets_other_servers_in_place_of_those_of_compose(tmp_path: Path) -> None:
    said = configuration(["127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003"], 1000, str(tmp_path))
    servers = [f"127.0.0.1:100{i}" for i in (1, 2, 3)]
    for name, more in {"lab": "", "lab_of_visit": " max_fails=0", "lab_moved_to": " max_fails=0"}.items():
        (of_one,) = re.findall(rf"upstream {name} {{(.*?)}}", said, re.DOTALL)
        assert re.findall(r"^ +server (.+);", of_one, re.MULTILINE) == [f"{server}{more}" for server in servers]
    assert "lab1:" not in said.replace("from lab1:8501", "")
    assert " /tmp/" not in said.replace(str(tmp_path), "")
    for header in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
        assert f"add_header {header}" in said
    if NGINX is not None:
        (tmp_path / "nginx.conf").write_text(said)
        command = [NGINX, "-t", "-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/error.log"]
        subprocess.run(command, check=True, capture_output=True)


class Answering(BaseHTTPRequestHandler):
    """Says in a header at which port it was asked; a visit is accepted and ends at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        is_visit = self.path == "/_stcore/stream"
        self.send_response(101 if is_visit else 200)
        self.send_header("Port", str(self.connection.getsockname()[1]))
        if is_visit:
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
        else:
            self.send_header("Content-Length", "0")
        self.end_headers()
        self.close_connection = is_visit

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(port: int = 0) -> Iterator[int]:
    """The port of a server."""
    with ThreadingHTTPServer(("127.0.0.1", port), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Browser:
    """Keeps cookies, and begins a visit again where that fails."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cookies: dict[str, str] = {}

    def port(self, path: str) -> int:
        """Of the server that answers."""
        while True:
            host, _, number = self._url.removeprefix("http://").partition(":")
            connection = http.client.HTTPConnection(host, int(number), timeout=PATIENCE_S)
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
            if path.endswith("stream"):
                headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                name, _, value = cookie.partition(";")[0].partition("=")
                self._cookies[name] = value
            connection.close()
            if answer.status in (101, 200):
                return int(answer.headers["Port"])
            assert answer.status == 502


@pytest.mark.skipif(NGINX is None, reason="Debian's package nginx is not installed.")
def test_who_was_moved_to_another_server_stays_there_when_the_first_is_back() -> None:
    with ExitStack() as opened:
        first = opened.enter_context(ExitStack())
        ports = [first.enter_context(answering()), opened.enter_context(answering())]
        url = opened.enter_context(nginx_before([f"127.0.0.1:{port}" for port in ports]))
        visitors = [Browser(url) for _ in range(20)]
        homes = [visitor.port("/") for visitor in visitors]
        assert {*homes} == {*ports}
        visits = [visitor.port("/_stcore/stream") for visitor in visitors]
        assert visits == homes, "what a visit asks for goes to its own server"
        first.close()
        assert {visitor.port("/_stcore/stream") for visitor in visitors} == {ports[1]}
        opened.enter_context(answering(ports[0]))
        for path in ("/_stcore/upload_file/a/b", "/_stcore/stream", "/"):
            assert {visitor.port(path) for visitor in visitors} == {ports[1]}, path
        assert {Browser(url).port("/") for _ in range(20)} == {*ports}, "others go to either"


@pytest.mark.parametrize("path", ["deploy/Dockerfile", "deploy/rootfs.sh", "Makefile"])
def test_servers_of_tests_have_the_environment_that_is_deployed(path: str) -> None:
    words = (ROOT / path).read_text().split()
    assert {f"{name}={value}" for name, value in ENVIRONMENT.items()} <= set(words)
