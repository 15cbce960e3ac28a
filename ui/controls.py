"""Controls: each gives a plain value and keeps it in the URL. A value in a link that does not fit is ignored."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from math import isfinite, isinf, isnan, nan
from typing import Any, Final, Literal, Protocol, TypeVar

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import words
from ui.history import is_from_history
from uqcore.datasets import DATASETS, load
from uqcore.exhibits.moons import VIEWS, View
from uqcore.exhibits.one_image import Corruption
from uqcore.exhibits.verdicts import OWN
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.sampling import LADDER, rungs
from uqcore.selection import ThresholdTable
from uqcore.text import percent
from uqcore.types import Dataset

BIND: Final = "query-params"
T = TypeVar("T", bound=str)
V = TypeVar("V")
N = TypeVar("N", int, float)
_LONGEST_NAME = 40  # of what a link asks for
_BY = re.compile(r"by_\d+")


def in_rows(items: Sequence[V], n: int) -> Iterator[tuple[DeltaGenerator, V]]:
    """Each item with its column, ``n`` in a row."""
    for i in range(0, len(items), n):
        yield from zip(st.columns(n), items[i : i + n], strict=False)


def choice(label: str, options: Mapping[T, str], key: str, default: T, help: str | None = None) -> T:
    """One of ``options`` (id -> label), as a row of buttons; returns the id. The URL holds the label."""
    chosen = st.segmented_control(
        label,
        list(options),
        format_func=lambda option: options[option],
        default=default,
        required=True,
        key=key,
        bind=BIND,
        help=help,
    )
    return chosen or default


def one_of(
    label: str,
    options: Sequence[V],
    shown: Callable[[V], str] = str,
    start: int = 0,
    place: DeltaGenerator | None = None,
    **more: Any,
) -> V:
    """One of ``options``, by a list that opens; the one to start from where a client says that none is chosen."""
    chosen: V | None = (place or st).selectbox(label, options, start, shown, **more)
    return options[start] if chosen is None else chosen


def number(
    label: str,
    least: N | None,
    most: N | None,
    start: N,
    key: str,
    step: N | None = None,
    place: DeltaGenerator | None = None,
    **more: Any,
) -> N:
    """A number of the kind of ``start``, whole or not; ``start`` itself where a client says that there is none."""
    bound = _bound(key) if isinstance(start, int) else BIND
    value = (place or st).number_input(label, least, most, start, step, key=key, bind=bound, **more)
    return start if value is None else type(start)(value)


def view(views: Sequence[View] = tuple(VIEWS.values())) -> View:
    labels = {view.view_id: view.label for view in views}
    # A key for each choice of views: Streamlit would keep a chosen one that the next data lack.
    return VIEWS[choice("Show", labels, "show" if len(views) == len(VIEWS) else f"show_{len(views)}", "own")]


PLACES: Final = {method.label: place for place, method in enumerate(METHODS.values())}
"""Method's label -> the number of its colour, whichever others are shown."""


class Labelled(Protocol):
    """A method, or a model of one."""

    @property
    def label(self) -> str: ...


M = TypeVar("M", bound=Labelled)


def shown(models: Mapping[str, M], key: str = "methods") -> dict[str, M]:
    """Those of ``models`` that are to be shown, by their labels: all, until some are taken out."""
    labels = [model.label for model in models.values()]
    # A key for each number of models: Streamlit would keep a choice that a new model is not in.
    own = f"{key}_{len(labels)}"
    names = re.compile(rf"{key}(_\d+)?")
    asked = [label for name in st.query_params if names.fullmatch(name) for label in st.query_params.get_all(name)]
    if known := _taken_over(own, labels, names):
        st.session_state[own] = st.query_params[own] = known
    _tell_of_missing(asked, labels)
    chosen = st.pills("Methods", labels, selection_mode="multi", default=labels, key=own, bind=BIND)
    return {name: model for name, model in models.items() if not chosen or model.label in chosen}


def _taken_over(own: str, labels: Sequence[str], names: re.Pattern[str]) -> list[str]:
    """What a link names that was made when there were more ``labels`` to choose from, or fewer; none where it also has
    the choice of today, ``own``."""
    found: list[str] = []
    # One in the session's state is a control's that was here a moment ago: the control itself takes it back.
    others = [name for name in st.query_params if name != own and names.fullmatch(name)]
    for name in [name for name in others if name not in st.session_state]:
        wanted = st.query_params.get_all(name)
        del st.query_params[name]
        found = found or [label for label in labels if label in wanted]
    return [] if own in st.query_params else found


