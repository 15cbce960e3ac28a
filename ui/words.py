"""Numbers as words: the sentences and small tables that pages show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from uqcore.selection import Acceptance
from uqcore.surfaces import Surface
from uqcore.verdicts import Verdict

NO_DIGIT = "**Draw a digit**, pick a test image or upload one: each method says what it is, and how sure it is."
ACCEPT, DEFER = "✓ accept", "? defer"


def percent(share: float) -> str:
    """A share as a percentage that never rounds to a false 0 % or 100 %; a dash for what does not exist."""
    if math.isnan(share):
        return "–"
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share:.1%}".replace(".0%", "%").replace("%", " %")


def acceptance(accepted: Acceptance) -> str:
    """The line under a surface."""
    right = "" if math.isnan(accepted.accuracy) else f" ({percent(accepted.accuracy)} right)"
    return f"accepts {percent(accepted.coverage)} of test points{right}, {percent(accepted.ood_accepted)} of unseen"


def who_accepts_the_unseen(seen: Mapping[str, Surface]) -> str:
    """The answer of the two-moons page, in Markdown."""
    if not seen:
        return "No trained model can be shown."
    shares = {label: surface.acceptance.ood_accepted for label, surface in seen.items()}
    fooled = [label for label, share in shares.items() if share >= 0.5]
    wary = [label for label, share in shares.items() if share < 0.5]
    start = "The crosses at the lower right are unlike anything the models were trained on. At this threshold "
    if not fooled:
        return start + "**every method** defers most of them."
    if not wary:
        return start + "**no method** notices: each accepts at least half of them as if it knew."
    return (
        f"{start}**{_listed(wary)}** {'defers' if len(wary) == 1 else 'defer'} most of them; "
        f"**{_listed(fooled)}** {'accepts' if len(fooled) == 1 else 'accept'} them as if nothing were odd."
    )


def verdict_table(verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> str:
    """A table, in HTML, of each method's verdict on one input."""
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(class_names[v.label])} {percent(float(v.probs[v.label]))}</td>"
        f"<td>{v.total:.3f}</td><td>{v.aleatoric:.3f}</td><td>{v.epistemic:.3f}</td>"
        f"<td class='{'accept' if v.accepted else 'defer'}'>{ACCEPT if v.accepted else DEFER}</td></tr>"
        for label, v in verdicts.items()
    )
    head = "".join(f"<th>{name}</th>" for name in ("", "predicts", "entropy", "aleatoric", "epistemic", "verdict"))
    return f"<div class='scroll'><table class='verdicts'><tr>{head}</tr>{rows}</table></div>"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def who_reads_what(verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> str:
    """The answer of the digit lab, in Markdown: how many methods read what, and who would rather not say."""
    readings = Counter(class_names[v.label] for v in verdicts.values())
    if not readings:
        return "No trained model can be shown."
    said = _listed([f"{count} read a **{name}**" for name, count in readings.most_common()])
    deferring = [label for label, v in verdicts.items() if not v.accepted]
    start = f"Of {len(verdicts)} methods, {said}. "
    if not deferring:
        return start + "None asks for a second look at this threshold."
    return f"{start}**{_listed(deferring)}** would rather not say."


def who_is_fooled(verdicts: Mapping[str, Sequence[Verdict]], names: Sequence[str]) -> str:
    """The answer of the home page, in Markdown: who takes what is no digit for one."""
    if not verdicts:
        return "No trained model can be shown."
    sentences = []
    for i, name in enumerate(names[1:], start=1):
        fooled = [label for label, row in verdicts.items() if row[i].accepted]
        sentences.append(f"**{_listed(fooled)}** took {name} for a digit" if fooled else f"nobody took {name} for one")
    return (
        "Shown something that is no digit, a network still answers with a digit. Does it at least **say that it is "
        f"unsure**? Here, {'; '.join(sentences)}."
    )
