"""The steps of the guided tour. Every number in them is computed here, from the tables that the pages show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ui import cache, controls
from ui.cards import picture
from ui.tour import pictures
from uqcore.datasets import load
from uqcore.exhibits import front_page, functions, one_image
from uqcore.exhibits.moons import VIEWS
from uqcore.exhibits.one_image import Corruption
from uqcore.exhibits.verdicts import OWN, Verdict, judge, own_threshold
from uqcore.methods import METHODS, of_task
from uqcore.models.answers import Unseen
from uqcore.selection import Acceptance
from uqcore.text import fine_percent, percent
from uqcore.tuning import Goal, tune
from uqcore.types import FloatArray

Query = Mapping[str, str | list[str]]

HOME, LAB, MOONS = "app.py", "pages/digit_lab.py", "pages/two_moons.py"
N_SAMPLES = 50  # what the pages open with
_GARMENTS = "fashion"
_NOISE, _TURN = 0.3, 90  # weight and degrees
_WIDE = 3  # of the gap, as far as the page's slider goes
_HALF_A_PERCENT = 0.5  # of the risk, in percent
_STRICT = 0.1  # of a threshold that opens at a half
_CONTENDERS = ("deterministic", "mc_dropout", "deep_ensemble", "sngp")  # those that the tour has introduced
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Told(NamedTuple):
    """What a step asks and answers, in the markup of `ui.tour.text`.

    Attributes:
        ask: the question; empty where there is nothing to guess.
        options: what can be guessed.
        right: which of them is the answer.
        told: the answer, with words that drive the figure.
        picture: what the question is about, in HTML.
    """

    ask: str
    options: tuple[str, ...]
    right: int
    told: str
    picture: str = ""


class Step(NamedTuple):
    """One claim, with the page and the parameters that set the figure for it.

    Attributes:
        page: the page's file, as in `ui.page.DOORS`.
        query: the page's own link parameters.
        claim: a sentence.
        tell: computes the rest. UqError: a model is missing.
    """

    page: str
    query: Query
    claim: str
    tell: Callable[[], Told]


def _number(n: int) -> str:
    return _WORDS[n] if n < len(_WORDS) else str(n)


def _how_many(n: int, of: int) -> tuple[tuple[str, ...], int]:
    """Guesses at a count among ``of``, and which is ``n``."""
    counts = sorted({0, n, of, of // 2})
    return tuple(
        "none" if count == 0 else f"all {of}" if count == of else str(count) for count in counts
    ), counts.index(n)


def _who(n: int) -> str:
    """How many methods accept, as the beginning of a sentence's end."""
    return "none accepts" if n == 0 else f"{_number(n)} accept{'s' * (n == 1)}"


def _what_share(share: float) -> tuple[tuple[str, ...], int]:
    """Guesses at a share, and which of them comes nearest."""
    return ("hardly any", "about half", "nearly all"), int(np.abs(np.array([0.0, 0.5, 1.0]) - share).argmin())


def _among(right: float, others: tuple[float, ...], form: Callable[[float], str]) -> tuple[tuple[str, ...], int]:
    """Guesses in rising order, and which is ``right``."""
    values = sorted({form(value): value for value in (*others, right)}.values())
    return tuple(form(value) for value in values), [form(value) for value in values].index(form(right))


def _methods(task: str, *method_ids: str) -> Query:
    """Of these methods only."""
    return {f"methods_{len(of_task(task))}": [METHODS[method_id].label for method_id in method_ids]}


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def verdicts(image: FloatArray) -> dict[str, Verdict]:
    """Label -> what each digit method says of an image ``(1, 28, 28, 1)``, as the digit lab asks it at first."""
    models, _ = cache.models("digits")
    counts = {
        method_id: model.n_draws(N_SAMPLES, cache.most_members(models.values())) for method_id, model in models.items()
    }
    return {
        model.label: judge(
            model.bank.take(one_image.key(image), image, counts[method_id]),
            model.gauge(OWN, 10).measure_id,
            own_threshold(model.record),
        )[0]
        for method_id, model in models.items()
    }


def _accepting(said: Mapping[str, Verdict]) -> list[str]:
    return [label for label, verdict in said.items() if verdict.accepted]


def _always_an_answer() -> Told:
    noise = one_image.noise_image(0)
    said = verdicts(noise[None])
    fooled = _accepting(said)
    options, right = _how_many(len(fooled), len(said))
    names = load("digits").class_names
    surest = max(said.values(), key=lambda verdict: verdict.probs.max())
    return Told(
        f"{_number(len(said)).capitalize()} methods have learnt to read digits, and nothing else. How many of them "
        "accept this picture of pure noise as a digit?",
        options,
        right,
        f"**{len(fooled)} of {len(said)}**. Every one of them names a digit, because ten digits are all the answers "
        f"it has; one reads **{names[surest.label]}** with {percent(float(surest.probs.max()))}. None can say “this "
        "is no digit”. But a good method knows that it is **unsure**, and leaves the answer to a person: it *defers*.",
        picture(noise, "noise", 96),
    )