def _tell_of_missing(asked: Sequence[str], known: Sequence[str]) -> None:
    """A sentence for what a link asks for and is not here; the control itself drops it."""
    if missing := [label for label in asked if label not in known]:
        said = ", ".join(label[:_LONGEST_NAME] for label in missing[:3])
        is_many = len(missing) > 1
        st.caption(
            words.sentence(
                f"The link asks for {said}: {'these are' if is_many else 'that is'} not among the models here."
            )
        )


@cache  # a page of thumbnails asks hundreds of times
def image_tasks() -> Mapping[str, str]:
    """Task -> title, of the tasks with images whose draws are kept."""
    return {task: load(task).title for task in DATASETS if load(task).kept}


USUAL_METHOD: Final = "mc_dropout"
"""What the pages about one method open with."""


def method(label: str, key: str, known: Mapping[str, str], usual: str, width: int | Literal["stretch"]) -> str:
    """One of ``known`` (method or model -> its label); at first ``usual``, or the first where that is none of them."""
    start = list(known).index(usual) if usual in known else 0
    _tell_of_missing(st.query_params.get_all(key), list(known.values()))
    return one_of(label, list(known), lambda name: known[name], start, key=key, bind=BIND, width=width)


def task() -> Dataset:
    """What the models have learnt, by a choice of task."""
    titles = image_tasks()
    return load(choice("Trained on", titles, "task", next(iter(titles))))


def task_key(key: str, task: str) -> str:
    """The key of a control that each task has for itself; the first task's is the bare one, as in older links."""
    return key if task == next(iter(image_tasks())) else f"{key}_{task}"


def task_in_link(task: str) -> dict[str, str]:
    """The parameters of a link to a page that shows ``task``."""
    titles = image_tasks()
    return {} if task == next(iter(titles)) else {"task": titles[task]}


def default_source(task: str) -> str:
    """Where the image lab's image comes from at first: digits are easily drawn, anything else is picked."""
    return "Draw" if task == next(iter(image_tasks())) else "Pick"


MEASURE_LABELS: Final = {
    OWN: "Own",
    "predictive_entropy": "Entropy",
    "least_confidence": "1 − confidence",
    "mutual_information": "Epistemic",
}


def measure() -> str:
    """The id of a measure for which a threshold in 0..1 makes sense, or `uqcore.exhibits.verdicts.OWN`."""
    of_measure: dict[str, list[str]] = {}
    for method in METHODS.values():
        of_measure.setdefault(MEASURES[method.own_measure].label.lower(), []).append(method.label)
    own = "; ".join(f"{label}: {', '.join(methods)}" for label, methods in of_measure.items())
    help = (
        f"Own: the measure that each method's authors use ({own}); 0.5 is the value that {percent(0.99)} of validation "
        "images stay below. The others are shares of the largest value that they can have."
    )
    return choice("Uncertainty measure", MEASURE_LABELS, "measure", OWN, help)


def measure_of(known: Sequence[str], width: int) -> str:
    """One of the measures ``known`` that a method has, by its id."""
    # A key for each number of measures: Streamlit would keep a chosen one that the next method lacks.
    own = f"by_{len(known)}"
    by_label = {MEASURES[each].label: each for each in known}
    if taken := _taken_over(own, list(by_label), _BY):
        st.query_params[own], st.session_state[own] = taken[0], by_label[taken[0]]
    return one_of("Measure", known, lambda each: MEASURES[each].label, key=own, bind=BIND, width=width)


def corruption() -> Corruption:
    """The sliders that disturb the image."""
    return Corruption(
        noise=st.slider("Noise weight", 0.0, 1.0, 0.0, 0.01, key="noise", bind=BIND, help="w of (1 - w) x + w U[0, 1)"),
        rotation=st.slider("Rotation", -180, 180, 0, 5, key="rotation", bind=BIND, format="%d°"),
        blur=st.slider("Blur", 0.0, 3.0, 0.0, 0.1, key="blur", bind=BIND, format="%.1f px"),
        right=st.slider("Shift right", -8, 8, 0, key="right", bind=BIND, format="%d px"),
        down=st.slider("Shift down", -8, 8, 0, key="down", bind=BIND, format="%d px"),
    )


def count(
    label: str, options: Sequence[int], default: int, key: str, place: DeltaGenerator | None = None, **more: Any
) -> int:
    """One of a few rising numbers, by a slider that goes on to the next of them in the direction it was moved."""
    asked = st.session_state.get(key)
    if asked is not None and asked not in options and options[0] < asked < options[-1]:
        above = bisect(options, asked)
        st.session_state[key] = options[above if asked > st.session_state.get(f"{key}_was", default) else above - 1]
    stands = (place or st).slider(label, options[0], options[-1], default, key=key, bind=BIND, **more)
    st.session_state[f"{key}_was"] = stands
    return options[bisect(options, stands) - 1]  # a link can have it stand between two, until it is moved


