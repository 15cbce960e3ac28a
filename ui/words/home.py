"""What the home page says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ui.words import listed
from uqcore.exhibits.front_page import Said


def who_is_fooled(answers: Mapping[str, Said], names: Sequence[str], noun: str) -> str:
    """The answer of the home page, in Markdown: who takes what is no ``noun``, e.g. no digit, for one."""
    if not answers:
        return "No trained model can be shown."
    sentences = []
    for i, name in enumerate(names[1:], start=1):
        fooled = [label for label, said in answers.items() if said.accepted[i]]
        sentences.append(f"**{listed(fooled)}** took {name} for a {noun}" if fooled else f"nobody took {name} for one")
    return (
        f"Shown something that is no {noun}, a network still answers with a {noun}. Does it at least **say that it is "
        f"unsure**? Here, {'; '.join(sentences)}."
    )
