"""The held-out examples on both sides of the threshold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ui import words
from ui.html import Html
from ui.links import to_example, to_picture
from ui.threshold.source import Source
from ui.thumbs import Thumb, thumbs
from uqcore.exhibits.gallery import least_sure, surest
from uqcore.exhibits.one_image import IMAGE_SHAPE
from uqcore.models.answers import Images
from uqcore.predictions import Predictions
from uqcore.tuning import Goal, Study, Tuned
from uqcore.types import IntArray

N_SHOWN = 12


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    part, predictions = study.held_out, study.predictions
    measure = predictions.measure(study.measure_id)
    accepted = tuned.policy.decide_measured(measure, predictions.predicted)
    held_out = np.zeros(len(predictions), np.bool_)
    held_out[part.indices] = True
    yes, known = held_out & accepted, predictions.in_distribution
    groups = {
        "The last that are accepted": least_sure(measure, N_SHOWN, yes),
        "The first that are deferred": surest(measure, N_SHOWN, held_out & ~accepted),
    }
    if predictions.correct is not None:
        groups["Wrong and accepted, the surest first"] = surest(measure, N_SHOWN, yes & known & ~predictions.correct)
    if study.has_ood:
        groups["Unseen and accepted, the surest first"] = surest(measure, N_SHOWN, yes & ~known)
    images = _images(predictions, groups)
    made = (
        f"<h2>{title}</h2>{_thumbnails(source, measure, indices, images[title])}"
        if len(indices)
        else f"<h2>{title}: none</h2>"
        for title, indices in groups.items()
    )
    st.html(Html(f'<div class="examples">{"".join(made)}</div>'))
    st.caption("Of the held-out part. A picture opens in the digit lab." if _links(predictions) else "")


def _images(predictions: Predictions, groups: Mapping[str, IntArray]) -> Mapping[str, NDArray[np.uint8] | None]:
    """The pictures of each group, made in one go."""
    if predictions.images is None:
        return dict.fromkeys(groups)
    ends = np.cumsum([len(indices) for indices in groups.values()])
    made = predictions.images[np.concatenate(list(groups.values()))]
    return dict(zip(groups, np.split(made, ends[:-1]), strict=True))


def _thumbnails(source: Source, measure: np.ndarray, indices: IntArray, images: NDArray[np.uint8] | None) -> str:
    predictions, task = source.predictions, source.task
    with_links = _links(predictions)
    items = []
    for place, i in enumerate(indices.tolist()):
        name = predictions.class_names[int(predictions.predicted[i])]
        truth = "unseen" if not predictions.in_distribution[i] else None
        if truth is None and predictions.labels is not None:
            truth = predictions.class_names[int(predictions.labels[i])]
        said = words.name_in_html(name, 20)
        said += "" if truth is None else f" <small>is {words.name_in_html(truth, 20)}</small>"
        link = None
        if images is not None and with_links:
            if task is not None and isinstance(predictions.images, Images):
                link = to_example(task, *predictions.images.of(i))
            link = link or to_picture((images[place] / np.float32(255))[..., None], task)
        caption = f"<span>{said}</span><small>{measure[i]:.3g}<br>#{i}</small>"
        items.append(Thumb(f"example {i}", caption, link, new_tab=task is None))
    return thumbs(items, images)


def _links(predictions: Predictions) -> bool:
    return predictions.images is not None and predictions.images.shape[1:] == IMAGE_SHAPE