def of_counts(counts: Sequence[int], method_id: str, **more: Any) -> int:
    """How many samples of a method, where there is a choice."""
    if len(counts) == 1:
        return counts[0]
    return count("Samples", counts, counts[-1], f"samples_{method_id}", **more)


def samples(place: DeltaGenerator) -> int:
    help = "How many samples to draw of each method that can draw as many as one likes."
    return count("Samples", LADDER, 50, "samples", place, help=help)


def members(n_members: int, place: DeltaGenerator) -> int:
    help = "How many of the trained networks."
    return count("Ensemble members", rungs(n_members), n_members, "members", place, help=help)


def mean_field_factor(name: str, label: str, default: float, place: DeltaGenerator) -> float:
    """``name``: of the method or the model that is called ``label``."""
    return place.slider(
        f"{label} mean-field factor",
        0.0,
        20.0,
        round(default, 2),
        0.01,
        key="factor" if name == "sngp" else f"factor_{name}",  # the bare one as in older links
        bind=BIND,
        help=f"How strongly {label}'s variance flattens its probabilities: "
        "softmax(mean / sqrt(1 + factor x variance)). 0 ignores the variance; pi / 8 = 0.39 is the usual choice.",
    )


THRESHOLDS: Final = tuple(i / 100 for i in range(101))
"""Where a threshold in 0..1 can stand. Its slider is a component's: what it cuts follows it in the browser."""


def linked_threshold(key: str, default: float) -> float:
    """The threshold that a link asks for, or where it stood when its page was left; its key names the page, because
    what it cuts differs from page to page."""
    before: float = default if is_from_history() else st.session_state.get(f"{key}_before", default)
    try:
        asked = float(st.query_params.get(key, before))
    except ValueError:
        return before
    return asked if 0 <= asked <= 1 else before


def keep_linked_threshold(key: str, default: float, chosen: float) -> None:
    """Puts the threshold into the URL, or takes it out where it is what the page opens with."""
    put_in_url(key, None if chosen == default else f"{chosen:g}")
    st.session_state[f"{key}_before"] = chosen


def point() -> tuple[float, float] | None:
    """The point ``x,y`` that a link asks about; None without one or where it is not two numbers."""
    try:
        x, y = (float(part) for part in st.query_params.get("point", "").split(","))
    except ValueError:
        return None
    return (x, y) if isfinite(x) and isfinite(y) else None


def keep_point(picked: tuple[float, float] | None) -> tuple[float, float] | None:
    """Puts the picked point into the URL, or takes it out; returns it as a link to it would give it."""
    put_in_url("point", None if picked is None else f"{picked[0]:.3f},{picked[1]:.3f}")
    return point()


def put_in_url(key: str, value: str | None) -> None:
    """Sets a parameter of the URL, or takes it out; only where that changes anything.

    Every write sends the whole query string as this run knows it. Written in every run, it would put back the old value
    of a slider that has moved on meanwhile.
    """
    if value is None and key in st.query_params:
        del st.query_params[key]
    elif value is not None and st.query_params.get(key) != value:
        st.query_params[key] = value


def _bound(key: str) -> Literal["query-params"] | None:
    """`BIND` for a whole number's control, unless its parameter of the link is infinite, of which Streamlit would make
    an int."""
    try:
        is_infinite = isinf(float(st.query_params.get(key, 0)))
    except ValueError:  # no number at all, which Streamlit leaves out
        is_infinite = False
    return None if is_infinite else BIND


def threshold_to_start_from(asked: float, wish: str, in_link: bool = True) -> tuple[float, str]:
    """Where the dragged threshold starts, and the revision that tells the browser whether to move it there.

    Args:
        asked: what the page has computed; a new ``wish`` moves the threshold there.
        wish: all that ``asked`` depends on. As long as it stays, a threshold moved by hand, which is in the URL, stays.
        in_link: whether it is in the URL; not where the link shows others something else.
    """
    last, n_wishes = st.session_state.get("threshold_wish", (None, 0))
    if wish != last or is_from_history():
        n_wishes += 1
        st.session_state["threshold_wish"] = (wish, n_wishes)
        if last is not None and not is_from_history():
            put_in_url("t", None)
    try:
        by_hand = float(st.query_params.get("t", "") if in_link else "")
    except ValueError:
        by_hand = nan
    return (asked if isnan(by_hand) else by_hand), str(n_wishes)


def keep_threshold(table: ThresholdTable, asked: float, chosen: float, in_link: bool = True) -> bool:
    """Puts a threshold that was moved by hand into the URL; whether ``chosen`` is one: not the row of ``asked``."""
    moved = chosen != table.thresholds[int(np.searchsorted(table.thresholds, asked, side="right")) - 1]
    put_in_url("t", repr(chosen) if moved and in_link else None)
    return bool(moved)
