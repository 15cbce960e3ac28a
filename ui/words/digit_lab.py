"""What the digit lab says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ui.words import article, listed, with_article
from uqcore.exhibits.verdicts import Verdict


def no_image(noun: str) -> str:
    """The digit lab without an image, in Markdown."""
    return (
        f"**Draw {with_article(noun)}**, pick a test image or upload one: each method says what it is, and how sure it "
        "is."
    )


def who_reads_what(verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> str:
    """The answer of the digit lab, in Markdown: how many methods read what, and who would rather not say."""
    readings = Counter(class_names[v.label] for v in verdicts.values())
    if not readings:
        return "No trained model can be shown."
    said = listed(
        [f"{n} {'reads' if n == 1 else 'read'} {article(name)} **{name}**" for name, n in readings.most_common()]
    )
    deferring = [label for label, v in verdicts.items() if not v.accepted]
    start = f"Of {len(verdicts)} method{'s' * (len(verdicts) > 1)}, {said}. "
    if not deferring:
        return start + "None asks for a second look at this threshold."
    return f"{start}**{listed(deferring)}** would rather not say."


HOW_TO_READ_CARDS = (
    "Up to the threshold a method accepts. The lowest bar is the entropy, the doubt in all: filled, what the image "
    "itself leaves open (aleatoric); hatched, what the samples disagree about (epistemic), because the training data "
    "do not settle it."
)
_UNSURE = 2 / 3  # a probability that looks like a guess


def why_accepted(verdict: Verdict, measure: str) -> str:
    """Why an answer that its own percentage calls far from certain can be accepted; nothing where that is not so.

    ``measure``: the name of the measure that it is judged by.
    """
    if verdict.probs[verdict.label] >= _UNSURE:
        return ""
    return f"Accepted though far from certain: its {measure} is low, and that decides here, not the percentage."
