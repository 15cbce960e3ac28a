"""Whether the browser's history, or the tour, has brought the link that is shown."""

from __future__ import annotations

from streamlit.runtime.scriptrunner import get_script_run_ctx


def is_from_history() -> bool:
    """Whether this run shows a link that the browser went back or forward to, or that the tour has set: it alone says
    what is shown, and what the visit has kept does not count."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
