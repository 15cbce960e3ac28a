"""Sentences: no false certainty in a percentage, and an answer for none, some and all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.app_pages import spaced
from ui import words
from ui.words import digit_lab, gallery, home, regression, threshold_lab, two_moons
from uqcore.exhibits.front_page import Said
from uqcore.exhibits.moons import Surface
from uqcore.exhibits.verdicts import Gauge, Verdict
from uqcore.metrics.classification import OodMetrics
from uqcore.selection import Acceptance, Estimate
from uqcore.tuning.split import Quality

NAMES = ("zero", "one", "two")


def verdict(label: int = 1, accepted: bool = True) -> Verdict:
    probs = np.full(3, 0.05)
    probs[label] = 0.9
    return Verdict(probs, probs, probs, label, 0.394, 0.3, 0.094, 0.394, accepted)


def accepted(n_accepted: int, ood_accepted: float) -> Acceptance:
    """Of ten test points, the right ones first."""
    accuracy = 1.0 if n_accepted else float("nan")
    return Acceptance(n_accepted, 10 - n_accepted, n_accepted / 10, accuracy, 0.5, 0, ood_accepted)


def surface(ood_accepted: float) -> Surface:
    return Surface(np.zeros((2, 2)), np.zeros((2, 2)), Gauge("predictive_entropy", 1.0), accepted(9, ood_accepted))


def test_acceptance_leaves_out_the_accuracy_of_nothing() -> None:
    said = spaced(two_moons.acceptance(accepted(9, 0.25)))
    assert said == "accepts 90 % of test points (100 % right), 25 % of unseen"
    assert spaced(two_moons.acceptance(accepted(0, 0))) == "accepts 0 % of test points, 0 % of unseen"


def test_who_accepts_the_unseen() -> None:
    answer = two_moons.who_accepts_the_unseen
    assert answer({}) == "No trained model can be shown."
    assert answer({"A": surface(0), "B": surface(0.49)}).endswith("**every method** defers most of them.")
    assert "**no method** notices" in answer({"A": surface(0.5), "B": surface(1)})
    assert "**B** defers most of them; **A** accepts" in answer({"A": surface(0.5), "B": surface(0.49)})
    one = answer({"A": surface(1), "B": surface(0), "C": surface(1)})
    assert one.endswith("**B** defers most of them; **A and C** accept them as if nothing were odd.")
    other = answer({"A": surface(0), "B": surface(0), "C": surface(0), "D": surface(1)})
    assert other.endswith("**A, B and C** defer most of them; **D** accepts them as if nothing were odd.")


def test_who_reads_what() -> None:
    assert digit_lab.who_reads_what({}, NAMES) == "No trained model can be shown."
    agreed = {"A": verdict(1), "B": verdict(1)}
    assert digit_lab.who_reads_what(agreed, NAMES) == (
        "Of 2 methods, 2 read a **one**. None asks for a second look at this threshold."
    )
    split = {"A": verdict(1, False), "B": verdict(2), "C": verdict(2, False)}
    assert digit_lab.who_reads_what(split, NAMES) == (
        "Of 3 methods, 2 read a **two** and 1 reads a **one**. **A and C** would rather not say."
    )


def test_words_are_spoken_as_one_would() -> None:
    names = ("8", "Ankle boot", "Bag")
    alone = digit_lab.who_reads_what({"A": verdict(1)}, names)
    assert alone == "Of 1 method, 1 reads an **Ankle boot**. None asks for a second look at this threshold."
    assert "2 read an **8**" in digit_lab.who_reads_what({"A": verdict(0), "B": verdict(0)}, names)
    assert "1 reads a **Bag**" in digit_lab.who_reads_what({"A": verdict(2)}, names)


def test_who_is_fooled() -> None:
    inputs = ["a digit", "a garment", "noise"]
    assert home.who_is_fooled({}, inputs, "digit") == "No trained model can be shown."
    said = Said(np.zeros(3, int), np.ones(3), np.array([True, True, False]))
    rows = {"A": said, "B": said}
    answer = home.who_is_fooled(rows, inputs, "digit")
    assert "**A and B** took a garment for a digit; nobody took noise for one" in answer


def test_a_table_has_a_row_a_method_and_escapes_names() -> None:
    table = two_moons.verdict_table({"<A>": verdict(0), "B": verdict(1, False)}, ("<b>&</b>", "one", "two"))
    assert table.count("<tr>") == 3
    assert "<th>&lt;A&gt;</th><td>&lt;b&gt;&amp;&lt;/b&gt; 90\N{NO-BREAK SPACE}%</td>" in table
    assert "<b>" not in table
    assert [table.count(said) for said in (words.ACCEPT, words.DEFER)] == [1, 1]
    assert "<td>0.394</td><td>0.300</td><td>0.094</td>" in table


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0.00"), (1e-12, "<\u00a00.01"), (0.005, "0.01"), (1.234, "1.23"), (12.3, "12")],
)
def test_value(number: float, expected: str) -> None:
    assert gallery.value(number) == expected


def test_who_widens_in_the_gap_leaves_nobody_out() -> None:
    start = "In the shaded gap there is no data. "
    more = "How much farther do the sampled functions lie apart there than on the data? "
    said = regression.who_widens_in_the_gap({"A": float("nan"), "B": 12.66, "C": 1.02, "D": 0.77, "E": 1.0})
    assert said == (
        f"{start}{more}**B** 12.7 times and **C** 1.02 times. Not farther: **D** 0.77 and **E** 1 times. "
        "**A** draws one line and no band."
    )
    said = regression.who_widens_in_the_gap({"A": float("nan"), "B": float("nan"), "C": 0.5})
    assert said == (
        f"{start}No method's sampled functions lie farther apart there than on the data: **C** 0.5 times. "
        "**A and B** draw one line each and no band."
    )
    assert regression.who_widens_in_the_gap({}) == "No trained model can be shown."


@pytest.mark.parametrize(("number", "expected"), [(4.71e-5, "4.71e-05"), (0.98765, "0.988"), (float("nan"), "–")])
def test_small_figures_keep_three_digits(number: float, expected: str) -> None:
    assert words.small(number) == expected


def test_a_risk_far_below_a_thousandth_keeps_its_digits() -> None:
    value, ends = threshold_lab.risk(Estimate(0.000789, 0.0, 0.00123))
    assert (value, ends) == ("0.0789\u00a0%", "(0\u00a0% to 0.123\u00a0%)")


def test_who_names_another() -> None:
    names = ("A", "B")
    none = gallery.who_names_another(names, 0, 10, (0, 0))
    assert none == "**A** and **B** name different classes for **0** of 10 images."
    assert gallery.who_names_another(names, 1200, 10_000, None).endswith("for **1,200** of 10,000 images.")
    assert gallery.who_names_another(names, 9, 10, (5, 3)).endswith(
        "the first is right 5 times, the second 3, neither 1."
    )


def test_what_finds_the_unseen_and_what_finds_errors() -> None:
    def quality(errors: float, unseen: float) -> Quality:
        return Quality(0.01, 0.005, errors, OodMetrics(unseen, 0.9, 0.1))

    say = threshold_lab.what_finds_what
    differ = say({"A": ("entropy", quality(0.98, 0.95)), "B": ("distance", quality(0.9, 0.999))})
    assert "B is best at telling what was never learnt (AUROC 0.9990) but number 2 of 2" in differ
    assert "there A is best (0.9800)" in differ
    assert "A is best at telling what was never learnt and at" in say({"A": ("x", quality(0.9, 0.9))})
    assert say({}) == ""
    no_errors = Quality(0.0, 0.0, float("nan"), None)
    assert say({"A": ("entropy", no_errors)}) == ""
    assert threshold_lab.qualities_table({"A": ("entropy", no_errors)}).count("<td>–</td>") == 2


def test_why_an_answer_that_is_hardly_likely_is_accepted() -> None:
    unsure = verdict()._replace(probs=np.array([0.31, 0.49, 0.2]), label=1)
    assert "variance of the logits is low" in digit_lab.why_accepted(unsure, "variance of the logits")
    assert digit_lab.why_accepted(unsure._replace(probs=np.array([0.15, 0.7, 0.15])), "entropy") == ""


@pytest.mark.parametrize("mark", ["\u202a", "\u202e", "\u2066", "\u2069"])
def test_a_visitors_words_do_not_turn_round_ours(mark: str) -> None:
    assert words.plain(f"a{mark}b") == "a\N{REPLACEMENT CHARACTER}b"
    assert words.sentence(f"Expected x. Received a{mark}b.") == "Expected x. Received a\N{REPLACEMENT CHARACTER}b."


def test_words_of_every_script_stay_as_they_are() -> None:
    for text in ("חתול", "قطة", "क्‍ष", "👩‍🔬", "می‌خواهم"):
        assert words.plain(text) == text


@pytest.mark.parametrize(
    ("noun", "said"), [("digit", "a digit"), ("insect", "an insect"), ("8", "an 8"), ("one", "a one")]
)
def test_whatever_a_data_sets_inputs_are_called_has_its_article(noun: str, said: str) -> None:
    assert words.with_article(noun) == said
    assert digit_lab.no_image(noun).startswith(f"**Draw {said}**")
    assert f"None of these is {said}, yet" in gallery.how_sure_of_the_unseen("SNGP", 10, 0.5, noun, "garment")
