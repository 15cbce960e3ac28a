"""The gallery's views of a set of images: both ends of every class, what is wrong, where two methods disagree."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ui import cache
from ui.cache import Images
from ui.links import to_kept_image
from ui.thumbs import Thumb, thumbs
from ui.words import gallery as words
from uqcore.exhibits import gallery
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import levels
from uqcore.predictions import Predictions
from uqcore.types import Dataset, FloatArray, IntArray

_PIXELS_A_LETTER, _FITS = 6, 5  # of a caption, and how many letters fit below a small picture
_SMALL, _LARGE = 34, 56  # CSS pixels; of the small ones, 15 fill half a projector's width and 10 a phone's
_DIVERGENCE = (
    "Ordered by the Jensen-Shannon divergence of the two methods' probabilities, in nats: 0 where they are equal, "
    f"{np.log(2):.2f} where they have no class in common."
)


class Shown(NamedTuple):
    """What one method says of a set of images.

    Attributes:
        dataset: of the task that the method has learnt.
        part: the set that is shown: ``test``, or an OOD set of the task.
        images: with their own classes.
        predictions: of the task's classes, whatever is on the images; with labels if these are its test images.
        on_test: the same method's predictions of the task's test images.
    """

    dataset: Dataset
    part: str
    images: Images
    predictions: Predictions
    on_test: Predictions

    @property
    def key(self) -> tuple[str, ...]:
        """What determines it."""
        of_models = (self.predictions.fingerprint, self.on_test.fingerprint)
        return (self.dataset.task_id, self.part, self.predictions.name, *of_models)

    @property
    def are_known(self) -> bool:
        """Whether the images show what the method has learnt."""
        return self.part == "test"

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the prediction is right, which it never is for what was not learnt."""
        correct = self.predictions.correct
        return np.zeros(len(self.predictions), np.bool_) if correct is None else correct


class Grid(NamedTuple):
    """An answer in Markdown, pictures in HTML, and a sentence that explains their order."""

    answer: str
    html: str
    note: str


@cache.kept()
def kept(key: tuple[object, ...], _make: Callable[[], Grid]) -> Grid:
    """What ``_make`` gives: some hundred captions and a PNG. ``key`` determines it."""
    return _make()


def ends(shown: Shown, measure_id: str, n: int) -> Grid:
    """Of every class the ``n`` images that the method is surest of, and those that it is least sure of."""
    measure, unit = shown.predictions.measure(measure_id), MEASURES[measure_id].unit
    note = MEASURES[measure_id].description
    rows = gallery.class_ends(measure, shown.images.labels, shown.images.class_names, shown.correct, n)
    html = "".join(
        f'<div class="ends">{_end(shown, row.class_name, "surest", row.surest, unit)}'
        f"{_end(shown, row.class_name, 'least sure', row.least_sure, unit)}</div>"
        for row in rows
    )
    if not shown.are_known:
        return Grid(_of_the_unseen(shown, measure_id), html, note)
    surest = gallery.pooled([row.surest for row in rows]).error_rate
    least_sure = gallery.pooled([row.least_sure for row in rows]).error_rate
    of_all = 1 - float(shown.correct.mean())
    return Grid(words.how_wrong_the_ends_are(shown.predictions.name, n, surest, least_sure, of_all), html, note)


def wrong(shown: Shown, measure_id: str, n: int) -> Grid:
    """The ``n`` wrong predictions that the method is surest of. On what was not learnt any class is wrong."""
    measure, note = shown.predictions.measure(measure_id), MEASURES[measure_id].description
    correct = shown.correct
    errors = gallery.surest(measure, n, ~correct)
    html = _pictures(shown, errors, measure[errors], _LARGE)
    note += " The surest first."
    if not shown.are_known:
        return Grid(_of_the_unseen(shown, measure_id), html, note)
    unsure = gallery.least_sure(measure, len(correct) // 20)
    n_wrong, n_unsure = (int(np.count_nonzero(~part)) for part in (correct, correct[unsure]))
    name, noun = shown.predictions.name, shown.dataset.noun
    return Grid(words.how_many_errors_show(name, n_wrong, n_unsure, len(correct), noun), html, note)


def disagreeing(shown: Shown, other: Predictions, n: int) -> Grid:
    """The ``n`` images on which the probabilities of two methods are furthest apart."""
    both, found = (shown.predictions, other), gallery.disagreement(shown.predictions, other)
    apart = gallery.least_sure(found.divergence, n)
    html = _pictures(shown, apart, found.divergence[apart], _LARGE, other)
    right = None
    if shown.are_known:
        first, second = (np.count_nonzero(found.differ & (p.predicted == shown.images.labels)) for p in both)
        right = int(first), int(second)
    n_differ = int(np.count_nonzero(found.differ))
    answer = words.who_names_another((shown.predictions.name, other.name), n_differ, len(found.differ), right)
    return Grid(
        answer, html, f"{_DIVERGENCE} The first class named is {shown.predictions.name}'s, the second {other.name}'s."
    )


def _of_the_unseen(shown: Shown, measure_id: str) -> str:
    measure, reference = shown.predictions.measure(measure_id), shown.on_test.measure(measure_id)
    share, unseen = gallery.share_as_sure(measure, reference), shown.dataset.ood_sets[shown.part]
    return words.how_sure_of_the_unseen(shown.predictions.name, len(measure), share, shown.dataset.noun, unseen.noun)


def _end(shown: Shown, class_name: str, which: str, end: gallery.End, unit: str) -> str:
    mean = f"{escape(words.value(end.mean))} {unit}".rstrip()
    said = f"<b>{escape(class_name)}</b>: the {len(end.indices)} {which}, mean {mean}"
    if shown.are_known:
        said += f", <b>{np.count_nonzero(~end.correct) or 'none'} wrong</b>"
    return f"<div><h2>{said}</h2>{_pictures(shown, end.indices, end.measure, _SMALL)}</div>"


def _pictures(shown: Shown, indices: IntArray, amounts: FloatArray, side: int, other: Predictions | None = None) -> str:
    """Images with their label, what is read on them and an amount each; a click opens one in the digit lab."""
    if not len(indices):
        return "<p>None.</p>"
    _, labels, names = shown.images
    readers = [shown.predictions] if other is None else [shown.predictions, other]
    items = []
    for i, amount in zip(indices.tolist(), amounts.tolist(), strict=True):
        truth = names[labels[i]]
        read = [reader.class_names[reader.predicted[i]] for reader in readers]
        wrong = [shown.are_known and name != truth for name in read]
        marked = [f'<b class="defer">{escape(n)}</b>' if w else escape(n) for n, w in zip(read, wrong, strict=True)]
        caption = f"<span>{' | '.join(marked)}</span>"
        if side == _LARGE:
            caption += f"<small>is {escape(truth)}</small>"
        alt = f"{truth}, read as {' and '.join(read)}, {amount:.3g}, test image {i}"
        items.append(
            Thumb(
                alt,
                f"{caption}<small>{escape(words.value(amount))}</small>",
                to_kept_image(shown.dataset, shown.part, i),
            )
        )
    longest = max(map(len, shown.predictions.class_names))
    cell = max(side, _PIXELS_A_LETTER * longest) if side == _SMALL and longest > _FITS else side
    return thumbs(items, levels(shown.images.some(indices)), side, cell)
