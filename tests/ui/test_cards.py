"""Verdicts as HTML, read back by a parser: widths are the numbers, and names are text."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from ui import cards
from ui.words import ACCEPT, DEFER
from ui.words import digit_lab as words
from uqcore.exhibits.front_page import Said
from uqcore.exhibits.verdicts import Verdict
from uqcore.methods import METHODS
from uqcore.plots.palette import series_style

NAMES = ("<script>alert(1)</script>", '"two" & <b>', "three")


def verdict(probs: list[float], accepted: bool = True, spread: float = 0.0, measure: float = 0.3) -> Verdict:
    p = np.array(probs)
    total = float(-(p * np.log(p)).sum())
    low, high = np.maximum(p - spread, 0), np.minimum(p + spread, 1)
    return Verdict(p, low, high, int(p.argmax()), total, 0.75 * total, 0.25 * total, measure, accepted)


class Elements(HTMLParser):
    """The start tags of a piece of HTML with their attributes, its text, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def widths(self, tag: str = "b") -> list[float]:
        styles = (attributes.get("style", "") for name, attributes in self.tags if name == tag)
        return [float(found[1]) for style in styles if (found := re.search(r"width:([\d.]+)%", style))]


def said(*answers: tuple[int, bool]) -> Said:
    """Labels, and whether they are accepted."""
    labels, accepted = ([one[i] for one in answers] for i in range(2))
    return Said(np.array(labels, int), np.full(len(answers), 0.9), np.array(accepted, bool))


def test_a_card_a_method_each_with_its_colour_and_its_name() -> None:
    labels = [method.label for method in METHODS.values()]
    for places in (range(len(labels)), (3, 1)):  # whichever others are shown, and in any order
        verdicts = {labels[place]: verdict([0.7, 0.2, 0.1]) for place in places}
        made = Elements(
            cards.cards(verdicts, NAMES, dict.fromkeys(verdicts, 0.3), 0.2, dict.fromkeys(verdicts, "entropy"))
        )
        sections = [attributes for tag, attributes in made.tags if tag == "section"]
        assert [section["aria-label"] for section in sections] == list(verdicts)
        assert [section["style"] for section in sections] == [f"--series:{series_style(i).color}" for i in places]
        rows = Elements(cards.verdict_grid({}, dict.fromkeys(verdicts, said()), NAMES)).tags
        assert [a["style"] for tag, a in rows if tag == "tr" and a] == [section["style"] for section in sections]


def test_verdicts_are_words_and_not_colour_alone() -> None:
    verdicts = {"A": verdict([0.7, 0.2, 0.1]), "B": verdict([0.2, 0.7, 0.1], False)}
    made = Elements(cards.cards(verdicts, NAMES, {"A": 0.1, "B": 0.3}, 0.2, {"A": "entropy", "B": "entropy"}))
    assert [text for text in made.text if text in (ACCEPT, DEFER)] == [ACCEPT, DEFER]


def test_widths_are_the_numbers() -> None:
    card = Elements(
        cards.cards({"A": verdict([0.7, 0.2, 0.1], spread=0.05)}, NAMES, {"A": 0.5}, 0.25, {"A": "entropy"})
    )
    entropy = 100 * verdict([0.7, 0.2, 0.1]).total / np.log(3)
    # The gauge, a bar a class, and the entropy's two parts.
    np.testing.assert_allclose(card.widths(), [50, 70, 20, 10, 0.75 * entropy, 0.25 * entropy], atol=0.051)
    np.testing.assert_allclose(card.widths("i"), [10, 10, 10], atol=1e-9)  # p - 0.05 to p + 0.05
    lefts = [re.search(r"left:([\d.]+)%", a["style"]) for tag, a in card.tags if tag == "i"]
    assert [float(found[1]) for found in lefts if found] == [25, 65, 15, 5]  # the threshold, then the spreads


def test_what_is_drawn_is_named_and_an_unlikely_answer_says_why_it_is_accepted() -> None:
    said = {"A": verdict([0.4, 0.3, 0.3], spread=0.05), "B": verdict([0.7, 0.2, 0.1])}
    made = Elements(cards.cards(said, NAMES, {"A": 0.1, "B": 0.3}, 0.2, {"A": "variance", "B": "entropy"})).text
    assert [text for text in made if text.startswith("uncertainty")] == [
        "uncertainty: variance",
        "uncertainty: entropy",
    ]
    assert made.count("threshold") == 2
    assert [text for text in made if text.startswith("probability")] == [
        "probability and where 90\N{NO-BREAK SPACE}% of its samples lie", "probability"
    ]  # fmt: skip
    assert words.why_accepted(said["A"], "variance") in made
    assert sum("far from certain" in text for text in made) == 1


def test_one_sample_has_no_spread() -> None:
    assert (
        Elements(cards.cards({"A": verdict([0.7, 0.2, 0.1])}, NAMES, {"A": 0.3}, 0.2, {"A": "entropy"})).widths("i")
        == []
    )


@pytest.mark.parametrize("bar", [1.0000001, 3.0])
def test_no_bar_is_wider_than_its_place(bar: float) -> None:
    assert (
        max(Elements(cards.cards({"A": verdict([0.7, 0.2, 0.1])}, NAMES, {"A": bar}, 1.0, {"A": "entropy"})).widths())
        == 100
    )


@pytest.mark.parametrize(
    ("names", "room", "is_long"),
    [(("0", "1", "2"), 1, False), (("Bag", "Coat", "Top"), 4, False), (("Bag", "Shirt", "Top"), 5, True),
     (("Bag", "Coat", "T-shirt/top"), 10, True)],
)  # fmt: skip
def test_all_bars_of_a_card_start_beside_the_longest_name(names: tuple[str, ...], room: int, is_long: bool) -> None:
    made = Elements(cards.cards({"A": verdict([0.7, 0.2, 0.1])}, names, {"A": 0.3}, 0.2, {"A": "entropy"})).tags
    assert [a["style"] for _, a in made if a.get("class") == "bars"] == [f"--name:{room}ch"]
    assert next(a["class"] for tag, a in made if tag == "p") == ("label long" if is_long else "label")


def test_names_are_text_wherever_they_stand() -> None:
    noise = {"<i>input": np.zeros((28, 28, 1), np.float32)}
    for label in range(2):
        shown = verdict([0.8, 0.1, 0.1] if label == 0 else [0.1, 0.8, 0.1])
        for html in (
            cards.cards({"<method>": shown}, NAMES, {"<method>": 0.3}, 0.2, {"<method>": "<measure>"}),
            cards.verdict_grid(noise, {"<method>": said((label, True))}, NAMES),
        ):
            made = Elements(html)
            assert NAMES[label] in made.text
            assert "<method>" in made.text
            assert not {"script", "method", "measure"} & {tag for tag, _ in made.tags}


def test_the_picture_holds_the_pixels() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    ((tag, image),) = Elements(cards.picture(levels / np.float32(255), 'a "digit"', 112)).tags
    assert (tag, image["alt"], image["width"]) == ("img", 'a "digit"', "112")
    data = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), levels[..., 0])


def test_a_grid_has_a_column_an_input_and_a_row_a_method() -> None:
    inputs = {name: np.zeros((28, 28, 1), np.float32) for name in ("a digit", "noise")}
    rows = dict.fromkeys(("A", "B", "C"), said((0, True), (1, False)))
    tags = [tag for tag, _ in Elements(cards.verdict_grid(inputs, rows, ("x", "y", "z"))).tags]
    assert [tags.count(tag) for tag in ("img", "tr", "td")] == [2, 4, 7]  # with the corner, which heads nothing
