"""The steps of the guided tour. Every number in them is computed here, from the tables that the pages show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ui import cache, controls
from ui.cards import picture
from ui.tour import pictures
from ui.tour.guesses import among, how_many, in_words, what_share, who
from ui.words import listed
from uqcore.datasets import load, sine
from uqcore.exhibits import front_page, functions, one_image
from uqcore.exhibits.function_table import setting_of
from uqcore.exhibits.moons import VIEWS
from uqcore.exhibits.one_image import Corruption
from uqcore.exhibits.verdicts import OWN, Verdict, judge, own_threshold
from uqcore.methods import METHODS, of_task
from uqcore.models.answers import Unseen
from uqcore.selection import Acceptance, Assessment
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
_OF_PERCENTAGES = ("predictive_entropy",)  # measures that ask nothing but what the answers' percentages are


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


def _methods(task: str, *method_ids: str) -> Query:
    """Of these methods only."""
    return {f"methods_{len(of_task(task))}": [METHODS[method_id].label for method_id in method_ids]}


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
    options, right = how_many(len(fooled), len(said))
    names = load("digits").class_names
    surest = max(said.values(), key=lambda verdict: verdict.probs.max())
    return Told(
        f"{in_words(len(said)).capitalize()} methods have learnt to read digits, and nothing else. How many of them "
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
    options, right = how_many(len(fooled), len(said))
    read = {names[said[label].label] for label in fooled}
    turned, noisy = (
        len(_accepting(verdicts(c.apply(image)))) for c in (Corruption(rotation=_TURN), Corruption(noise=_NOISE))
    )
    wary = [label for label in said if label not in fooled]
    surest = max((said[label].probs.max() for label in fooled), default=0.0)
    how_sure = f" as **{listed(sorted(read))}**, up to {percent(float(surest))} sure" if fooled else ""
    return Told(
        f"This is the first of {np.count_nonzero(cache.images('digits', _GARMENTS).labels == 0):,} T-shirts. The "
        "methods know digits only. How many accept an answer for it?",
        options,
        right,
        f"**{len(fooled)} of {len(said)}** accept it{how_sure}. "
        + (f"**{listed(wary)}** would rather not say. " if wary else "")
        + f"[Turn it by {_TURN} degrees](rotation={_TURN}): {who(turned)} it. "
        f"[Lay noise over it](noise={_NOISE:g}): {who(noisy)} it. [As it was](rotation=&noise=).",
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
    options, right = what_share(seen.ood_accepted)
    return Told(
        "**Deterministic** is one plain network: asked twice, it says the same twice. It learnt to tell blue dots from "
        "orange triangles, and never saw any crosses. How many of them does it accept?",
        options,
        right,
        f"**{percent(seen.ood_accepted)}** of them, and {percent(seen.coverage)} of the points that are like its "
        "data. Dark is sure. Hatched is deferred, because its doubt is above the threshold: a strip along the border "
        "that it has drawn. Whatever lies far from the border counts as certain, even where it has never been. "
        f"[Lower the threshold](moons_threshold={_STRICT:g}): it accepts {percent(strict.coverage)} of what is "
        f"like its data, and {percent(strict.ood_accepted)} of the crosses. [As it was](moons_threshold=).",
        pictures.plane(),
    )


def _many_networks() -> Told:
    thinned, several, single = accepted("mc_dropout"), accepted("deep_ensemble"), accepted("deep_ensemble", 1)
    models, _ = cache.models("moons")
    n = cache.most_members(models.values())
    options, right = what_share(several.ood_accepted)
    moved = "the strip along the border widens a little" if several.coverage < single.coverage else "little changes"
    return Told(
        "Two ways to get a second opinion. **MC Dropout** asks *one* network many times, each time with some of its "
        "cells switched off at random. A **deep ensemble** asks *several* networks, each trained from another start. "
        f"Where the answers differ, both are unsure. How many crosses do {in_words(n)} networks accept?",
        options,
        right,
        f"**{percent(several.ood_accepted)}**; MC Dropout, {percent(thinned.ood_accepted)}. They differ where the "
        f"moons meet: from [one network](members=1) to [{in_words(n)} networks](members=) {moved}. But all learnt from "
        "the same points, and far from these **they agree, and are wrong together.**",
        pictures.plane(),
    )


def _who_asks_too() -> str:
    """What those accept who ask for the distance as SNGP does, and what all others accept."""
    shares = {method_id: accepted(method_id).ood_accepted for method_id in of_task("moons")}
    ask = [method_id for method_id in shares if METHODS[method_id].own_measure not in _OF_PERCENTAGES]
    others = [method_id for method_id in shares if method_id not in ask]
    too = listed([METHODS[method_id].label for method_id in ask if method_id != "sngp"])
    most, least = (percent(of(shares[name] for name in group)) for of, group in ((max, ask), (min, others)))
    at_most = f"at most {most}" if most != percent(0) else most
    at_least = f"at least {least}" if least != percent(1) else least
    return f"{too} ask it too, and accept {at_most}. The others do not: {at_least}."


def _distance() -> Told:
    seen = accepted("sngp")
    options, right = what_share(seen.ood_accepted)
    return Told(
        "**SNGP** is one network again. By *spectral normalisation*, what is far apart stays far apart inside the "
        "*neural* network; at its end a *Gaussian process* is less sure, the farther an input is from all that it "
        "learnt. How many crosses does it accept?",
        options,
        right,
        f"**{percent(seen.ood_accepted)}**, and still {percent(seen.coverage)} of the points that are like its data. "
        "So there are two questions. MC Dropout and ensembles ask: *do several opinions agree?* SNGP asks: *have I "
        f"seen anything like it?* [See every method](methods=): {_who_asks_too()}",
        pictures.plane(),
    )


def _ratio(method_id: str, setting: functions.Setting | None = None) -> float:
    models, _ = cache.models("sine")
    model = models[method_id]
    n = model.n_draws(N_SAMPLES, cache.most_members(models.values()))
    return cache.seen(model.stored, setting or functions.Setting(), n).figures.std_ratio["gap"]


def _no_data() -> Told:
    several, thinned = _ratio("deep_ensemble"), _ratio("mc_dropout")
    wide = setting_of(sine.NOISE, 0.0, _WIDE)
    options, right = among(
        several, (1.0, several / 4), lambda ratio: "no farther" if ratio < 1.5 else f"{ratio:.0f} times"
    )
    return Told(
        "Curves instead of classes. In the grey gap there is no data. The networks of a deep ensemble agree on the "
        "data: how many times as far apart do they lie in the gap?",
        options,
        right,
        f"**{several:.3g} times**; MC Dropout's thinned networks, {thinned:.3g} times. Here it helps to ask several: "
        "they must pass through the same data, and between them each goes its own way. "
        f"[Draw more of them](lines={functions.N_LINES}). [Make the gap wider](gap_width={_WIDE}): "
        f"{_ratio('deep_ensemble', wide):.3g} and {_ratio('mc_dropout', wide):.3g} times. "
        "[As it was](lines=&gap_width=).",
        pictures.curve(),
    )


def _a_promise() -> Told:
    task, method_id = "digits", controls.USUAL_METHOD
    n_samples = cache.answers(task, method_id).counts[-1]
    source_id, predictions = cache.our_predictions(task, method_id, Unseen(True, 0.0, 0.0), n_samples)
    risk, measure_id = load(task).usual_risk, predictions.measures[0]
    study = cache.our_study(method_id, source_id, measure_id, 0.5, predictions)
    goal = Goal("risk", risk)
    seen, loose = tune(study, goal).assessment, tune(study, Goal("risk", _HALF_A_PERCENT / 100)).assessment
    options, right = among(seen.coverage.value, (0.5, 0.75), lambda share: percent(round(share, 2)))
    n_chosen, often = study.calibration.ranking.n_examples, in_words(round(100 * goal.delta))
    return Told(
        f"Of what {METHODS[method_id].label} answers, at most **{fine_percent(risk)}** may be wrong; a person "
        "reads the rest. How much does it answer?",
        options,
        right,
        f"**{percent(seen.coverage.value)}**: what is less doubtful than the threshold, the line. It is as high "
        f"as the errors on {n_chosen:,} known digits allow. **Of a hundred thresholds chosen so at most "
        f"{often}, on average, let more errors through than asked**: that is *certified*, for digits like these. On "
        f"others: {_n_wrong(seen)}. Of what is no digit it promises nothing: {percent(seen.ood_accepted.value)} of "
        f"garments slip by. [Allow half a percent](risk={_HALF_A_PERCENT}): {percent(loose.coverage.value)}, "
        f"{_n_wrong(loose)}, {percent(loose.ood_accepted.value)} of garments. [As it was](risk=).",
    )


def _n_wrong(seen: Assessment) -> str:
    return f"{seen.n_errors:,} of {seen.n_accepted:,} wrong"


def _train_now() -> Told:
    shares = {METHODS[method_id].label: accepted(method_id).ood_accepted for method_id in _CONTENDERS}
    wary = min(shares, key=shares.__getitem__)
    return Told(
        "Now they learn before your eyes, from dots and triangles. None is ever shown a cross. Whose map will be in "
        "doubt about the crosses?",
        tuple(shares),
        list(shares).index(wary),
        f"**{wary}**, if it goes as it went before: then it accepted {percent(shares[wary])} of them. [Train them "
        "now](go=1): the others are sure of the crosses from the first pictures on, and "
        "learning longer does not change it. How a network is built decides whether it doubts what it never saw. "
        "Then move the crosses, or paint points of your own.",
        pictures.plane(),
    )


def _your_turn() -> Told:
    return Told(
        "",
        (),
        0,
        "**Deterministic**, one plain network: sure far from its border. **MC Dropout**: one network, thinned at "
        "random, many times. A **deep ensemble**: several networks. Both notice where opinions differ. **SNGP**: "
        "notices what is far from all that it learnt. A **certified threshold**: keeps errors as rare as asked, on "
        "things like those it was tested on. "
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
