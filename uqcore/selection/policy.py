"""`ThresholdPolicy`: a threshold to take home, in a small JSON file that an application applies with NumPy alone.

A person may have edited the file and an application relies on it, so every field is checked: one too many, a wrong
type, a number that is not finite or a promise that does not fit the procedure is an error of one sentence.
"""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore import strict_json as check
from uqcore.metrics.classification import checked_measure, checked_probs
from uqcore.metrics.uncertainty import MEASURES, Need
from uqcore.selection.checks import checked_class_of_each
from uqcore.selection.groups import group_name
from uqcore.selection.heldout import Estimate
from uqcore.types import Draws, FloatArray, UqError

VERSION = 1
TARGET_KINDS = ("risk", "cost", "coverage", "ood_accepted", "manual")
CERTIFYING = ("sgr", "ltt", "betting")
PROCEDURES = (*CERTIFYING, "cost", "coverage", "ood", "manual")

_WORDS = {"accept all": math.inf, "defer all": -math.inf}  # JSON has no numbers for them
_MORE_THAN_PROBS: dict[Need, str] = {"logits": "the logits", "score": "the inputs, as its method does,"}
_LARGEST_FILE = 2**22  # bytes, enough for 100,000 classes
_CHUNK_NUMBERS = 2**18  # measured at once, so that many examples need little more memory than they take themselves


@dataclass(frozen=True)
class Target:
    """What was asked for.

    Attributes:
        kind: one of `TARGET_KINDS`.
        value: the risk, the coverage or the share of OOD accepted, in 0..1; for ``"cost"`` the expected cost per 1,000
            examples that was reached; None for ``"manual"``.
        sentence: the same in words.
    """

    kind: str
    value: float | None
    sentence: str

    def __post_init__(self) -> None:
        check.one_of("target.kind", self.kind, TARGET_KINDS)
        check.text("target.sentence", self.sentence)
        if self.kind == "manual":
            check.nothing("target.value", self.value)
        else:
            limits = (-math.inf, math.inf) if self.kind == "cost" else (0, 1)
            object.__setattr__(self, "value", check.number("target.value", self.value, *limits))


