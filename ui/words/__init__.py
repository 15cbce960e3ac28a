"""What several pages say: figures, names and tables as words, each page's own sentences in the file of its name."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from uqcore.store import default_store

# Control characters but for the tab; embeddings, overrides and isolates of Unicode's bidi algorithm.
_INVISIBLE = re.compile("[\0-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Between single backticks, with none beside them: what Markdown, too, takes for code.
_CODE = re.compile(r"(?<!`)(`[^`]+`)(?!`)")
_MARKS = "\\`*_{}[]()#+-!|<>~:$&^="
_TOOLTIP = 500  # characters
ACCEPT, DEFER = "✓ accept", "? defer"


def duration(seconds: float) -> str:
    """About how long, to two digits."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def in_the_queue(place: int, wait_s: float) -> str:
    """Beside the bar of a training that waits."""
    return f"The machine trains for others: place {place}, about {duration(wait_s)} to wait"


def article(name: str) -> str:
    """Of the name of a class or of an input as it is spoken: "a 4", "an 8", "an Ankle boot"."""
    return "an" if name == "8" or (name[:1].lower() in "aeio" and name.lower() != "one") else "a"


def with_article(name: str) -> str:
    return f"{article(name)} {name}"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def plain(text: str) -> str:
    """Words of a visitor's file in one line, without what Markdown would read as marks, or what turns round the
    direction of our own words beside them."""
    line = visible(" ".join(text.splitlines()))
    return "".join(f"\\{c}" if c in _MARKS or (c == "." and not _ends(line, i)) else c for i, c in enumerate(line))


def visible(text: str) -> str:
    """A text of a file or a link, without what shows nothing or turns round the direction of what stands beside it."""
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _ends(line: str, place: int) -> bool:
    """Whether the dot at ``place`` is one that ends a sentence: neither of an address nor of the number of an item."""
    return line[place + 1 : place + 2] in ("", " ") and not line[:place].strip().isdigit()


def sentence(text: str) -> str:
    """What went wrong, for the screen: whatever it quotes from a link or a file, it is text; `commands` stay code.

    Where the server keeps its files is nobody's business: of such places the last folder's name is left.
    """
    for root in _places():
        text = text.replace(f"{root}/", f"{root.name}/" if root == default_store().root else "").replace(
            f"{root}", root.name
        )
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if i % 2 else plain(part) for i, part in enumerate(parts))


def _places() -> list[Path]:
    """From the innermost to the outermost."""
    places = {default_store().root, Path(__file__).resolve().parents[2], Path(tempfile.gettempdir()), Path.home()}
    return sorted(places - {Path("/")}, key=lambda place: -len(str(place)))


def shortened(name: str, most: int = 40) -> str:
    """A name for the screen: names in files have any length."""
    return visible(name) if len(name) <= most else f"{visible(name[: most - 1])}…"


def name_in_html(name: str, most: int = 40) -> str:
    """A name in HTML: short on the screen, and longer where the pointer rests; no payload grows with it."""
    if len(name) <= most:
        return escape(visible(name))
    return f'<span title="{escape(shortened(name, _TOOLTIP))}">{escape(shortened(name, most))}</span>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table in HTML; the first cell of a row is its head."""
    body = "".join(
        f"<tr><th>{name_in_html(row[0])}</th>{''.join(f'<td>{escape(visible(cell))}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table class="verdicts"><tr>{head_cells(head)}</tr>{body}</table></div>'


def head_cells(names: Sequence[str]) -> str:
    """The cells above a table's columns; one without words is no head."""
    return "".join(f"<th>{escape(visible(name))}</th>" if name else "<td></td>" for name in names)


def small(number: float) -> str:
    """A figure to three digits, whatever its size; a dash for what does not exist."""
    return "–" if math.isnan(number) else f"{number:.3g}"
