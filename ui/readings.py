"""The pictures that a visit has read last in the digit lab, to go back to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

import streamlit as st

from ui.components import Reading, readings
from ui.thumbs import png_url
from uqcore.exhibits import one_image
from uqcore.exhibits.verdicts import Verdict
from uqcore.models.answers import levels
from uqcore.types import FloatArray

MOST: Final = 12
_KEPT = "readings"


class _Kept(NamedTuple):
    """A picture's reading without its link, which changes while it is shown."""

    picture: str
    name: str
    n_accepting: int
    n_methods: int


def show(task: str, x: FloatArray, verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> None:
    """Keeps the reading of ``x (1, 28, 28, 1)`` and shows the strip, the newest first; one picture alone is none."""
    kept: dict[tuple[str, str], tuple[_Kept, str]] = st.session_state.setdefault(_KEPT, {})
    key = task, one_image.key(x)
    name, _ = Counter(class_names[verdict.label] for verdict in verdicts.values()).most_common(1)[0]
    accepting = sum(verdict.accepted for verdict in verdicts.values())
    kept[key] = _Kept(png_url(levels(x), 1), name, accepting, len(verdicts)), _address()
    while len(kept) > MOST:
        del kept[next(iter(kept))]
    if len(kept) > 1:
        readings([_reading(one, href, at == key) for at, (one, href) in reversed(kept.items())])


def _address() -> str:
    """The link to what is shown."""
    return "?" + urlencode({name: st.query_params.get_all(name) for name in st.query_params}, doseq=True)


def _reading(kept: _Kept, href: str, is_shown: bool) -> Reading:
    title = f"Read as {kept.name}, accepted by {kept.n_accepting} of {kept.n_methods}"
    return Reading(href, kept.picture, kept.name, f"✓ {kept.n_accepting} of {kept.n_methods}", title, is_shown)
