"""Networks that learn in front of the visitor: their maps form while they do, and can be gone through afterwards."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, controls, fairness, page
from ui.cache import kept
from ui.components import Frames
from ui.moons import maps, setting, stored
from ui.moons.jobs import jobs
from ui.moons.maps import Map
from ui.words import duration, sentence
from ui.words import two_moons as words
from uqcore.exhibits.moons import Plane, Uncut, View
from uqcore.live import Frame, Setting, Trained, views
from uqcore.live.jobs import Job, State, Status
from uqcore.live.setting import OWN_POINTS
from uqcore.live.training import FINAL_SAMPLES
from uqcore.methods import METHODS
from uqcore.models.sampling import draw, rungs, with_mean_field
from uqcore.types import UqError

_EVERY_S = 0.2  # a map that forms is looked at anew
_LAST_JOB, _JOB_BEFORE = "t_job", "t_last"
_PRESSED = "t_pressed"  # how often Train was, in this visit
_GO = "go"  # in a link: train at once, or show what is there
_BESIDE = {"nothing": "Nothing", "stored": "Trained before", "last": "The last run"}


class Look(NamedTuple):
    """What is shown of the models, and by how many samples; ``factors``: method id -> mean-field factor."""

    view: View
    n_samples: int
    n_members: int
    factors: Mapping[str, float]

    @property
    def key(self) -> str:
        """What determines it."""
        return f"{self.view.view_id} {self.n_samples} {self.n_members} {dict(self.factors)}"

    def n(self, method_id: str) -> int:
        return self.n_members if method_id == "deep_ensemble" else self.n_samples


def show(top: DeltaGenerator, bar: DeltaGenerator) -> None:
    """The page while it trains; its first controls stand in ``bar``."""
    owner: str = st.session_state.setdefault("owner", uuid4().hex)
    # The maps stand below the button, or below the points that are painted; what else takes room, below the maps: an
    # audience sees them form without scrolling.
    row, stage, below, more = (st.container() for _ in range(4))
    asked, place, problems = setting.choose(row, more)
    with place:
        go = st.button("Train", type="primary", icon=":material/play_arrow:", key="t_train", disabled=asked is None)
        if asked is not None:
            st.markdown(f"about **{duration(jobs().estimate_s(asked))}**", width="content")
        elif not problems:
            st.markdown(words.PAINT_FIRST)
    job = _job(owner, asked, go, problems)
    if job is None:
        let_go = [words.LET_GO] if st.session_state.get(_LAST_JOB) is not None else []
        page.answer(top, words.TRAIN_HERE, problems + let_go)
        return
    icon = ":material/restart_alt:"
    place.button("Reset", icon=icon, key="t_reset", help=words.RESET, on_click=_reset, args=(owner,))
    with bar:
        view = controls.view(views(job.setting))
    with below:
        look = _look(job.setting, view)
    if not job.state.is_over:
        page.answer(top, words.forming(len(job.setting.methods)), problems)
        with stage:
            st.fragment(partial(_forming, owner, job, look), run_every=_EVERY_S)()
    elif job.trained is not None:
        if asked is not None and asked != job.setting:
            problems.append(words.TRAIN_AGAIN)
        _finished(top, stage, job, job.trained, look, problems)
    else:
        _ended(top, stage, job, look, problems)


def _job(owner: str, asked: Setting | None, go: bool, problems: list[str]) -> Job | None:
    """The visitor's training: a new one where it was asked for, by the button or by the link that the visit began with;
    or a sentence more in ``problems``.

    The queue forgets whom it has not seen for a while; what they have trained can be looked at as long as it is kept.
    """
    st.session_state[_PRESSED] = st.session_state.get(_PRESSED, 0) + bool(go)  # a client may send anything
    job: Job | None = jobs().job(owner) or _remembered(_LAST_JOB)
    linked = _GO in st.query_params and _LAST_JOB not in st.session_state
    if asked is not None and (go or linked):
        if job is not None and job.trained is not None and job.setting != asked:
            st.session_state[_JOB_BEFORE] = weakref.ref(job)
        try:
            job = jobs().submit(owner, asked)
        except UqError as error:
            problems.append(str(error))
        else:
            controls.put_in_url(_GO, "1")
    if job is not None:
        st.session_state[_LAST_JOB] = weakref.ref(job)
        jobs().look(job)
    return job


def _reset(owner: str) -> None:
    """Back to what was before the training: the committed models, and nothing of it or of the run before."""
    jobs().leave(owner)
    st.session_state[_LAST_JOB] = None
    st.session_state.pop(_JOB_BEFORE, None)
    controls.put_in_url(_GO, None)
    st.session_state["models"] = "stored"


def _remembered(key: str) -> Job | None:
    """A job of this visit, if it is still there: the server keeps a few of all visitors'."""
    reference: weakref.ref[Job] | None = st.session_state.get(key)
    return None if reference is None else reference()