@dataclass(frozen=True)
class ThresholdPolicy:
    """Accept where ``measure <= threshold``, defer the rest: the rule, what it promises, and on what evidence.

    Attributes:
        measure: its id in `MEASURES`.
        thresholds: one for all examples, or K: one for each PREDICTED class, or one for each of ``groups``. Infinity
            accepts all, minus infinity none.
        n_classes: K.
        target: what was asked for.
        procedure: how the thresholds were chosen, one of `PROCEDURES`.
        certified: whether P(risk <= target) >= 1 - delta was proven, over the draw of the calibration examples.
        delta: the probability with which the procedure may break its promise; None where it makes none.
        n_calibration: on how many examples the thresholds were chosen.
        n_test: on how many others they were judged.
        coverage, risk: expected share of examples accepted, and of the accepted that is wrong, with intervals; None
            where they are not known, which NaN becomes.
        confidence: of the intervals, each by itself.
        created: the day, ``YYYY-MM-DD``.
        fingerprint: SHA-256 of the predictions it was chosen on.
        version: of the file's format.
        roles: which columns of the file of predictions were what, as `uqcore.predictions.Roles.to_dict` has it, so that
            the next file is read alike; None where they have the documented names. The rule does not depend on it.
        groups: the names of the groups that have a threshold each; what is of any other group is deferred. None where
            the rule does not ask for a group.

    Raises:
        UqError: a field has another type, is out of range, or does not fit another one.
    """

    measure: str
    thresholds: tuple[float, ...]
    n_classes: int
    target: Target
    procedure: str
    certified: bool
    delta: float | None
    n_calibration: int
    n_test: int
    coverage: Estimate | None
    risk: Estimate | None
    confidence: float
    created: str
    fingerprint: str
    version: int = VERSION
    roles: Mapping[str, Any] | None = field(default=None, hash=False)
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check.one_of("version", self.version, [VERSION])
        check.one_of("measure", self.measure, MEASURES)
        check.one_of("procedure", self.procedure, PROCEDURES)
        check.boolean("certified", self.certified)
        check.iso_date("created", self.created)
        check.sha256("fingerprint", self.fingerprint)
        if self.roles is not None:
            check.json_map("roles", self.roles)
        if self.groups is not None:
            names = tuple(check.text("groups", name) for name in self.groups)
            if len({*names}) != len(names):
                raise UqError("`groups` must have different names. Received one of them twice.")
            object.__setattr__(self, "groups", names)
        plain = {
            "thresholds": tuple(_checked_threshold(value) for value in self.thresholds),
            "n_classes": check.integer("n_classes", self.n_classes, least=2),
            "n_calibration": check.integer("n_calibration", self.n_calibration, least=0),
            "n_test": check.integer("n_test", self.n_test, least=0),
            "delta": None if self.delta is None else check.number("delta", self.delta, 0, 1),
            "confidence": check.number("confidence", self.confidence, 0, 1),
            "coverage": _checked_estimate("coverage", self.coverage),
            "risk": _checked_estimate("risk", self.risk),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        self._check_together()

    def _check_together(self) -> None:
        if self.groups is not None:
            if len(self.thresholds) != len(self.groups):
                raise UqError(
                    f"`thresholds` must be one for each of the {len(self.groups)} `groups`. "
                    f"Received: {len(self.thresholds)}."
                )
        elif len(self.thresholds) not in (1, self.n_classes):
            raise UqError(
                f"`thresholds` must be 1 number, or {self.n_classes}: one for each predicted class. "
                f"Received: {len(self.thresholds)}."
            )
        if "two classes" in self._needs and self.n_classes != 2:
            raise UqError(f"The measure {self.measure} needs `n_classes` to be 2. Received: {self.n_classes}.")
        if (self.delta is not None) != (self.procedure in CERTIFYING) or self.delta in (0, 1):
            raise UqError(
                f"`delta` must be between 0 and 1 for {' and '.join(CERTIFYING)}, which promise something, and null "
                f"for every other procedure. Received: {self.delta} for {self.procedure}."
            )
        if self.certified and (self.delta is None or self.target.kind != "risk"):
            raise UqError(
                f"`certified` must be false unless {' or '.join(CERTIFYING)} was asked for a risk. "
                f"Received: true for {self.procedure} and the target {self.target.kind}."
            )

    @property
    def _needs(self) -> frozenset[Need]:
        return MEASURES[self.measure].needs

    def decide(self, probs: ArrayLike, group: ArrayLike | None = None) -> NDArray[np.bool_]:
        """Whether to accept each of N examples, ``(N,)`` bool; the others are deferred.

        Args:
            probs: predictive probabilities ``(N, K)``, or those of the samples ``(S, N, K)``, whose mean is then the
                prediction. For a method with a closed form (SNGP) give its predictive probabilities. They are taken as
                float32, in which the threshold was chosen: float64 and its float32 copy, rows in any order in memory,
                one at a time or all at once give the same decisions.
            group: ``(N,)`` text, which group each is of, for a policy with ``groups``. One that it does not know is
                deferred.

        Raises:
            UqError: these are not probabilities of K classes, or the measure cannot be computed from them.
        """
        values = checked_probs(probs, self.n_classes)
        samples = values if values.ndim == 3 else values[None]
        if self._needs & _MORE_THAN_PROBS.keys():
            (source,) = (of for need, of in _MORE_THAN_PROBS.items() if need in self._needs)
            raise UqError(
                f"This policy's measure, {self.measure}, cannot be computed from probabilities; "
                f"compute it from {source} and call `decide_measured`."
            )
        if "samples" in self._needs and len(samples) < 2:
            raise UqError(
                f"This policy's measure, {self.measure}, needs the probabilities of 2 or more samples, of shape "
                f"(samples, examples, classes). Received: {values.shape}."
            )
        step = max(1, _CHUNK_NUMBERS // (len(samples) * self.n_classes))
        starts = range(0, max(samples.shape[1], 1), step)
        limits = None if self.groups is None else self._limits(group, samples.shape[1])
        some = [
            self._decide_some(samples[:, i : i + step], None if limits is None else limits[i : i + step])
            for i in starts
        ]
        return np.concatenate(some)

    def _decide_some(self, samples: FloatArray, limits: NDArray[np.float64] | None) -> NDArray[np.bool_]:
        draws = Draws(logits=np.empty(0), sample_probs=samples)
        measure = MEASURES[self.measure].compute(draws)
        if limits is not None:
            return measure <= limits
        return self.decide_measured(measure, draws.predictive.argmax(axis=-1))

    def _limits(self, group: ArrayLike | None, n: int) -> NDArray[np.float64]:
        """The threshold of each example's group; minus infinity, which defers it, of a group that is not known."""
        assert self.groups is not None
        if group is None:
            raise UqError(
                f"This policy has a threshold for each of {len(self.groups)} groups: give `group`, which group each "
                f"example is of."
            )
        texts = [group_name(text) for text in np.asarray(group).tolist()]
        if len(texts) != n:
            raise UqError(f"`group` must hold one group for each of {n:,} examples. Received: {len(texts):,}.")
        of = dict(zip(self.groups, self.thresholds, strict=True))
        return np.array([of.get(text, -math.inf) for text in texts])

    def decide_measured(
        self, measure: ArrayLike, predicted: ArrayLike | None = None, group: ArrayLike | None = None
    ) -> NDArray[np.bool_]:
        """`decide` for those who have the measure ``(N,)`` and, with thresholds per class, ``predicted (N,)``, or, with
        thresholds by group, ``group (N,)``.

        Raises:
            UqError: a shape or a value does not fit, or the classes or groups are needed and not given.
        """
        values = np.asarray(measure, dtype=np.float64)
        if values.shape != (0,):
            values = checked_measure(values)
        if self.groups is not None:
            return values <= self._limits(group, len(values))
        if len(self.thresholds) == 1:
            return values <= self.thresholds[0]
        if predicted is None:
            raise UqError("This policy has a threshold for each class: give `predicted`, the predicted classes.")
        classes = checked_class_of_each(predicted, len(values), self.n_classes, "predicted")
        return values <= np.array(self.thresholds)[classes]

    def to_json(self) -> str:
        """The file's text: JSON with sorted, indented fields. Every number comes back exactly as it was."""
        words = {number: word for word, number in _WORDS.items()}
        content = asdict(self) | {
            "thresholds": [words.get(number, number) for number in self.thresholds],
            "coverage": None if self.coverage is None else self.coverage._asdict(),
            "risk": None if self.risk is None else self.risk._asdict(),
        }
        if self.roles is None:  # as it was before there were any
            del content["roles"]
        if self.groups is None:
            del content["groups"]
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The policy that `to_json` wrote, every field checked.

        Raises:
            UqError: the text is not that of a policy; the sentence names the field.
        """
        content = check.json_object(text, _LARGEST_FILE)
        if "version" in content:
            check.one_of("version", content["version"], [VERSION])  # first: another one may have other fields
        check.names("A policy", content.keys() | {"roles", "groups"}, [field.name for field in fields(cls)])
        thresholds = check.json_list("thresholds", content["thresholds"])
        target = check.json_fields("target", content["target"], [field.name for field in fields(Target)])
        estimates = {
            name: Estimate(**check.json_fields(name, content[name], Estimate._fields))
            for name in ("coverage", "risk")
            if content[name] is not None
        }
        if content.get("groups") is not None:
            content = {**content, "groups": tuple(check.json_list("groups", content["groups"]))}
        read = {"thresholds": tuple(_from_word(value) for value in thresholds), "target": Target(**target)}
        return cls(**{**content, **read, **estimates})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all; one that is there is replaced. UqError: it cannot be written."""
        try:
            target = Path(os.path.realpath(path))  # a link is followed, not replaced
            temporary = target.parent / f".{target.name}.{secrets.token_hex(8)}"
            try:
                with temporary.open("x", encoding="utf-8", newline="\n") as handle:
                    handle.write(self.to_json())
                    handle.flush()
                    os.fsync(handle.fileno())
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        except (OSError, ValueError) as error:  # a path with a null character is a ValueError
            why = error.strerror if isinstance(error, OSError) else error
            raise UqError(f"The policy cannot be written to {path}: {why}.") from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote. UqError: it cannot be read, or as `from_json`."""
        try:
            with Path(path).open("rb") as handle:
                content = handle.read(_LARGEST_FILE + 1)
        except (OSError, ValueError) as error:
            raise UqError(f"The policy cannot be read: {error}.") from None
        try:
            return cls.from_json(content)
        except UqError as error:
            raise UqError(f"{path} is not a policy that can be used: {error}") from None

    def snippet(self, filename: str) -> str:
        """The lines of Python that apply this policy, saved as ``filename``, to probabilities in ``probs.npy``."""
        if self._needs & _MORE_THAN_PROBS.keys():
            given = [
                f'measure = np.load("{self.measure}.npy")  # (examples,)',
                'predicted = np.load("predicted.npy")  # (examples,) the most probable class',
            ]
            call = "decide_measured(measure, predicted)"
        else:
            several = f"(samples, examples, {self.n_classes})"
            shape = several if "samples" in self._needs else f"(examples, {self.n_classes}) or {several}"
            given, call = [f'probs = np.load("probs.npy")  # {shape}'], "decide(probs)"
        if self.groups is not None:
            given.append('group = np.load("group.npy")  # (examples,) which group each is of, as text')
            call = f"{call[:-1]}, group=group)"
        lines = [
            "import numpy as np",
            "",
            "from uqcore import ThresholdPolicy",
            "",
            f"policy = ThresholdPolicy.load({filename!r})",
            *given,
            f"accept = policy.{call}  # (examples,) True: use the prediction, False: defer",
        ]
        return "\n".join(lines) + "\n"


def _checked_threshold(value: object) -> float:
    if isinstance(value, float | np.floating) and np.isinf(value):
        return float(value)
    return check.number("thresholds", value)


def _from_word(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in _WORDS:
        words = " or ".join(f'"{word}"' for word in _WORDS)
        raise UqError(f"`thresholds` must hold numbers, {words}. Received: {value[:40]!r}.")
    return _WORDS[value]


def _checked_estimate(name: str, estimate: Estimate | None) -> Estimate | None:
    if estimate is None or (isinstance(estimate.value, float) and math.isnan(estimate.value)):
        return None
    value, low, high = (check.number(f"{name}.{part}", number, 0, 1) for part, number in estimate._asdict().items())
    if not low <= value <= high:
        raise UqError(f"`{name}` must have low <= value <= high. Received: {low}, {value}, {high}.")
    return Estimate(value, low, high)
