"""What the server's log says of a value that no widget has, which a client need not keep from sending: a line, where
Streamlit's own would be forty, before our script has run."""

from __future__ import annotations

import logging
from traceback import walk_tb

import streamlit as st
from streamlit.errors import StreamlitAPIException

_READS = "streamlit.runtime.state."
_OURS = {"__main__", "ui", "uqcore"}
_LONGEST = 200


class OneLine(logging.Filter):
    """For `logging`: takes the frames off such a failure. All others stay whole."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _is_of_a_value(error):
            text = " ".join(str(error).split())[:_LONGEST]
            record.msg, record.args = "A client sent what no widget has (%s: %s)", (type(error).__name__, text)
            record.exc_info = record.exc_text = None
        return True


def _is_of_a_value(error: BaseException) -> bool:
    """Whether Streamlit failed while it read what widgets hold, with nothing of ours within."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__)]
    reading = max((i for i, module in enumerate(modules) if module.startswith(_READS)), default=len(modules))
    within = {module.partition(".")[0] for module in modules[reading:]}
    return bool(within) and not within & _OURS and not isinstance(error, StreamlitAPIException)


@st.cache_resource(show_spinner=False)
def shorten() -> None:
    """From now on, once a server."""
    logging.getLogger("streamlit.error_util").addFilter(OneLine())
