"""Numbers as words: the sentences and small tables that pages show."""

from __future__ import annotations

import math
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from uqcore.datasets.moons import OOD_MEAN
from uqcore.exhibits.front_page import Said
from uqcore.exhibits.functions import Figures
from uqcore.exhibits.moons import Surface
from uqcore.exhibits.verdicts import Verdict
from uqcore.methods import METHODS
from uqcore.selection import Acceptance, Estimate
from uqcore.store import default_store
from uqcore.text import exact_percent, fine_percent, percent, unbroken
from uqcore.tuning import Tuned
from uqcore.tuning.split import Quality

if TYPE_CHECKING:  # which pages that train nothing need not load
    from uqcore.live import Trained
    from uqcore.live.jobs import Status

NO_PREDICTIONS = "**Bring your own predictions**, or try an example: how sure must a model be before you take its word?"
QUALITY = (
    "On the held-out part. AURC: the mean share of wrong predictions over all coverages, lower is better; E-AURC: "
    "what a perfect order of the examples would have saved. AUROC: the chance that an error, or an unseen input, "
    f"has the higher uncertainty, higher is better. FPR95: the share deferred where {percent(0.95)} of the unseen "
    "is."
)
USUAL_CLUSTER = (float(OOD_MEAN[0]), float(OOD_MEAN[1]))
# Between single backticks, with none beside them: what Markdown, too, takes for code.
# Control characters but for the tab; embeddings, overrides and isolates of Unicode's bidi algorithm.
_INVISIBLE = re.compile("[\0-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CODE = re.compile(r"(?<!`)(`[^`]+`)(?!`)")
_MARKS = "\\`*_{}[]()#+-!|<>~:$&^="
_TOOLTIP = 500  # characters
ACCEPT, DEFER = "✓ accept", "? defer"


def no_image(noun: str) -> str:
    """The digit lab without an image, in Markdown."""
    return f"**Draw a {noun}**, pick a test image or upload one: each method says what it is, and how sure it is."


def acceptance(accepted: Acceptance) -> str:
    """The line under a surface."""
    right = "" if math.isnan(accepted.accuracy) else f" ({percent(accepted.accuracy)} right)"
    return f"accepts {percent(accepted.coverage)} of test points{right}, {percent(accepted.ood_accepted)} of unseen"


TRAIN_HERE = (
    "**Train them here, now:** every method's uncertainty forms before your eyes. Then go through it epoch by epoch."
)
PAINT_FIRST = "Paint points of the first and the second class, then train."
TRAIN_AGAIN = "These are the networks that were trained last; the settings have changed since. Train again."
RESET = "Back to the models that were trained before; what was trained here is forgotten."
LET_GO = "What was trained then was let go to make room for what others train. Train again."
ORDER = ("first", "second", "third")
"""Of classes that were painted or brought."""

STOPPED = "The training was stopped. What was drawn until then stays."


def brought(class_names: Sequence[str], scaled: bool) -> str:
    """What became of a visitor's file of points, in Markdown."""
    order = ", ".join(f"{plain(name)} is the {nth}" for name, nth in zip(class_names, ORDER, strict=False))
    moved = " The points were moved and scaled into the plane." if scaled else ""
    return f"Classes: {order}.{moved}"


def duration(seconds: float) -> str:
    """About how long, to two digits."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def forming(n_methods: int) -> str:
    """The answer while networks learn, in Markdown."""
    return f"**{n_methods} method{'s' * (n_methods > 1)}** at work: the maps form as the networks learn."


def in_the_queue(place: int, wait_s: float) -> str:
    """Beside the bar of a training that waits."""
    return f"The machine trains for others: place {place}, about {duration(wait_s)} to wait"


def how_far(status: Status) -> str:
    """Beside the bar of a training."""
    if status.place:
        return in_the_queue(status.place, status.wait_s)
    paused = ", paused" if status.paused else f", about {duration(status.left_s)} left"
    return f"Epoch {status.epoch} of {status.epochs}{paused}"


def learnt(cross_entropy: float, accuracy: float) -> str:
    """The line under a map that forms."""
    return f"loss {cross_entropy:.3f}, {percent(accuracy)} right"


def outcomes(trained: Trained) -> str:
    """A row a method, in HTML: what the training came to."""
    rows = [
        [
            METHODS[name].label,
            f"{trained.figures[name].loss:.4g}",
            f"{trained.figures[name].cross_entropy:.4g}",
            percent(outcome.test_accuracy),
            f"{outcome.auroc:.3f}",
        ]
        for name, outcome in trained.outcomes.items()
    ]
    made = table(["", "loss", "cross-entropy", "right on test points", "AUROC of the unseen cluster"], rows)
    return f"{made}<p><small>{trained.cpu_s:.1f} s of one core, with all maps. The AUROC is by the entropy.</small></p>"


def who_accepts_the_unseen(seen: Mapping[str, Surface], cluster: tuple[float, float] = USUAL_CLUSTER) -> str:
    """The answer of the two-moons page, in Markdown; ``cluster`` is where the unseen points lie."""
    if not seen:
        return "No trained model can be shown."
    shares = {label: surface.acceptance.ood_accepted for label, surface in seen.items()}
    fooled = [label for label, share in shares.items() if share >= 0.5]
    wary = [label for label, share in shares.items() if share < 0.5]
    where = " at the lower right" if cluster == USUAL_CLUSTER else ""
    start = f"The crosses{where} are unlike anything the models were trained on. At this threshold "
    if not fooled:
        return start + "**every method** defers most of them."
    if not wary:
        return start + "**no method** notices: each accepts at least half of them as if it knew."
    return (
        f"{start}**{listed(wary)}** {'defers' if len(wary) == 1 else 'defer'} most of them; "
        f"**{listed(fooled)}** {'accepts' if len(fooled) == 1 else 'accept'} them as if nothing were odd."
    )


def verdict_table(verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> str:
    """A table, in HTML, of each method's verdict on one input."""
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(class_names[v.label])} {percent(float(v.probs[v.label]))}</td>"
        f"<td>{v.total:.3f}</td><td>{v.aleatoric:.3f}</td><td>{v.epistemic:.3f}</td>"
        f"<td class='{'accept' if v.accepted else 'defer'}'>{ACCEPT if v.accepted else DEFER}</td></tr>"
        for label, v in verdicts.items()
    )
    head = _head(("", "predicts", "entropy", "aleatoric", "epistemic", "verdict"))
    return f"<div class='scroll'><table class='verdicts'><tr>{head}</tr>{rows}</table></div>"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def who_reads_what(verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> str:
    """The answer of the digit lab, in Markdown: how many methods read what, and who would rather not say."""
    readings = Counter(class_names[v.label] for v in verdicts.values())
    if not readings:
        return "No trained model can be shown."
    said = listed(
        [f"{n} {'reads' if n == 1 else 'read'} {_article(name)} **{name}**" for name, n in readings.most_common()]
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


def _article(name: str) -> str:
    """Of a class's name as it is spoken: "a 4", "an 8", "an Ankle boot"."""
    return "an" if name == "8" or (name[:1].lower() in "aeio" and name.lower() != "one") else "a"


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


def what_a_threshold_does(name: str, tuned: Tuned, has_labels: bool) -> str:
    """The answer of the threshold lab, in Markdown: what the held-out examples show."""
    seen, target = tuned.assessment, tuned.policy.target
    name = plain(shortened(name, 80))
    start, said = "", f"**{name}** accepts **{percent(seen.coverage.value)}** of {seen.n:,} examples held out"
    if tuned.policy.certified:
        start = f"Guaranteed: **{target.sentence}**. "
    elif target.kind == "risk":
        start = f"No threshold can guarantee {target.sentence}. "
        if tuned.smallest_risk is not None:
            start += f"The smallest risk that could be guaranteed here is **{exact_percent(tuned.smallest_risk)}**. "
    elif target.kind == "manual":
        start = "Set by hand, nothing is promised. "
    if not seen.n_accepted:
        return unbroken(f"{start}**{name}** accepts **nothing** at this threshold.")
    if has_labels:
        said += f", **{seen.n_errors:,}** of these {seen.n_accepted:,} {'is' if seen.n_errors == 1 else 'are'} wrong"
    if not math.isnan(seen.ood_accepted.value):
        said += f"; of what it never saw, **{percent(seen.ood_accepted.value)}** slips through"
    return unbroken(f"{start}{said}.")


def of_which_part(n_calibration: int, n_held_out: int) -> str:
    """The line above the numbers that follow the hand, which are not those that the threshold is judged by."""
    return (
        f"Calibration part: the {n_calibration:,} examples that the threshold is chosen on; these numbers follow your "
        f"hand. What to expect is counted on the {n_held_out:,} held out, once it stands."
    )


def promise(tuned: Tuned, has_labels: bool) -> str:
    """What holds, and what the held-out examples show, in HTML."""
    seen = tuned.assessment
    rows = [("accepted", percent(seen.coverage.value), interval(seen.coverage))]
    if has_labels:
        rows.append(("wrong among the accepted", *risk(seen.risk)))
    if not math.isnan(seen.ood_accepted.value):
        rows.append(("unseen let through", percent(seen.ood_accepted.value), interval(seen.ood_accepted)))
    cells = "".join(f"<span>{name} <b>{value}</b> <small>{ends}</small></span>" for name, value, ends in rows)
    mark, head = "accept" if tuned.policy.certified else "", f"Held-out part: {seen.n:,} examples"
    return (
        f'<p class="promise {mark}">{"✓ " * tuned.policy.certified}{escape(unbroken(tuned.promise))}</p>'
        f'<div class="heldout"><strong>{head}</strong>{cells}</div>'
    )


def interval(estimate: Estimate) -> str:
    """The ends of a 95 % interval."""
    return f"({percent(estimate.low)} to {percent(estimate.high)})"


def risk(estimate: Estimate) -> tuple[str, str]:
    """A risk and its interval, to three digits: those of interest are far below 0.1 %."""
    low, high = fine_percent(estimate.low), fine_percent(estimate.high)
    return fine_percent(estimate.value), f"({low} to {high})"


def plain(text: str) -> str:
    """Words of a visitor's file in one line, without what Markdown would read as marks, or what turns round the
    direction of our own words beside them."""
    line = _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.splitlines()))
    return "".join(f"\\{c}" if c in _MARKS or (c == "." and not _ends(line, i)) else c for i, c in enumerate(line))


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
    places = {default_store().root, Path(__file__).resolve().parents[1], Path(tempfile.gettempdir()), Path.home()}
    return sorted(places - {Path("/")}, key=lambda place: -len(str(place)))


def shortened(name: str, most: int = 40) -> str:
    """A name for the screen: names in files have any length."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def name_in_html(name: str, most: int = 40) -> str:
    """A name in HTML: short on the screen, and longer where the pointer rests; no payload grows with it."""
    if len(name) <= most:
        return escape(name)
    return f'<span title="{escape(shortened(name, _TOOLTIP))}">{escape(shortened(name, most))}</span>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table in HTML; the first cell of a row is its head."""
    body = "".join(
        f"<tr><th>{name_in_html(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table class="verdicts"><tr>{_head(head)}</tr>{body}</table></div>'


def _head(names: Sequence[str]) -> str:
    """The cells above a table's columns; one without words is no head."""
    return "".join(f"<th>{escape(name)}</th>" if name else "<td></td>" for name in names)


def small(number: float) -> str:
    """A figure to three digits, whatever its size; a dash for what does not exist."""
    return "–" if math.isnan(number) else f"{number:.3g}"


def threshold(value: float) -> str:
    """A threshold in a table; the two ends say what they do."""
    return "defers all" if value == -math.inf else "accepts all" if value == math.inf else f"{value:.4g}"


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
        f"None of these is a {noun}, yet **{name}** is as sure of **{percent(share)}** of the {n:,} {unseen_noun}s "
        f"as it is of {percent(0.95)} of the test {noun}s."
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


def what_finds_what(qualities: Mapping[str, tuple[str, Quality]]) -> str:
    """Whose own measure is best at the unseen, and whose at errors; method's label -> (measure's label, quality)."""
    unseen = {label: quality.ood.auroc for label, (_, quality) in qualities.items() if quality.ood is not None}
    errors = {label: quality.misclassification_auroc for label, (_, quality) in qualities.items()}
    errors = {label: auroc for label, auroc in errors.items() if not math.isnan(auroc)}
    if not unseen or not errors:
        return ""
    at_unseen, at_errors = max(unseen, key=unseen.__getitem__), max(errors, key=errors.__getitem__)
    if at_unseen == at_errors:
        return f"{at_unseen} is best at telling what was never learnt and at telling its own errors."
    place = sorted(errors.values(), reverse=True).index(errors[at_unseen]) + 1 if at_unseen in errors else len(errors)
    return (
        f"{at_unseen} is best at telling what was never learnt (AUROC {unseen[at_unseen]:.4f}) but number {place} of "
        f"{len(errors)} at telling its own errors ({errors.get(at_unseen, math.nan):.4f}); there {at_errors} is best "
        f"({errors[at_errors]:.4f}). The two are different questions: an ambiguous input may look like all the others."
    )


def qualities_table(qualities: Mapping[str, tuple[str, Quality]]) -> str:
    """A row a method: how well its own measure ranks."""
    rows = [
        [
            label,
            measure,
            f"{quality.misclassification_auroc:.4f}".replace("nan", "–"),
            "–" if quality.ood is None else f"{quality.ood.auroc:.4f}",
            small(quality.aurc),
            small(quality.excess_aurc),
        ]
        for label, (measure, quality) in qualities.items()
    ]
    return table(["", "own measure", "AUROC of errors", "AUROC of unseen", "AURC", "E-AURC"], rows)


def who_widens_in_the_gap(ratios: Mapping[str, float]) -> str:
    """The answer of the regression page, in Markdown: whose functions lie farther apart where there is no data."""
    if not ratios:
        return "No trained model can be shown."
    wider = [f"**{label}** {ratio:.3g} times" for label, ratio in ratios.items() if ratio > 1]
    others = [f"**{label}** {ratio:.2g}" for label, ratio in ratios.items() if ratio <= 1]
    silent = [label for label, ratio in ratios.items() if math.isnan(ratio)]
    said = ["In the shaded gap there is no data."]
    if wider:
        said.append(f"How much farther do the sampled functions lie apart there than on the data? {listed(wider)}.")
    if others:
        start = "Not farther" if wider else "No method's sampled functions lie farther apart there than on the data"
        said.append(f"{start}: {listed(others)} times.")
    if silent:
        said.append(
            f"**{listed(silent)}** {'draws one line' if len(silent) == 1 else 'draw one line each'} and no band."
        )
    return " ".join(said)


def regression_table(figures: Mapping[str, Figures]) -> str:
    """A row a method, with what it scores on test points."""
    rows = [
        [
            label,
            *("–" if math.isnan(ratio) else f"{ratio:.2f} times" for ratio in f.std_ratio.values()),
            f"{f.rmse:.3f}",
            f"{f.nll:.3f}",
            f"{f.crps:.4f}",
            percent(f.coverage),
            f"{f.width:.3f}",
            f"{f.calibration_error:.3f}",
        ]
        for label, f in figures.items()
    ]
    head = ["", "in the gap", "beyond", "RMSE", "NLL", "CRPS", f"{percent(0.9)} covers", "its width", "quantile error"]
    return table(head, rows)
