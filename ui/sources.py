"""Where the digit lab's image comes from: the pad, the test images or a file. Each is kept in the URL."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from ui import budget, cache, controls, uploads, words
from ui.components import drawing_pad
from ui.controls import BIND, choice, one_of, put_in_url, task_key
from ui.history import is_from_history
from uqcore.datasets import load
from uqcore.datasets.images import MAX_BYTES, decode_strokes
from uqcore.exhibits.one_image import decode_image, encode_image
from uqcore.types import Dataset, FloatArray, UqError

# Half a four, half a nine: what the page opens with.
EXAMPLE_DRAWING = "ABBjNVk5UD5JRUNNQFVAXkJnRm9Nd1V9X4FphHSFf4OKgAAIqDOnSqVipHmikKGooL-e1g"
_CLEARED = "-"


class Source(NamedTuple):
    """An image ``(28, 28, 1)`` as a model sees it, or None; and whether it is still being drawn."""

    image: FloatArray | None
    is_moving: bool = False


def drawing(dataset: Dataset) -> Source:
    """The drawing on the pad, none while it is empty."""
    drawn = dataset.drawn
    if drawn is None:
        st.info(f"There is no way to draw {words.with_article(dataset.noun)} here; pick or upload one.")
        return Source(None)
    key = task_key("drawing", dataset.task_id)
    example = EXAMPLE_DRAWING if drawn.noun == dataset.noun else ""
    before = example if is_from_history() else st.session_state.get(key, example)
    kept = st.query_params.get(key, before)
    strokes, is_moving = drawing_pad("" if kept == _CLEARED else kept, key=task_key("pad", dataset.task_id))
    if drawn.noun != dataset.noun:
        st.caption(
            f"These models have learnt {dataset.noun}s. Draw {words.with_article(drawn.noun)}, "
            "which they have never seen."
        )
    try:
        image = _drawn(dataset.task_id, strokes) if strokes else None
    except UqError as error:
        st.error(words.sentence(str(error)))
        strokes, image = "", None
    if is_moving:  # it is neither kept nor in the link
        return Source(image, is_moving=True)
    # The pad's own state goes when another page is shown; this copy brings the drawing back.
    st.session_state[key] = strokes or _CLEARED
    put_in_url(key, None if strokes == example else strokes or _CLEARED)
    return Source(image)


@budget.kept()
def _drawn(task: str, strokes: str) -> FloatArray:
    """What the models see of a drawing: read once, not at every move of a slider. UqError: it cannot be read."""
    drawn = load(task).drawn
    assert drawn is not None
    return drawn.read(decode_strokes(strokes))


def picked(dataset: Dataset) -> Source:
    """A test image of the task or of its OOD sets, by set, class and number; none of data that cannot be read."""
    titles = {name: dataset.title_of(name) for name in dataset.kept}
    part = choice("Images", titles, task_key("images", dataset.task_id), "test")
    try:
        return Source(_picked(cache.images(dataset.task_id, part)))
    except UqError as error:
        st.error(words.sentence(str(error)))
        return Source(None)


def _picked(images: cache.Images) -> FloatArray:
    some, labels, names = images
    if st.button("Surprise me", icon=":material/casino:", width="stretch"):
        number = int(np.random.default_rng().integers(len(labels)))
        st.session_state["class"] = names[labels[number]]
        st.session_state["number"] = int(np.count_nonzero(labels[:number] == labels[number]))
    name = one_of("Class", names, key="class", bind=BIND)
    members = np.flatnonzero(labels == names.index(name))
    number = controls.number("Number", 0, len(members) - 1, 0, "number", help="Which of the class.")
    return some(members[number : number + 1])[0]


def uploaded(dataset: Dataset) -> Source:
    """The digit or other thing on an uploaded picture, or the one in the link, or none."""
    file = st.file_uploader(
        f"A PNG or JPEG of one {dataset.noun}, at most {MAX_BYTES // 10**6} MB",
        type=["png", "jpg", "jpeg"],
        key="file",
        max_upload_size=MAX_BYTES // 10**6,
    )
    try:
        if file is None:
            kept = st.query_params.get("picture")
            return Source(decode_image(kept) if kept else None)
        if file.size > MAX_BYTES:
            raise UqError(f"The file must be at most {MAX_BYTES / 1e6:g} MB. Received: {file.size / 1e6:.1f} MB.")
        if dataset.of_picture is None:
            raise UqError(f"A picture of {words.with_article(dataset.noun)} cannot be read here.")
        text = encode_image(dataset.of_picture(uploads.content(file)))
    except UqError as error:
        st.error(words.sentence(str(error)))
        return Source(None)
    put_in_url("picture", text)
    return Source(decode_image(text))  # and so the very image that the link shows
