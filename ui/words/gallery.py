"""What the gallery says."""

from __future__ import annotations

from ui.words import with_article
from uqcore.text import percent


def value(number: float) -> str:
    """A measure in the little room below a picture; never a false zero."""
    if 0 < number < 0.005:
        return "<\u00a00.01"
    return f"{number:.2f}" if number < 10 else f"{number:.0f}"


def how_wrong_the_ends_are(name: str, n: int, surest: float, least_sure: float, of_all: float) -> str:
    """The answer of the gallery, in Markdown: error rates among the ``n`` surest and least sure of each class."""
    return (
        f"Of its {n} surest images of each class **{name}** reads **{percent(surest)}** wrong; of its {n} least sure, "
        f"**{percent(least_sure)}**; of all, {percent(of_all)}."
    )


def how_sure_of_the_unseen(name: str, n: int, share: float, noun: str, unseen_noun: str) -> str:
    """The answer of the gallery where it shows what the model never learnt, in Markdown."""
    return (
        f"None of these is {with_article(noun)}, yet **{name}** is as sure of **{percent(share)}** of the {n:,} "
        f"{unseen_noun}s as it is of {percent(0.95)} of the test {noun}s."
    )


def how_many_errors_show(name: str, n_wrong: int, n_unsure: int, n: int, noun: str) -> str:
    """The answer above the wrong predictions, in Markdown: how many are among the least sure 5 %."""
    return (
        f"**{name}** reads **{n_wrong:,}** of {n:,} {noun}s wrong; **{n_unsure:,}** of them are among the "
        f"{percent(0.05)} that it is least sure of."
    )


def who_names_another(names: tuple[str, str], n_differ: int, n: int, right: tuple[int, int] | None) -> str:
    """The answer about two methods, in Markdown; ``right``: how often either is right where they differ."""
    said = f"**{names[0]}** and **{names[1]}** name different classes for **{n_differ:,}** of {n:,} images"
    if right is None or not n_differ:
        return f"{said}."
    neither = n_differ - sum(right)
    return f"{said}: there the first is right {right[0]:,} times, the second {right[1]:,}, neither {neither:,}."
