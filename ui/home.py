"""What the home page opens with: a garment that turns, and who takes it for a digit meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import streamlit as st

from ui import controls
from ui.cache import Model
from ui.components import Row, turning
from ui.thumbs import png_url
from ui.words import ACCEPT, DEFER
from uqcore.exhibits.turning import ANGLES, turned, turned_images
from uqcore.models.answers import levels
from uqcore.plots.palette import series_style
from uqcore.text import percent
from uqcore.types import Dataset, FloatArray

_UNSEEN = "fashion"


class Garment(NamedTuple):
    """The first T-shirt of the test images, at every angle: the picture's URL, and what each method says."""

    sheet: str
    rows: list[Row]

    def n_angles(self, least: int) -> int:
        """At how many angles at least so many methods accept it."""
        return int(np.count_nonzero(np.sum([row.accepted for row in self.rows], axis=0) >= least))


def garment(dataset: Dataset) -> FloatArray:
    """The picture ``(28, 28, 1)``."""
    split = dataset.part(_UNSEEN)
    return split.x[np.flatnonzero(split.y == 0)[0]]


@st.cache_resource(show_spinner="Turning a T-shirt …", max_entries=2)
def _turned(digests: tuple[str, ...], n_samples: int, _models: Mapping[str, Model], _dataset: Dataset) -> Garment:
    """Once for all visitors: some tenths of a second."""
    images = turned_images(garment(_dataset))
    rows = []
    for model in _models.values():
        said = turned(model.record, model.bank.posterior, images, model.n_draws(n_samples, n_samples))
        rows.append(
            Row(
                model.label,
                series_style(controls.PLACES[model.label]).color,
                [_dataset.class_names[k] for k in said.labels],
                [percent(float(share)) for share in said.confidences],
                [bool(yes) for yes in said.accepted],
            )
        )
    return Garment(png_url(levels(images), len(ANGLES)), rows)


def show(models: Mapping[str, Model], dataset: Dataset, n_samples: int) -> None:
    """The garment, which turns, before the committed models."""
    models = {method_id: model for method_id, model in models.items() if not model.stored.own}
    if not models:
        return
    digests = tuple(file.sha256 for model in models.values() for file in model.record.files)
    made = _turned(digests, n_samples, models, dataset)
    turning(made.sheet, ANGLES, made.rows, alt="A T-shirt", accept=ACCEPT, defer=DEFER, key="turning")
    st.caption(
        f"The first T-shirt of the test images, turned once around, and what methods say of it that have learnt "
        f"{dataset.noun}s and nothing else. High marks: the method accepts it as a {dataset.noun} at this angle. "
        f"At {made.n_angles(1)} of {len(ANGLES)} angles at least one method does."
    )