def _look(of: Setting, view: View) -> Look:
    row = st.container(horizontal=True)
    help = "How many samples of each method that can draw as many as one likes; while it learns, up to five."
    n_samples = controls.count("Samples", rungs(FINAL_SAMPLES), FINAL_SAMPLES, "t_samples", row, help=help)
    most = min(of.n_members, FINAL_SAMPLES)
    n_members = controls.count("Ensemble members", rungs(most), most, f"t_shown_members_{most}", row)
    factors = {}
    if "sngp" in of.methods:
        factors["sngp"] = controls.mean_field_factor("sngp", METHODS["sngp"].label, float(np.pi / 8), row)
    return Look(view, n_samples, n_members, factors)


def _uncut(shown: Frame | Trained, method_id: str, look: Look) -> Uncut:
    said = shown.said(method_id, look.n(method_id), look.factors.get(method_id))
    return Plane(shown.dataset).uncut(look.view, said, shown.own(method_id))


def _learnt(shown: Frame | Trained) -> dict[str, str]:
    """Label -> how the method did in the epoch."""
    return {
        METHODS[name].label: words.learnt(each.cross_entropy, each.accuracy) for name, each in shown.figures.items()
    }


def _drawn(job: Job) -> list[Frame]:
    return [frame for frame in list(job.frames) if frame.tables]


def _maps(shown: Frame, look: Look) -> dict[str, Map]:
    learnt = _learnt(shown)
    return {METHODS[name].label: Map(_uncut(shown, name, look), [learnt[METHODS[name].label]]) for name in shown.tables}


@fairness.turn()
def _forming(owner: str, job: Job, look: Look) -> None:
    """What there is of a training that waits or runs; called several times a second."""
    jobs().job(owner)  # the visitor is here
    if job.state.is_over:
        st.rerun()
    status = jobs().status(job)
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.progress(status.epoch / status.epochs, words.how_far(status))
    with right.container(horizontal=True):
        _buttons(owner, job, status)
    if drawn := _drawn(job):
        frame = drawn[-1]
        maps.keep(maps.show(_maps(frame, look), look.view, frame.dataset, reveal=_reveal() or _GO))


def _reveal() -> str:
    """Whoever presses Train is led to the maps, once; who comes back to the page is not."""
    return f"{st.session_state[_PRESSED] or ''}"


def _buttons(owner: str, job: Job, status: Status) -> None:
    """They act on a job at once, and the next look shows it; one that others watch can only be left, or let go on."""
    shared = len(job.owners) > 1
    acts = {"Stop": (jobs().cancel, ":material/stop:")}
    if status.paused:
        steps = {} if shared else {"One epoch": (jobs().step, ":material/skip_next:")}
        acts = {"Go on": (jobs().resume, ":material/play_arrow:")} | steps | acts
    elif status.state is State.RUNNING and not shared:
        acts = {"Pause": (jobs().pause, ":material/pause:")} | acts
    for label, (act, icon) in acts.items():
        if st.button(label, icon=icon, key=f"t_{label}"):
            try:
                act(owner)
            except UqError as error:  # somebody has just joined
                st.toast(sentence(str(error)))
            if label == "Stop" and not job.state.is_over:
                st.session_state[_LAST_JOB] = None
                controls.put_in_url(_GO, None)
                st.rerun()
    if shared:
        st.caption("Others watch this training too.")


def _painted(setting: Setting) -> bool:
    """Whether it has points of a visitor's own: what is made of them is kept for the visit alone."""
    return setting.kind == OWN_POINTS


