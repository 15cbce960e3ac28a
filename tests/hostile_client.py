"""A client of the dashboard's server that keeps to no rule of Streamlit's own: any value for any widget, any file, any
link; and what the page says to it."""

from __future__ import annotations

import asyncio
import http.client
import itertools
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.typing import Origin, Subprotocol

ANSWER_S = 180.0
_KINDS = (
    "slider",
    "number_input",
    "selectbox",
    "multiselect",
    "button_group",
    "checkbox",
    "text_input",
    "radio",
    "bidi_component",
)
_numbers = itertools.count()


def run(work: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: this one may have Playwright's event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@dataclass
class Answer:
    """What a page was when its script had run to its end.

    Attributes:
        widgets: id -> kind, of those that a value can be sent for; ``fragments``: id -> what runs when it moves.
        buttons: label -> id.
        uploader: the id of the first, if there is one.
        alerts: the sentences of warnings and errors.
        exceptions: what escaped; ``traces``: the frames that the page was told with it.
        n_bytes: of all messages.
    """

    widgets: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)
    uploader: str = ""
    alerts: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    n_bytes: int = 0


class Client:
    """One connection; use it with ``async with``."""

    def __init__(self, url: str) -> None:
        self.url, self.session_id = url, ""
        self._socket: Any = None

    async def __aenter__(self) -> Client:
        self._socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            ping_interval=None,
            open_timeout=60,
            origin=Origin(self.url),
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._socket.close()

    async def ask(self, page: str, query: str = "", states: Sequence[WidgetState] = (), fragment: str = "") -> Answer:
        """Runs a page, or a fragment of it, with these values and waits for its end. TimeoutError: it did not come."""
        asked, answer = BackMsg(), Answer()
        asked.rerun_script.page_name, asked.rerun_script.query_string = page, query
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.widget_states.widgets.extend(states)
        await self._socket.send(asked.SerializeToString())
        async with asyncio.timeout(ANSWER_S):
            while True:
                data, message = await self._socket.recv(), ForwardMsg()
                answer.n_bytes += len(data)
                message.ParseFromString(data)
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    self.session_id = message.new_session.initialize.session_id or self.session_id
                elif kind == "delta" and message.delta.HasField("new_element"):
                    _note(message.delta.new_element, message.delta.fragment_id, answer)
                elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return answer

    async def brought(self, uploader: str, name: str, data: bytes) -> tuple[int, WidgetState]:
        """Sends a file; the status of the answer, and the value that says to the page that it is there."""
        file_id = f"file-{next(_numbers)}"
        status = await asyncio.to_thread(_put, self.url, self.session_id, file_id, name, data)
        state = WidgetState(id=uploader)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = file_id, name, len(data)
        info.file_urls.file_id = file_id
        return status, state


def _note(element: Any, fragment: str, answer: Answer) -> None:
    kind = element.WhichOneof("type")
    if kind in _KINDS:
        name = getattr(element, kind).id
        answer.widgets[name], answer.fragments[name] = kind, fragment
    elif kind == "button":
        answer.buttons[element.button.label] = element.button.id
    elif kind == "file_uploader":
        answer.uploader = answer.uploader or element.file_uploader.id
    elif kind == "alert":
        answer.alerts.append(element.alert.body)
    elif kind == "exception":
        answer.exceptions.append(f"{element.exception.type}: {element.exception.message[:100]}")
        answer.traces += element.exception.stack_trace


def _put(url: str, session_id: str, file_id: str, name: str, data: bytes) -> int:
    """The upload of a browser: with the cookie against forged requests, and the header that repeats it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_S)
    try:
        connection.request("GET", "/_stcore/health")
        cookie = _cookies(connection).get("_streamlit_xsrf", "")
        edge = "----edge"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "X-Xsrftoken": cookie}
        headers["Cookie"] = f"_streamlit_xsrf={cookie}"
        body = head.encode() + data + f"\r\n--{edge}--\r\n".encode()
        connection.request("PUT", f"/_stcore/upload_file/{session_id}/{file_id}", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _cookies(connection: http.client.HTTPConnection) -> Mapping[str, str]:
    response = connection.getresponse()
    response.read()
    pairs = (line.partition(";")[0].partition("=") for line in response.headers.get_all("Set-Cookie", []))
    return {name: value for name, _, value in pairs}
