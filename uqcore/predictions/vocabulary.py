"""The words by which columns and arrays are known: for values, labels, predictions, ids and the like."""

from __future__ import annotations

import re

from uqcore.predictions.raw import plain

PROB = ("probability", "probabilities", "probs", "prob", "probas", "proba", "softmax", "posterior", "pr", "p")
LOGIT = ("logits", "logit")
_WEAK = ("scores", "score", "confidence", "conf", "predictions", "prediction", "predict", "predicted", "preds", "pred")
_WEAKER = ("outputs", "output", "class", "yhat", "oof")
_ALL = frozenset((*PROB, *LOGIT, *_WEAK, *_WEAKER))
_WORDS = "|".join(sorted(_ALL, key=len, reverse=True))
# Each takes a time that grows with a name's length, not with its square: a file may have names of any length.
_CLASS = r"(?:[\W_](?P<minus>-\d+[\])]*)|[\W_]+(?P<name>[^\W_].*)|(?P<number>\d+[\])]*))"
_HOW = re.IGNORECASE | re.DOTALL
BEFORE = re.compile(rf"(?P<key>(?:.*[\W_])?(?P<word>{_WORDS})){_CLASS}", _HOW)
"""A word of values before the name of a class, as in ``p_cat``, ``P0`` or ``.pred_cat``; the last such word. Of
``p[cat]`` the name still has its bracket, see `class_in`."""
FIRST_BEFORE = re.compile(rf"(?P<key>(?:.*?[\W_])??(?P<word>{_WORDS})){_CLASS}", _HOW)
"""The first such word, for a class that is called by one."""
AFTER = re.compile(rf"(?P<name>.*[^\W_])[\W_]+(?P<key>(?P<word>{_WORDS}))", _HOW)
"""One after it, as in ``cat_prob``."""
WHOLE = re.compile(r"\d{1,6}(\.0)?")

LABELS = (
    ("label", "labels"),
    ("y_true", "true_label", "ytrue", "truth", "ground_truth", "groundtruth", "gt", "gold", "actual", "actuals", "obs"),
    ("observed", "true", "true_class", "actual_class", "actual_label", "true_labels", "label_true", "gt_label"),
    ("target", "targets", "y", "y_test", "y_val", "y_valid", "class", "class_label", "labelid", "label_id", "outcome"),
    ("category", "species", "diagnosis", "response", "classes", "given_label"),
)
"""Of several columns that may be the label, those of the first line that has one."""
LABEL_WORDS = frozenset(("label", "target", "truth", "true", "actual", "gt", "outcome"))
PREDICTED_WORDS = frozenset(
    ("predict", "predicted", "prediction", "predictions", "preds", "pred", "yhat", "hat", "argmax", "top1", "decision")
)
OOD = ("ood", "is_ood", "unseen", "is_unseen", "out_of_distribution", "outofdistribution", "is_out_of_distribution")
INDEX = (
    "",
    "index",
    "unnamed_0",
    "index_level_0",
    "rownames",
    "row",
    "rowindex",
    "row_index",
    "inst",
    "rowid",
    "row_id",
)
_IDS = ("id", "ids", "uuid", "guid", "key", "filename", "file_name", "file", "path", "filepath", "image", "image_path")
GROUPS = (
    "group",
    "groups",
    "subgroup",
    "slice",
    "segment",
    "cohort",
    "stratum",
    "site",
    "hospital",
    "domain",
    "region",
)
PEOPLE = ("sex", "gender", "race", "ethnicity", "age_group")
WEIGHTS = ("weight", "weights", "sample_weight", "sample_weights", "case_weight", "case_weights")
TIMES = ("time", "timestamp", "date", "datetime", "event_time", "created_at", "ts")

MODELS = ("model", "model_name", "model_id", "classifier", "estimator", "algorithm", "learner", "method", "run")


def class_in(match: re.Match[str]) -> str:
    """The name of the class that one of the patterns found."""
    parts = match.groupdict()
    name = parts.get("minus") or parts["name"] or parts["number"]
    return name.rstrip("])" if match.re is not AFTER else "").strip()


def word_of(header: str) -> str:
    """The last word of a name that says what the values are; empty if there is none."""
    words = [word for word in plain(header).split("_") if word in _ALL or word.rstrip("0123456789") in _ALL]
    sure = [word for word in words if word in PROB or word in LOGIT]
    last = (sure or words or [""])[-1]
    return last if last in _ALL else last.rstrip("0123456789")


def is_value_word(text: str) -> bool:
    """Whether it is nothing but a word that says what values are, such as ``prob``."""
    return plain(text) in _ALL


def strength(header: str) -> int:
    """How sure a name says that it holds values: 2 by a word such as prob or logit, 1 by one such as score, 0."""
    return strength_of_word(word_of(header))


def strength_of_word(word: str) -> int:
    return 2 if word in PROB or word in LOGIT else 1 if word in _ALL else 0


def is_documented(header: str) -> bool:
    """Whether it is ``p_0``, ``logit_0`` and so on."""
    return re.fullmatch(r"(?i)\s*(p|logit)_\d{1,6}\s*", header) is not None


def is_label(header: str) -> bool:
    return any(plain(header) in names for names in LABELS)


def is_id(header: str) -> bool:
    name = plain(header)
    return name in _IDS or name.split("_")[-1] in ("id", "uuid")


def is_role(header: str) -> bool:
    """Whether it is the name of a label, a mark, an id, a weight, a time or a group."""
    name = plain(header)
    return bool(name) and (
        is_label(header) or any(name in names for names in (OOD, INDEX, _IDS, WEIGHTS, TIMES, GROUPS))
    )
