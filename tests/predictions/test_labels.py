"""Labels and OOD marks in every form that people have them in, and a sentence for every other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.prediction_files import LABELS, PROBS, npz, read, refused, table

OOD = np.array([False, True, False, False])
TAKEN = {
    "int64": LABELS,
    "uint8": LABELS.astype(np.uint8),
    "whole floats": LABELS.astype(np.float16),
    "a column": LABELS[:, None],
    "booleans": LABELS == 1,
    "text": np.array(["0", "1", "1.0", " 1 "]),
    "bytes": np.array([b"0", b"1", b"1", b"1"]),
}
MARKS = {
    "bool": OOD,
    "a column": OOD[:, None],
    "integers": OOD.astype(np.int8),
    "floats": OOD.astype(float),
    "words": np.array(["false", "True", "no", "F"]),
    "digits": np.array(["0", "1", "0", "0.0"]),
}


@pytest.mark.parametrize("form", TAKEN)
def test_labels_of_any_type(form: str) -> None:
    mine = read(npz(probs=PROBS, labels=TAKEN[form]))
    assert mine.labels is not None
    assert mine.labels.dtype == np.int64
    assert mine.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("form", MARKS)
def test_ood_in_any_form(form: str) -> None:
    mine = read(npz(probs=PROBS, labels=LABELS, ood=MARKS[form]))
    assert mine.ood is not None
    assert mine.labels is not None
    assert mine.ood.tolist() == OOD.tolist()
    assert mine.labels.tolist() == [0, -1, 1, 1]


def test_no_example_is_ood() -> None:
    mine = read(npz(probs=PROBS, labels=LABELS, ood=np.zeros(4, bool)))
    assert mine.ood is None
    assert mine.in_distribution.all()


def test_class_names_number_the_labels() -> None:
    names = np.array(["cat", "2", "1"])
    mine = read(npz(probs=PROBS, labels=np.array(["cat", "1", "2", "2"]), class_names=names))
    assert mine.class_names == ("cat", "2", "1")
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, 2, 1, 1]  # a name goes before the number that it looks like
    assert read(npz(probs=PROBS, class_names=np.array([b"a", b"b", b"c"]))).class_names == ("a", "b", "c")
    assert read(npz(probs=PROBS)).class_names == ("0", "1", "2")


@pytest.mark.parametrize("gap", [np.nan, -1])
def test_a_label_may_be_missing_only_where_it_does_not_matter(gap: float) -> None:
    labels = np.array([0, gap, 1, 1])
    mine = read(npz(probs=PROBS, labels=labels, ood=OOD))
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, -1, 1, 1]
    refused(npz(probs=PROBS, labels=labels), r"none, or -1, for 1 example \(number 1, counted from 0\)")
    assert read(npz(probs=PROBS, labels=np.full(4, gap))).labels is None
    assert read(npz(probs=PROBS, labels=np.where(OOD, 2, gap), ood=OOD)).labels is None


def test_an_empty_cell_is_a_missing_label() -> None:
    rows = ("0.5,0.5,1,0", "0.5,0.5,,1", "0.5,0.5,NA,1")
    mine = read(table("p_0,p_1,label,ood", *rows))
    assert mine.labels is not None
    assert mine.labels.tolist() == [1, -1, -1]
    refused(
        table("p_0,p_1,label,ood", *rows, "1,0,,0", "1,0,,0"), r"none, or -1, for 2 examples \(the first is number 3,"
    )
    assert read(table("p_0,p_1,label", "0.5,0.5,", "1,0,")).labels is None


def test_what_stands_for_ood_does_not_matter() -> None:
    for strange in ("9", "-7", "0.5", "zebra"):
        mine = read(table("p_0,p_1,label,ood", "0.5,0.5,1,false", f"0.5,0.5,{strange},true"))
        assert mine.labels is not None
        assert mine.labels.tolist() == [1, -1]
    assert read(npz(probs=PROBS, labels=np.array([0, 2**40, 1, 1]), ood=OOD)).labels is not None


def with_labels(*labels: Any) -> bytes:
    return npz(probs=PROBS, labels=np.array(labels))


BAD = {
    "too large": (with_labels(0, 3, 5, 3), r"from 0 to 2, as there are 3.*'3', '5' for 3 examples.*number 1,"),
    "negative": (with_labels(0, -2, 1, 1), "from 0 to 2.*'-2' for 1 example"),
    "unsigned": (npz(probs=PROBS, labels=np.array([0, 1, 2**63 + 5, 1], np.uint64)), "from 0 to 2"),
    "fractions": (with_labels(0, 0.5, 1, 1), r"Expected class numbers.*Received 0\.5.*1 example \(number 1,"),
    "infinite": (with_labels(0, np.inf, 1, 1), "from 0 to 2.*'inf'"),
    "names": (
        with_labels("cat", "dog", "cat", "1"),
        "Received text such as 'cat', 'dog', which does not tell which column is of which class; name the classes",
    ),
    "an unknown name": (
        npz(probs=PROBS, labels=np.array(["a", "b", "c", "zebra"]), class_names=np.array(["a", "b", "c"])),
        "Expected labels that are classes: 'a', 'b', 'c'. Received 'zebra'; rename them",
    ),
    "multi-hot": (npz(probs=PROBS, labels=np.tri(4, 3)), "several classes or none .multi-label."),
    **{
        f"a list like {odd[:9]}": (
            table("p_0,p_1,label", f'0.5,0.5,"{odd}"', f'1,0,"{odd}"'),
            "several classes or none",
        )
        for odd in ("[{[]: 1}]", "[{0}, {1}]", f"[0x{'f' * 5000}]")
    },
    "no-hot": (npz(probs=PROBS, labels=np.eye(4, 3)), "several classes or none .multi-label."),
    "rows of numbers": (npz(probs=PROBS, labels=PROBS), r"one-hot rows of 0 and 1. Received: \(4, 3\) with other"),
    "rows of another width": (npz(probs=PROBS, labels=np.eye(4)), r"shape \(N,\)\. Received: \(4, 4\)"),
    "too few": (with_labels(0, 1, 1), r"with 3 examples\. Received: \(4, 3\)"),
    "a single number": (npz(probs=PROBS, labels=np.array(1)), r"shape \(N,\)\. Received: \(\)"),
    "complex": (
        npz(probs=PROBS, labels=LABELS * 1j),
        "Expected `labels` as whole numbers or text. Received dtype complex",
    ),
    "not UTF-8": (npz(probs=PROBS, labels=np.array([b"\xff"] * 4)), "Expected text in UTF-8"),
    "OOD of numbers": (npz(probs=PROBS, ood=np.array([0, 1, 2, 0])), "true or false.*`ood`.*for 1 example"),
    "OOD with a gap": (npz(probs=PROBS, ood=np.array([0, 1, np.nan, 0])), "something else or nothing for 1 example"),
    "OOD in words": (table("p_0,p_1,ood", "0.5,0.5,maybe", "1,0,"), "something else or nothing for 2 examples"),
    "OOD of other length": (npz(probs=PROBS, labels=LABELS, ood=OOD[:2]), "4 in `labels` and 2 in `ood`"),
    "too few names": (npz(probs=PROBS[:, [0, 1, 2]], labels=LABELS, class_names=np.array(["a", "b"])), "2 classes"),
    "equal names": (npz(probs=PROBS, class_names=np.array(["a", "b", "a"])), "3 different names.*'a', 'b', 'a'"),
    "an empty name": (npz(probs=PROBS, class_names=np.array(["a", "b", " "])), "3 different names"),
    "numbers as names": (npz(probs=PROBS, class_names=np.arange(3)), "`class_names` as text. Received dtype int64"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_column_is_refused_in_one_sentence(name: str) -> None:
    refused(*BAD[name])


def two(*labels: Any) -> tuple[list[int], tuple[str, ...], tuple[str, ...]]:
    """Labels, class names and notes of a table of two classes."""
    mine = read(table("p_0,p_1,label", *(f"0.5,0.5,{label}" for label in labels)))
    assert mine.labels is not None
    return mine.labels.tolist(), mine.class_names, mine.notes


def test_labels_that_are_no_numbers_from_0_are_read_where_they_can_be_nothing_else() -> None:
    assert two(-1, 1, -1) == ([0, 1, 0], ("0", "1"), ("Labels -1 and 1 were read as class 0 and class 1.",))
    assert two(1, 2, 1) == (
        [0, 1, 0],
        ("0", "1"),
        ("Labels 1 to 2 were read as counted from 1: 1 is the first class.",),
    )
    assert two("True", "False") == (
        [1, 0],
        ("False", "True"),
        ("Labels: 'True' was read as class 1, the others as class 0.",),
    )
    assert two("neg", "pos")[:2] == ([0, 1], ("neg", "pos"))
    assert two("2:b", "1:a")[:2] == ([1, 0], ("a", "b"))
    mine = read(npz(probs=PROBS, labels=np.array([1, 2, 3, 3])))
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, 1, 2, 2]
    assert mine.notes == ("Labels 1 to 3 were read as counted from 1: 1 is the first class.",)
    refused(table("p_0,p_1,label", "0.5,0.5,-1", "0.5,0.5,0", "1,0,1"), "none, or -1, for 1 example")


@pytest.mark.parametrize("dtype", [bool, np.int8, float])
def test_one_hot_rows_are_classes(dtype: Any) -> None:
    mine = read(npz(probs=PROBS, labels=np.eye(3)[LABELS].astype(dtype)))
    assert mine.labels is not None
    assert mine.labels.tolist() == LABELS.tolist()
    assert mine.notes == ("One-hot labels were read as classes.",)


def test_names_are_matched_up_to_what_stands_between_words() -> None:
    rows = ("0.9,0.1,Iris-setosa", "0.2,0.8,Iris versicolor")
    mine = read(table("Iris.setosa,Iris.versicolor,label", *rows))
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, 1]
    assert any("matched with the classes up to what stands between words" in note for note in mine.notes)


UNFIT = {
    "a numbered class of thousands of digits": (
        table("a,b,label", "0.1,0.9,2:y", f"0.9,0.1,{'9' * 5000}:x"),
        "labels that are classes: 'a', 'b'",
    ),
    "text of unnamed classes": (
        table("p_0,p_1,label", "0.5,0.5,cat", "0.5,0.5,dog"),
        "which of them is class 0 and which",
    ),
    "more texts than classes": (
        table("p_0,p_1,label", *(f".5,.5,{t}" for t in "abc")),
        "of 2 classes.* Received 3 different",
    ),
    "lists of classes": (
        table("p_0\tp_1\tlabel", '0.5\t0.5\t["a", "b"]', '0.5\t0.5\t["a"]'),
        "several classes or none",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_labels_that_do_not_fit_are_one_sentence(name: str) -> None:
    refused(*UNFIT[name])


def test_numbers_that_are_names_of_classes() -> None:
    mine = read(npz(probs=PROBS, labels=np.array([3, 5, 7, 5]), class_names=np.array(["3", "5", "7"])))
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, 1, 2, 1]
