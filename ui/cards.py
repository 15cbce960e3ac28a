"""Verdicts as HTML: drawn by the browser without a chart library, they are there at once and fit any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from ui import glossary, shelf
from ui.thumbs import png_url
from ui.words import ACCEPT, DEFER
from ui.words import digit_lab as words
from uqcore.exhibits.front_page import Said
from uqcore.exhibits.verdicts import SPREAD, Verdict
from uqcore.models.answers import levels
from uqcore.plots.palette import series_style
from uqcore.text import percent, unbroken
from uqcore.types import FloatArray

_MOST_IN_A_ROW = 5
_LEAST_SPREAD = 0.004  # of a probability
_SPREAD = percent((SPREAD[1] - SPREAD[0]) / 100)
_SHORT_NAME, _MOST_OF_A_NAME = 4, 10  # characters


def picture(image: FloatArray, alt: str, side: int = 140) -> str:
    """An ``<img>`` of grey levels ``(28, 28, 1)`` in [0, 1], its pixels kept sharp."""
    url = png_url(levels(image[None]), 1)
    return f'<img class="pixels" width="{side}" height="{side}" alt="{escape(alt)}" src="{url}">'


def seen(image: FloatArray) -> str:
    """The image that the models see, with its caption."""
    alt = "The image that the models see"
    return f'<div class="seen">{picture(image, alt, 112)}<br><span>{alt}</span></div>'


def cards(
    verdicts: Mapping[str, Verdict],
    class_names: Sequence[str],
    bars: Mapping[str, float],
    threshold: float,
    measures: Mapping[str, str],
) -> str:
    """A card a method: class, verdict, all probabilities with the samples' spread, and the entropy's two parts.

    Args:
        bars: label -> the measure in 0..1 (what is larger ends at 1).
        threshold: in 0..1, marked on that bar.
        measures: label -> the name of that measure.
    """
    places = shelf.places()
    made = (
        _card(_color(places, label), label, verdict, class_names, threshold, bars[label], measures[label])
        for label, verdict in verdicts.items()
    )
    n_rows = -(-len(verdicts) // _MOST_IN_A_ROW)
    return f'<div class="cards" style="--columns:{-(-len(verdicts) // n_rows)}">{"".join(made)}</div>'


def _color(places: Mapping[str, int], label: str) -> str:
    """A method's colour, whichever others are shown."""
    return series_style(places.get(label, 0)).color


def _card(
    color: str, label: str, v: Verdict, class_names: Sequence[str], threshold: float, measure: float, measure_name: str
) -> str:
    varies = f" and where {_SPREAD} of its samples lie" if _varies(v) else ""
    bars = "".join(_probability(class_names[k], v, k) for k in range(len(v.probs)))
    longest = max(map(len, class_names))
    long = " long" if longest > _SHORT_NAME else ""
    return (
        f'<section class="card" style="--series:{color}" data-share="{min(measure, 1):.9g}" '
        f'aria-label="{escape(label)}"><h2>{escape(label)}</h2>'
        f'<p class="label{long}"><b>{escape(class_names[v.label])}</b> {percent(float(v.probs[v.label]))}</p>'
        f'<p class="verdict {"accept" if v.accepted else "defer"}">{ACCEPT if v.accepted else DEFER}</p>'
        f'{_gauge(measure, threshold, measure_name)}<p class="why">{words.why_accepted(v, measure_name)}</p>'
        f'<p class="key">probability{varies}</p><div class="bars" style="--name:{min(longest, _MOST_OF_A_NAME)}ch">'
        f"{bars}</div>{_entropy(v)}</section>"
    )


def _varies(v: Verdict) -> bool:
    """Whether any class's samples lie so far apart that it is drawn."""
    return bool((v.high - v.low).max() > _LEAST_SPREAD)


def _probability(name: str, v: Verdict, k: int) -> str:
    p, low, high = (100 * float(values[k]) for values in (v.probs, v.low, v.high))
    spread = (
        f'<i style="left:{low:.1f}%;width:{max(high - low, 0.4):.1f}%"></i>' if high - low > 100 * _LEAST_SPREAD else ""
    )
    title = unbroken(f"{name}: {p:.1f} %, samples {low:.1f} to {high:.1f} %")
    return (
        f'<div class="bar" title="{escape(title)}"><span>{escape(name)}</span>'
        f'<div><b style="width:{p:.1f}%"></b>{spread}</div></div>'
    )


def _gauge(measure: float, threshold: float, name: str) -> str:
    """The measure as a bar with the threshold as a tick; both as shares of the largest value."""
    share = 100 * min(threshold, 1)
    return (
        f'<p class="key">uncertainty: {escape(name)}</p>'
        f'<div class="gauge" title="uncertainty {measure:.3f}, threshold {threshold:.2f}" style="--tick:{share:.1f}%">'
        f'<b style="width:{100 * min(measure, 1):.1f}%"></b><i style="left:{share:.1f}%"></i>'
        '<span class="tick">threshold</span></div>'
    )


def _entropy(v: Verdict) -> str:
    largest = np.log(len(v.probs))
    aleatoric, epistemic = (100 * part / largest for part in (v.aleatoric, v.epistemic))
    return (
        f'<div class="entropy" title="entropy {v.total:.3f} nats of at most {largest:.3f}">'
        f'<b class="aleatoric" style="width:{aleatoric:.1f}%"></b>'
        f'<b class="epistemic" style="width:{epistemic:.1f}%"></b>'
        f'</div><p class="parts">entropy {v.total:.2f} = <span class="aleatoric">{v.aleatoric:.2f} aleatoric</span> + '
        f'<span class="epistemic">{v.epistemic:.2f} epistemic</span></p>'
    )


def verdict_grid(inputs: Mapping[str, FloatArray], answers: Mapping[str, Said], class_names: Sequence[str]) -> str:
    """A table: a column an input, with its picture, and a row a method, with what it says of each."""
    head = "".join(f"<th>{picture(image, '', 96)}<br>{escape(name)}</th>" for name, image in inputs.items())
    places = shelf.places()
    rows = "".join(
        f'<tr style="--series:{_color(places, label)}"><th>{name}</th>'
        f"{''.join(_cell(*one, class_names) for one in zip(*said, strict=True))}</tr>"
        for (label, said), name in zip(answers.items(), glossary.in_html(*map(escape, answers)), strict=True)
    )
    return f'<div class="scroll"><table class="grid"><tr><td></td>{head}</tr>{rows}</table></div>'


def _cell(label: int, confidence: float, accepted: bool, class_names: Sequence[str]) -> str:
    said = f"<b>{escape(class_names[label])}</b> {percent(float(confidence))}"
    return f'<td><span class="{"accept" if accepted else "defer"}">{ACCEPT if accepted else DEFER}</span> {said}</td>'