@kept()
def _final(digest: str, method_id: str, view_id: str, n: int, factor: float | None, _uncut: Callable[[], Uncut]) -> Map:
    """Cut at every threshold, once for all visitors of the same training."""
    return Map(*cache.cut_everywhere(_uncut()))


@kept()
def _history(digest: str, epochs: tuple[int, ...], look: str, _job: Job, _look: Look) -> Frames:
    """All maps that were drawn on the way, once for all visitors of the same training; ``epochs``: of one that did not
    come to its end."""
    drawn = _drawn(_job)
    rows = [_maps(frame, _look) for frame in drawn]
    values = np.stack([[one.uncut.shown for one in row.values()] for row in rows])
    cuts = np.stack([[one.uncut.uncertainty for one in row.values()] for row in rows])
    return Frames(
        [f"epoch {frame.epoch}" for frame in drawn],
        values,
        cuts if _look.view.shows_probability else cuts[:, :0],
        [[one.subtitles[0] for one in row.values()] for row in rows],
        "the end",
    )


def _of(trained: Trained, look: Look) -> dict[str, Map]:
    return {
        METHODS[name].label: _final(
            _painted(trained.setting), trained.setting.digest, name, look.view.view_id, look.n(name),
            look.factors.get(name),
            partial(_uncut, trained, name, look),
        )
        for name in trained.setting.methods
    }  # fmt: skip


def _finished(
    top: DeltaGenerator, stage: DeltaGenerator, job: Job, trained: Trained, look: Look, problems: list[str]
) -> None:
    view, factors = look.view, look.factors
    dataset, shown = trained.dataset, _of(trained, look)
    frames = _history(_painted(job.setting), trained.setting.digest, (), look.key, job, look)
    with stage:
        point, threshold = maps.keep(maps.show(shown, view, dataset, frames=frames, reveal=_reveal()))
        _beside(look)
    seen = {label: one.uncut.at(threshold) for label, one in shown.items()}
    page.answer(top, words.who_accepts_the_unseen(seen, trained.setting.cluster), problems)
    maps.explain(view)
    st.html(words.outcomes(trained))
    if point is not None:
        x = Plane.point(point)
        answers = {}
        for name, posterior in trained.posteriors.items():
            drawn = draw(posterior, x, look.n(name))
            answers[METHODS[name].label] = with_mean_field(drawn, factors[name]) if name in factors else drawn
        maps.ask(point, answers, seen, threshold, dataset.class_names)


def _beside(look: Look) -> None:
    """Another training to compare with: the committed models, or what this visitor trained before."""
    names = {name: label for name, label in _BESIDE.items() if name != "last" or _JOB_BEFORE in st.session_state}
    chosen = controls.choice("Compare with", names, "t_beside", "nothing")
    if chosen == "stored":
        models, problems = cache.models(stored.TASK)
        factors = cache.mean_field_factors(models)
        counts = {method_id: model.n_draws(look.n_samples, look.n_members) for method_id, model in models.items()}
        drawn, damaged = stored.of(models, look.view, counts, factors)
        for problem in (*problems, *damaged):
            st.warning(sentence(problem))
        if drawn:
            maps.show(drawn, look.view, cache.plane().dataset, key="beside")
    elif chosen == "last":
        job = _remembered(_JOB_BEFORE)
        if job is None or job.trained is None:
            st.info(words.LET_GO)
            return
        jobs().look(job)
        if look.view in views(job.setting):
            maps.show(_of(job.trained, look), look.view, job.trained.dataset, key="beside")
        else:
            st.info("This view says nothing of the last run's classes.")


def _ended(top: DeltaGenerator, stage: DeltaGenerator, job: Job, look: Look, problems: list[str]) -> None:
    """Stopped, or failed: what was drawn until then can be looked at."""
    page.answer(top, words.STOPPED, problems if job.error is None else [job.error, *problems])
    if drawn := _drawn(job):
        frame = drawn[-1]
        epochs = tuple(one.epoch for one in drawn)
        frames = _history(_painted(job.setting), job.setting.digest, epochs, look.key, job, look)
        with stage:
            maps.keep(maps.show(_maps(frame, look), look.view, frame.dataset, frames=frames))