def _a_garment() -> Told:
    image = front_page.garment()
    said = verdicts(Corruption().apply(image))
    fooled, names = _accepting(said), load("digits").class_names
    options, right = _how_many(len(fooled), len(said))
    read = {names[said[label].label] for label in fooled}
    turned, noisy = (
        len(_accepting(verdicts(c.apply(image)))) for c in (Corruption(rotation=_TURN), Corruption(noise=_NOISE))
    )
    wary = [label for label in said if label not in fooled]
    surest = max((said[label].probs.max() for label in fooled), default=0.0)
    how_sure = f" as **{_listed(sorted(read))}**, up to {percent(float(surest))} sure" if fooled else ""
    return Told(
        f"This is the first of {np.count_nonzero(cache.images('digits', _GARMENTS).labels == 0):,} T-shirts. The "
        "methods know digits only. How many accept an answer for it?",
        options,
        right,
        f"**{len(fooled)} of {len(said)}** accept it{how_sure}. "
        + (f"**{_listed(wary)}** would rather not say. " if wary else "")
        + f"[Turn it by {_TURN} degrees](rotation={_TURN}): {_who(turned)} it. "
        f"[Lay noise over it](noise={_NOISE:g}): {_who(noisy)} it. [As it was](rotation=&noise=).",
        picture(image, "a T-shirt", 96),
    )


def accepted(method_id: str, n_members: int | None = None, threshold: float = 0.5) -> Acceptance:
    """What a two-moons method accepts, at first at the threshold that the page opens with."""
    models, _ = cache.models("moons")
    model = models[method_id]
    n = model.n_draws(N_SAMPLES, n_members or cache.most_members(models.values()))
    uncut, _ = cache.uncut(model, VIEWS["own"], n, cache.mean_field_factors(models).get(method_id))
    return uncut.at(threshold).acceptance


def _one_network() -> Told:
    seen, strict = accepted("deterministic"), accepted("deterministic", threshold=_STRICT)
    options, right = _what_share(seen.ood_accepted)
    return Told(
        "A network learnt to tell blue dots from orange triangles. It never saw any crosses. How many of them does "
        "it accept?",
        options,
        right,
        f"**{percent(seen.ood_accepted)}** of them, and {percent(seen.coverage)} of the points that are like its "
        "data. Dark is sure, and hatched is deferred: a strip along the border that it has drawn. Whatever lies far "
        "from the border counts as certain, even where it has never been. [Be "
        f"stricter](moons_threshold={_STRICT:g}): it accepts {percent(strict.coverage)} of what is like its data, and "
        f"{percent(strict.ood_accepted)} of the crosses. [As it was](moons_threshold=).",
        pictures.plane(),
    )


def _many_networks() -> Told:
    thinned, several, single = accepted("mc_dropout"), accepted("deep_ensemble"), accepted("deep_ensemble", 1)
    models, _ = cache.models("moons")
    n = cache.most_members(models.values())
    options, right = _what_share(several.ood_accepted)
    moved = "the strip along the border widens a little" if several.coverage < single.coverage else "little changes"
    return Told(
        "Two ways to get a second opinion. **MC Dropout** asks *one* network many times, each time with some of its "
        "cells switched off at random. A **deep ensemble** asks *several* networks, each trained from another start. "
        f"Where the answers differ, both are unsure. How many crosses do {_number(n)} networks accept?",
        options,
        right,
        f"**{percent(several.ood_accepted)}**; MC Dropout, {percent(thinned.ood_accepted)}. They differ where the "
        f"moons meet: from [one network](members=1) to [{_number(n)} networks](members=) {moved}. But all learnt from "
        "the same points, and far from these **they agree, and are wrong together.**",
        pictures.plane(),
    )


def _distance() -> Told:
    seen = accepted("sngp")
    options, right = _what_share(seen.ood_accepted)
    return Told(
        "**SNGP** is one network again. Its letters say how it is built: *spectral normalisation* keeps what "
        "is far apart, far apart inside the *neural* network; at its end a *Gaussian process* is less sure, the "
        "farther an input is from all that it learnt. How many crosses does it accept?",
        options,
        right,
        f"**{percent(seen.ood_accepted)}**, and still {percent(seen.coverage)} of the points that are like its data. "
        "So there are two questions. MC Dropout and ensembles ask: *do several opinions agree?* SNGP asks: *have I "
        "seen anything like it?* [See every method](methods=), and who asks which.",
        pictures.plane(),
    )


def _ratio(method_id: str) -> float:
    models, _ = cache.models("sine")
    model = models[method_id]
    n = model.n_draws(N_SAMPLES, cache.most_members(models.values()))
    return cache.seen(model.stored, functions.Setting(), n).figures.std_ratio["gap"]


