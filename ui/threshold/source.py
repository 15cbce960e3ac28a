"""Whose predictions the threshold lab works on: a stored model's or the visitor's own, which are cached nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, controls, shelf
from ui.controls import BIND
from ui.threshold import own, readback
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import NOISES, ROTATIONS, Unseen
from uqcore.predictions import Predictions, breast_cancer, example_file, read_predictions
from uqcore.predictions.arrow import leave_out_pandas
from uqcore.predictions.examples import FileKind
from uqcore.tuning import Study, study
from uqcore.types import Dataset

_MIMES: dict[FileKind, str] = {
    "npz": "application/octet-stream",
    "csv": "text/csv",
    "parquet": "application/octet-stream",
}


@dataclass(frozen=True, eq=False)
class Source:
    """Predictions to choose a threshold for.

    Attributes:
        source_id: what determines ``predictions``.
        task, method_id: whose they are (a key of `ui.shelf`), None for a visitor's own predictions.
        unseen, n_samples: what was asked of the stored model.
        models: name -> predictions of the same examples, where a visitor brought several models.
        in_link: whether a link to the page brings others the same predictions.
    """

    source_id: str
    predictions: Predictions
    task: str | None = None
    method_id: str | None = None
    unseen: Unseen | None = None
    n_samples: int | None = None
    in_link: bool = True
    models: Mapping[str, Predictions] = field(default_factory=dict)


def are_ours() -> bool:
    """Whether the visitor asks about our models, not about predictions of their own."""
    return controls.choice("Predictions", {"ours": "Our models", "own": "Your own"}, "predictions", "ours") == "ours"


def measured(source: Source, place: DeltaGenerator) -> Study:
    """One measure of the predictions, in two halves; asks which."""
    known = {measure_id: MEASURES[measure_id].label for measure_id in source.predictions.measures}
    with place:
        measure_id = controls.one_of(
            "Uncertainty measure", list(known), lambda option: known[option], key="by", bind=BIND
        )
        share = st.slider(
            "Calibration share",
            0.1,
            0.9,
            0.5,
            0.05,
            key="share",
            bind=BIND,
            help="The threshold is chosen on this share of the examples and judged on the others. "
            "The histogram shows the first.",
        )
    if source.method_id is not None:
        return cache.our_study(source.method_id, source.source_id, measure_id, share, source.predictions)
    kept = st.session_state.setdefault("own_studies", {})
    key = (source.source_id, measure_id, share)
    if key not in kept:
        kept.clear()  # one at a time: they may be large
        kept[key] = study(source.predictions, measure_id, share)
    return kept[key]


def our_model() -> tuple[Dataset, str]:
    """Which of our models, its data set and its method. UqError: there is none."""
    dataset = controls.task()
    known = shelf.labels(dataset.task_id)
    return dataset, controls.method("Method", "method", known, controls.USUAL_METHOD, "stretch")


def ours(dataset: Dataset, method_id: str) -> Source:
    """What one of our models says, of what; UqError: it cannot be read."""
    task = dataset.task_id
    n_samples = controls.of_counts(cache.answers(task, method_id).counts, method_id)
    unseen = _unseen(dataset)
    source_id, predictions = cache.our_predictions(task, method_id, unseen, n_samples)
    return Source(source_id, predictions, task, method_id, unseen, n_samples)


def _unseen(dataset: Dataset) -> Unseen:
    others = [name for name in dataset.kept if name in dataset.ood_sets]
    return Unseen(
        others=st.checkbox(
            f"Unseen: {' and '.join(dataset.title_of(name) for name in others)}",
            True,
            key="_".join(others),
            bind=BIND,
            help="Unseen: what the model never learnt; out of distribution, OOD.",
        ),
        noise=_nearest(
            NOISES,
            st.slider(
                "Unseen: noise weight", 0.0, 1.0, 0.0, 0.05, key="unseen_noise", bind=BIND, help="0 leaves them out."
            ),
        ),
        rotation=_nearest(
            ROTATIONS,
            st.slider("Unseen: rotation", 0, 180, 0, 15, key="unseen_rotation", bind=BIND, format="%d°"),
        ),
    )


def _nearest(known: Sequence[float], value: float) -> float:
    """The step that a slider stands at: 0.15, where the browser counts 3 times 0.05."""
    return min(known, key=lambda step: abs(step - value))


def brought(understood: DeltaGenerator, correct: DeltaGenerator) -> Source:
    """The file that was brought last; until one is, an example. UqError: it cannot be read.

    ``understood`` is where it is told what a file was understood as, ``correct`` where it is asked if it was not.
    """
    leave_out_pandas()
    kept = own.choose(understood, correct)
    if kept is None or kept.predictions is None:
        return _example(understood)
    return Source(kept.read_id, kept.predictions, in_link=False, models=kept.models)


def _example(understood: DeltaGenerator) -> Source:
    names = {"cancer": "Cancer", "simulated": "Simulated"}
    chosen = controls.choice(
        "Until then, an example", names, "example", "cancer", "To look at, or to see how a file looks."
    )
    with st.container(horizontal=True, gap="small"):
        for name, data, mime in _FILES[chosen]():
            ending = name.rpartition(".")[2]
            label = ending.upper() if len(ending) == 3 else ending.title()
            st.download_button(
                label,
                data,
                name,
                mime,
                key=f"get_{name}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
    predictions = _example_predictions(chosen)
    with understood:
        readback.show(predictions, [_SENTENCES[chosen]])
    return Source(f"example {chosen}", predictions)


def _cancer_files() -> list[tuple[str, bytes, str]]:
    return [("breast_cancer.csv", breast_cancer.data(), "text/csv")]


def _simulated_files() -> list[tuple[str, bytes, str]]:
    return [(f"example.{kind}", example_file(kind), mime) for kind, mime in _MIMES.items()]


_SENTENCES = {
    "cancer": f"An example: {breast_cancer.SENTENCE}",
    "simulated": "An example: 300 simulated predictions of three classes, 60 of them unseen.",
}
_FILES = {"cancer": _cancer_files, "simulated": _simulated_files}


@st.cache_resource(show_spinner=False)
def _example_predictions(chosen: str) -> Predictions:
    if chosen == "cancer":
        return read_predictions(breast_cancer.data(), breast_cancer.NAME)
    return read_predictions(example_file("npz"), "The simulated example")
