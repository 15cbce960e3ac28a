"""A page to take home: text, tables and figures in one HTML file that needs no other file and no network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from plotly.offline import get_plotlyjs

from uqcore.plots.style import CONFIG


@dataclass(frozen=True)
class Table:
    """Rows of text, the first cell of each naming it, under a head where there is one."""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A part of a report, shown in this order. Markup in any text is shown as text.

    Attributes:
        heading: its title.
        paragraphs: one or more sentences each.
        tables: each under the other.
        figures: caption -> plotly figure, a dict fit for JSON whose layout has a height.
        code: title -> lines of which every character counts.
    """

    heading: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


def report(title: str, sections: Sequence[Section]) -> str:
    """An HTML page of about 5 MB, for it holds all of plotly's script.

    Its content security policy lets only the scripts in it run, known by their hash, and lets nothing be fetched.
    """
    figures = [figure for section in sections for figure in section.figures.values()]
    # With no "<" in it, no text of a visitor can end the element.
    data = json.dumps({"figures": figures, "config": CONFIG}, allow_nan=False).replace("<", "\\u003c")
    scripts = [get_plotlyjs(), _SCRIPT]
    allowed = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_NOTHING_ELSE}; script-src {allowed}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f"<h1>{escape(title)}</h1>",
        *map(_section, sections),
        "<noscript><p>The figures need JavaScript; all else is here.</p></noscript>",
        f'<script type="application/json" id="data">{data}</script>',
        *(f"<script>{script}</script>" for script in scripts),
    ]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"]
    parts += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    parts += map(_table, section.tables)
    parts += [
        f'<figure><figcaption>{escape(caption)}</figcaption><div class="plot" role="img" '
        f'aria-label="{escape(caption)}" style="height: {figure["layout"]["height"]}px"></div></figure>'
        for caption, figure in section.figures.items()
    ]
    parts += [f"<h3>{escape(title)}</h3><pre>{escape(lines)}</pre>" for title, lines in section.code.items()]
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in others) + "</tr>"
        for first, *others in table.rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root {--text: #1a2230; --back: #ffffff; --soft: #f2f4f7; color-scheme: light}
@media screen and (prefers-color-scheme: dark) {
  :root {--text: #e8ecf2; --back: #11161f; --soft: #1b2330; color-scheme: dark}
}
body {max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; background: var(--back); color: var(--text);
  font: 1.0625rem/1.5 system-ui, sans-serif; overflow-wrap: break-word}
h1 {font-size: 1.9rem; line-height: 1.2}
h2 {margin: 2.5rem 0 .5rem; font-size: 1.4rem}
h3 {margin: 1.5rem 0 .5rem; font-size: 1.0625rem}
.scroll {overflow-x: auto}
table {border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums}
:is(th, td) {padding: .35rem 1.25rem .35rem 0; border-bottom: 1px solid #8886; text-align: left; vertical-align: top}
tbody th {font-weight: 400}
tbody td {min-width: 4rem; overflow-wrap: anywhere}
figure {margin: 1.75rem 0}
figcaption {margin-bottom: .5rem; font-weight: 600}
pre {margin: 0; padding: .75rem 1rem; border-radius: 6px; background: var(--soft); font-size: .9375rem;
  white-space: pre-wrap}
@media (max-width: 40rem) {
  body {padding: .5rem 1rem 2rem}
  h1 {font-size: 1.5rem}
  :is(th, td) {padding-right: .5rem; font-size: 1rem}
}
@media print {
  @page {margin: 14mm}
  body {max-width: none; padding: 0; font-size: 10.5pt}
  :is(h2, h3, figcaption) {break-after: avoid}
  :is(figure, tr) {break-inside: avoid}
}
"""

_SCRIPT = """
const { textContent: text } = document.getElementById("data");
const plots = document.querySelectorAll(".plot");
const dark = matchMedia("screen and (prefers-color-scheme: dark)");

function draw(isDark, width) {
  const ink = isDark ? "#e8ecf2" : "#1a2230";
  const axis = { gridcolor: isDark ? "#e8ecf22a" : "#1a22301f", linecolor: ink };
  const clear = "#00000000";
  const look = { font: { color: ink, family: "system-ui, sans-serif" }, paper_bgcolor: clear, plot_bgcolor: clear };
  const template = { layout: { ...look, xaxis: axis, yaxis: axis } };
  const { figures, config } = JSON.parse(text); // Anew, because Plotly writes into what it is given.
  figures.forEach(({ data, layout }, i) => Plotly.newPlot(plots[i], data, { ...layout, template, width }, config));
}

draw(dark.matches);
dark.addEventListener("change", () => draw(dark.matches));
addEventListener("beforeprint", () => draw(false, 680)); // px: the width of A4 and of Letter, less the margins
addEventListener("afterprint", () => draw(dark.matches));
"""