def _no_data() -> Told:
    several, thinned = _ratio("deep_ensemble"), _ratio("mc_dropout")
    options, right = _among(
        several, (1.0, several / 4), lambda ratio: "no farther" if ratio < 1.5 else f"{ratio:.0f} times"
    )
    return Told(
        "Curves instead of classes. In the grey gap there is no data. The networks of a deep ensemble agree on the "
        "data: how many times as far apart do they lie in the gap?",
        options,
        right,
        f"**{several:.3g} times**; MC Dropout's thinned networks, {thinned:.3g} times. Here it helps to ask several: "
        "they must pass through the same data, and between them each goes its own way. "
        f"[Draw more of them](lines={functions.N_LINES}). [Make the gap wider](gap_width={_WIDE}).",
        pictures.curve(),
    )


def _a_promise() -> Told:
    task, method_id = "digits", controls.USUAL_METHOD
    n_samples = cache.answers(task, method_id).counts[-1]
    source_id, predictions = cache.our_predictions(task, method_id, Unseen(True, 0.0, 0.0), n_samples)
    risk, measure_id = load(task).usual_risk, predictions.measures[0]
    study = cache.our_study(method_id, source_id, measure_id, 0.5, predictions)
    goal = Goal("risk", risk)
    tuned = tune(study, goal)
    seen = tuned.assessment
    options, right = _among(seen.coverage.value, (0.5, 0.75), lambda share: percent(round(share, 2)))
    slipped, n_chosen = percent(seen.ood_accepted.value), study.calibration.ranking.n_examples
    often = _number(round(100 * goal.delta))
    return Told(
        f"You set the terms: of what {METHODS[method_id].label} answers, at most **{fine_percent(risk)}** may be "
        "wrong. How many digits does that leave it?",
        options,
        right,
        f"**{percent(seen.coverage.value)}**; a person reads the rest. On {n_chosen:,} digits with known answers the "
        "threshold is raised as far as the errors there prove the terms kept. **Of a hundred thresholds "
        f"chosen like this at most {often}, on average, break their terms**, on digits like these: that is what "
        f"*certified* means, with {percent(1 - goal.delta)} confidence. On other digits: {seen.n_errors:,} of "
        f"{seen.n_accepted:,} accepted {'is' if seen.n_errors == 1 else 'are'} wrong. Of what is no digit it promises "
        f"nothing: {slipped} of the garments slip by. [Ask for half a percent](risk={_HALF_A_PERCENT}).",
    )


def _train_now() -> Told:
    from ui.moons.jobs import jobs  # which needs all that trains, as the other steps do not
    from uqcore.live import Setting

    seconds = max(1, round(jobs().estimate_s(Setting())))
    shares = {METHODS[method_id].label: accepted(method_id).ood_accepted for method_id in _CONTENDERS}
    wary = min(shares, key=shares.__getitem__)
    return Told(
        "Now they learn before your eyes, from dots and triangles. None is ever shown a cross. Whose map will be in "
        "doubt about the crosses?",
        tuple(shares),
        list(shares).index(wary),
        f"**{wary}**, if it goes as it went before: then it accepted {percent(shares[wary])} of them. [Train them "
        f"now](go=1), in about {seconds} s: the others are sure of the crosses from the first pictures on, and "
        "learning longer does not change it. How a network is built decides whether it doubts what it never saw. "
        "Then move the crosses, or paint points of your own.",
        pictures.plane(),
    )


def _your_turn() -> Told:
    return Told(
        "",
        (),
        0,
        "One network: sure far from its border. **MC Dropout**: one network, thinned at random, many times. A **deep "
        "ensemble**: several networks. Both notice where opinions differ. **SNGP**: notices what is far from all that "
        "it learnt. A **certified threshold**: keeps errors as rare as asked, on things like those it was tested on. "
        "Now draw what is no digit: a letter, a face, a scribble. Who notices? Or begin with "
        "[half a four, half a nine](drawing=): two answers fit, and nothing is strange. Next: "
        "[a threshold for predictions of your own](/threshold_lab?predictions=Your+own).",
    )


STEPS: tuple[Step, ...] = (
    Step(HOME, {}, "A network always has an answer.", _always_an_answer),
    Step(
        LAB,
        {"source": "Pick", "images": "Fashion-MNIST"},
        "To those who know only digits, a T-shirt is one.",
        _a_garment,
    ),
    Step(MOONS, _methods("moons", "deterministic"), "One network is sure where it has never been.", _one_network),
    Step(
        MOONS, _methods("moons", "mc_dropout", "deep_ensemble"), "Many networks can be wrong together.", _many_networks
    ),
    Step(
        MOONS, _methods("moons", "deep_ensemble", "sngp"), "Who measures distance notices what is strange.", _distance
    ),
    Step(
        "pages/regression.py",
        _methods("sine", "mc_dropout", "deep_ensemble"),
        "Where the data stop, many networks part.",
        _no_data,
    ),
    Step("pages/threshold_lab.py", {}, "A threshold can keep a promise.", _a_promise),
    Step(MOONS, {"models": "Train now"}, "Learning longer does not teach doubt.", _train_now),
    Step(LAB, {"drawing": "-"}, "A network does not know what it does not know. Do you?", _your_turn),
)
