"""Whether the browser's history, or the tour, has brought the link that is shown."""

from __future__ import annotations

from streamlit.runtime.scriptrunner import get_script_run_ctx


def is_from_history() -> bool:
    """Whether this run shows a link that the browser went back or forward to, or that the tour has set: it alone says
    what is shown, and what the visit has kept does not count."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def take_whole_link() -> None:
    """Has the page see the whole link that the browser's history, or the tour, has brought.

    Where the page that was left has a control of the same name, Streamlit takes its parameter out of the link.
    """
    context = get_script_run_ctx()
    if context is None or not context.is_history_navigation:
        return
    with context.session_state.query_params() as link:
        seen = str(link)
        link.set_initial_query_params(context.query_string)
        link.populate_from_query_string(context.query_string)
        if str(link) != seen:  # the browser has been told to take it out, too
            link.update({name: link.get_all(name) for name in link})
