"""Whose predictions the threshold lab works on: a stored model's or the visitor's own, which are cached nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, controls
from ui.controls import BIND
from uqcore.methods import of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import NOISES, ROTATIONS, Unseen
from uqcore.predictions import NotNormalized, Predictions, example_file, read_predictions
from uqcore.predictions.examples import FileKind
from uqcore.tuning import Study, study
from uqcore.types import Dataset, UqError

MAX_UPLOAD_MB = 200
MAX_UNPACKED = 10**9
_EXAMPLES: dict[FileKind, str] = {
    "npz": "application/octet-stream",
    "csv": "text/csv",
    "parquet": "application/octet-stream",
}


@dataclass(frozen=True, eq=False)
class Source:
    """Predictions to choose a threshold for.

    Attributes:
        source_id: what determines ``predictions``.
        task, method_id: whose they are, None for a visitor's own.
        unseen, n_samples: what was asked of the stored model.
        in_link: whether a link to the page brings others the same predictions.
    """

    source_id: str
    predictions: Predictions
    task: str | None = None
    method_id: str | None = None
    unseen: Unseen | None = None
    n_samples: int | None = None
    in_link: bool = True


def choose(place: DeltaGenerator) -> Source:
    """The predictions that the visitor has chosen. UqError: they cannot be read."""
    with place:
        whose = controls.choice("Predictions", {"ours": "Our models", "own": "Your own"}, "predictions", "ours")
        return _ours() if whose == "ours" else _own()


def measured(source: Source, place: DeltaGenerator) -> Study:
    """One measure of the predictions, in two halves; asks which."""
    known = {measure_id: MEASURES[measure_id].label for measure_id in source.predictions.measures}
    with place:
        # A key for each choice of measures: Streamlit would keep a chosen one that the next predictions lack.
        measure_id = st.selectbox(
            "Uncertainty measure", list(known), format_func=lambda option: known[option], key="by", bind=BIND
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
        return cache.our_study(source.source_id, measure_id, share, source.predictions)
    kept = st.session_state.setdefault("own_studies", {})
    key = (source.source_id, measure_id, share)
    if key not in kept:
        kept.clear()  # one at a time: they may be large
        kept[key] = study(source.predictions, measure_id, share)
    return kept[key]


def _ours() -> Source:
    dataset = controls.task()
    task, known = dataset.task_id, of_task(dataset.task_id)
    method_id = controls.method("Method", "method", known, controls.USUAL_METHOD, "stretch")
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


def _own() -> Source:
    """The file that was brought last; until one is, an example."""
    file = st.file_uploader(
        f"NPZ, CSV or Parquet, at most {MAX_UPLOAD_MB} MB",
        type=["npz", "csv", "parquet"],
        key="own_file",
        max_upload_size=MAX_UPLOAD_MB,
        help="NPZ: `probs` or `logits`, (N, K) or (S, N, K), `labels`, `ood`, `images`. "
        "CSV and Parquet: columns p_0, p_1, … or logit_0, …, and `label`, `ood`. Read on this server, kept for "
        "nobody but you and gone with your visit.",
    )
    st.caption("An example of each kind:")
    with st.container(horizontal=True, gap="small"):
        for kind, mime in _EXAMPLES.items():
            label = kind.upper() if len(kind) == 3 else kind.title()
            st.download_button(
                label,
                _example(kind),
                f"example.{kind}",
                mime,
                key=f"example_{kind}",
                on_click="ignore",
                type="tertiary",
            )
    # Streamlit forgets the file when this page, or this part of it, is left; what was read of it stays for the visit.
    kept: _Own | None = st.session_state.get("own")
    if file is None and kept is not None and (kept.predictions is None or st.button("Back to the example")):
        kept = st.session_state["own"] = None
    if file is not None:
        normalize = bool(st.session_state.get("own_normalize"))
        if kept is None or (kept.file_id, kept.normalize) != (file.file_id, normalize):
            kept = _Own(file.file_id, normalize, *_read(file.getvalue(), file.name, normalize))
            st.session_state["own"] = kept
        if isinstance(kept.problem, NotNormalized) or normalize:
            st.checkbox("Divide each row by its sum", key="own_normalize")
    if kept is None:
        st.info("What you see is the example: 300 simulated predictions of three classes, 60 of them unseen.")
        return Source("example", read_predictions(_example("npz"), "The example"))
    if kept.predictions is None:
        raise UqError(str(kept.problem))
    for note in kept.predictions.notes:
        st.info(note)
    return Source(f"{kept.file_id} {kept.normalize}", kept.predictions, in_link=False)


class _Own(NamedTuple):
    """A visitor's file as it was read: predictions, or the problem with them."""

    file_id: str
    normalize: bool
    predictions: Predictions | None
    problem: UqError | None


def _read(data: bytes, name: str, normalize: bool) -> tuple[Predictions | None, UqError | None]:
    bar = st.progress(0.0, "Reading …")
    try:
        read = read_predictions(
            data, name, normalize=normalize, max_bytes=MAX_UNPACKED, tick=lambda share: _show(bar, share)
        )
        return read, None
    except UqError as error:
        return None, error
    finally:
        bar.empty()


def _show(bar: DeltaGenerator, share: float) -> None:
    bar.progress(min(share, 1.0), "Reading …")


@st.cache_data(show_spinner=False)
def _example(kind: FileKind) -> bytes:
    return example_file(kind)
