"""What a stranger may write into a link or a file, and whether a page would show it as more than text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Node

MARKS = ("![](//a.bc/x.png)", "[LOGIN](//a.bc)", "<img src=//a.bc>", ":red[x]", "$x$", "**b**", "`![](//a.bc)`")
# What Markdown reads as a mark unless a backslash stands before it.
_ACTIVE = re.compile(r"(?<!\\)(?:!?\[[^\]]*(?<!\\)\]\(//a\.bc|<img|:red\[|\$x\$|\*\*b)")
_ACTIVE_HTML = re.compile(r"<[^>]*(src|href)=.?//a\.bc")
_CODE = re.compile(r"(?<![`\\])`[^`]+`(?!`)")
# Fields that are shown as they are, or not at all.
_PLAIN = {"id", "element_id", "form_id", "key", "value", "default", "options", "spec", "json", "url", "src"} | {
    "query_string", "page_script_hash", "file_name", "raw_values", "user_key", "script", "arrow_data", "columns"
}  # fmt: skip


def shown(app: AppTest, html: bool = False) -> Iterator[str]:
    """Every text of the page that the browser reads as Markdown, or as HTML, from top to bottom."""
    for node in nodes(app):
        proto = getattr(node, "proto", None)
        kind = getattr(node, "type", "")
        if proto is not None and kind != "code" and (kind == "html") == html:
            yield from _texts(proto)


def nodes(app: AppTest) -> Iterator[Node]:
    """All that is on the page."""
    for block in (app.main, app.sidebar):
        yield from _nodes(block)


def active(app: AppTest) -> list[str]:
    """The texts in which a mark of `MARKS` would be more than text."""
    markdown = [text for text in shown(app) if _ACTIVE.search(_CODE.sub("", text))]
    return markdown + [text for text in shown(app, html=True) if _ACTIVE_HTML.search(text)]


def _nodes(block: Block) -> Iterator[Node]:
    for node in block.children.values():
        yield node
        if isinstance(node, Block):
            yield from _nodes(node)


def _texts(proto: Any) -> Iterator[str]:
    for field, value in proto.ListFields():
        if field.name in _PLAIN:
            continue
        if field.type == field.TYPE_STRING:
            yield from [value] if isinstance(value, str) else list(value)
        elif field.type == field.TYPE_MESSAGE:
            for each in value if hasattr(value, "__len__") else [value]:
                if hasattr(each, "ListFields"):
                    yield from _texts(each)
