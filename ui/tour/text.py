"""The tour's markup as HTML, and links to its steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from ui.tour.steps import HOME, STEPS, Query

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]*)\)")
_BOLD, _STRESSED = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"\*(.+?)\*")


def address(page: str, query: Query) -> str:
    """A relative link to a page, which works from every other one."""
    place = "./" if page == HOME else PurePosixPath(page).stem
    return f"{place}?{urlencode(query, doseq=True)}" if query else place


def of_step(n: int, more: Mapping[str, str], changes: Mapping[str, str] | None = None) -> str:
    """The link to step ``n``, counted from 1, with the parameters ``more``.

    With ``changes`` its figure's own are set otherwise; an empty one is taken out.
    """
    step = STEPS[n - 1]
    query = {"tour": str(n), **more, **step.query, **(changes or {})}
    return address(step.page, {key: value for key, value in query.items() if value != ""})


def parts_of(link: str) -> SplitResult | None:
    """A visitor's link in its parts; None where it is none, with a bracket in the place of a host."""
    try:
        return urlsplit(link)
    except ValueError:
        return None


def to_html(text: str, n: int, more: Mapping[str, str]) -> str:
    """``**bold**``, ``*stressed*``, ``[words](noise=0.3)`` that set step ``n``'s figure so, ``[words](/page?a=b)``.

    A parameter without a value, as in ``(noise=)``, is left out of the link.
    """

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        if target.startswith("/"):
            page, _, query = target[1:].partition("?")
            href = address(page, {**more, **_parameters(query)})
        else:
            href = of_step(n, more, _whole(n, _parameters(target)))
        return f'<a href="{escape(href)}">{words}</a>'

    made = _LINK.sub(link, escape(text, quote=False))
    return _STRESSED.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", made))


def _parameters(escaped: str) -> dict[str, str]:
    return dict(parse_qsl(escaped.replace("&amp;", "&"), keep_blank_values=True))


def _whole(n: int, changes: dict[str, str]) -> dict[str, str]:
    """``methods`` stands for the step's own parameter, whose name has the number of methods in it."""
    own = next((key for key in STEPS[n - 1].query if key.startswith("methods_")), "methods")
    return {own if key == "methods" else key: value for key, value in changes.items()}
