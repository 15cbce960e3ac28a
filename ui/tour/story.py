"""The tour on one page, for those who scroll: its claims with what stands behind each, and a link to see it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from html import escape

from ui.cards import picture
from ui.tour import pictures, text
from ui.tour.steps import STEPS
from uqcore.exhibits.one_image import noise_image

# Nothing that a model would have to be asked for: home shows this to everybody. The numbers are in the steps.
_BEHIND = (
    "Ten digits are all the answers that it has. Shown pure noise it still names one, and often seems sure.",
    "Whatever it is shown, a reader of digits reads a digit. Turn the T-shirt, and who doubts it changes.",
    "It draws one border between what it has learnt. All that is far from the border counts as certain, even where no "
    "example ever was.",
    "Ask one network many times, thinned at random (MC Dropout), or several (a deep ensemble): where the answers "
    "differ, they are unsure. But all learnt from the same examples, and far from these they go on alike.",
    "A method that knows how far a thing is from everything it learnt (SNGP) can doubt it for that alone.",
    "Between the points nobody knows how the curve runs. Networks that were trained apart show it: there they differ.",
    "Chosen on examples whose answers are known, it keeps errors as rare as one asks, on things like those examples. "
    "Of anything else it promises nothing.",
    "Watch networks learn: most are sure of what they never saw from the start, and more learning does not change it.",
    "Draw what is no digit, and see who notices.",
)
_PICTURES: dict[int, Callable[[], str]] = {
    1: lambda: picture(noise_image(0), "noise", 96),
    3: lambda: _as_image(pictures.plane()),
    6: lambda: _as_image(pictures.curve()),
}


def _as_image(svg: str) -> str:
    """A drawing as an ``<img>``, which Streamlit lets through, in a grey that is seen on light and dark."""
    data = b64encode(svg.replace("currentColor", "#8a919e").encode()).decode("ascii")
    return f'<img alt="" src="data:image/svg+xml;base64,{data}">'


@cache
def html() -> str:
    """One ordered list for all visitors."""
    items = "".join(
        f'<li><div class="shown">{_PICTURES[n]() if n in _PICTURES else ""}</div><div>'
        f'<a href="{escape(text.of_step(n, {}))}" target="_self">{escape(step.claim)}</a>'
        f"<p>{escape(behind)}</p></div></li>"
        for n, (step, behind) in enumerate(zip(STEPS, _BEHIND, strict=True), start=1)
    )
    return f'<ol class="story">{items}</ol>'
