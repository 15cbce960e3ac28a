"""The tour's panel and bar, and what a presenter's keys do; they run in the browser."""

from __future__ import annotations

from typing import Any

from ui.components.mounting import is_text, register, sent, state_of

_mount = register("stage", "going", "leaving")
_KEY = "stage"


def asked_code() -> str | None:
    """The link that the visitor wants as a QR code."""
    url: str | None = sent(state_of(_KEY), "asked", None, is_text)
    return url


def stage(data: dict[str, Any]) -> None:
    """Show it.

    Args:
        data: ``n``, the step, 0 outside the tour; ``steps``: each one's claim and link; ``told``: the step's question
            and answer as HTML; ``present``; ``notes``: whether this is the window of the notes, and ``notes_href``
            where they are; ``goes``: a link to go on to at once; ``qr``: a QR code with its ``url``.
    """
    _mount(key=_KEY, data=data, on_asked_change=lambda: None)
