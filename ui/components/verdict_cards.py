"""Cards with verdicts that follow a threshold."""

from __future__ import annotations

from collections.abc import Sequence

from ui.components.mounting import first, is_number, key_for, register, sent

_mount = register("verdict_cards", "range", "whole", in_page_style=True)


def verdict_cards(
    html: str, *, threshold: float, thresholds: Sequence[float], accept: str, defer: str, key: str
) -> float:
    """Show cards below a slider for the threshold, and return where the visitor has left it.

    Args:
        html: ``.card`` elements, each with its measure as ``data-share`` (accepted where that is at most the
            threshold), a ``.verdict`` and, in a ``.gauge``, an ``<i>`` at the threshold.
        threshold: where it starts; from then on it is the visitor's.
        thresholds: rising values in 0..1 that the slider goes through.
        accept, defer: the verdicts in words.
    """
    key, state = key_for(key, {"threshold": threshold})
    told = first(threshold, key, state, "threshold")  # what the visitor has changed since is not told
    data = {"html": html, "threshold": told, "thresholds": list(thresholds), "accept": accept, "defer": defer}
    chosen: float = sent(
        _mount(key=key, data=data), "threshold", sent(state, "threshold", threshold, is_number), is_number
    )
    return chosen
