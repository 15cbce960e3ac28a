"""What a method is: a configuration per task, how to fit it, and how to load what fitting left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple, Protocol

from uqcore.types import Dataset, Fitted, Posterior, Report, Split, Tick, UqError, Weights

SCHEDULES = ("constant", "cosine")
_LONGEST = 200  # characters of what a sentence quotes
REFIT_STREAM = 4
"""Keeps the random numbers of `Refit` apart from those of the methods' samples with the same seed."""


class Range(NamedTuple):
    """The least and the most that a setting may be on a server that many share, and how people call it."""

    least: float
    most: float
    label: str = ""

    def __str__(self) -> str:
        return f"from {_shown(self.least)} to {_shown(self.most)}"


def _shown(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() and abs(value) >= 1000 else f"{value:g}"


Limits = Mapping[str, Range | tuple[str, ...]]


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained. Every method's configuration has these settings and may add its own, with their
    ``LIMITS``: setting -> what it may be on a server that many share, a range or the words to choose from.

    Attributes:
        epochs, batch_size, learning_rate: of Adam.
        schedule: ``constant``, or ``cosine`` (one warm-up epoch, then down to 0).
        weight_decay: decoupled (AdamW); 0 is plain Adam.
        augment: small random rotations, scalings and shifts of the training images.
    """

    LIMITS: ClassVar[Limits] = {
        "epochs": Range(1, 3000),
        "batch_size": Range(8, 4096),
        "learning_rate": Range(1e-6, 1),
        "schedule": SCHEDULES,
        "weight_decay": Range(0, 10),
    }
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 1e-4
    schedule: str = "constant"
    weight_decay: float = 0.0
    augment: bool = False

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "epochs", "at least 1", self.epochs)
        require(self.batch_size >= 1, "batch_size", "at least 1", self.batch_size)
        require(self.learning_rate > 0, "learning_rate", "above 0", self.learning_rate)
        require(self.weight_decay >= 0, "weight_decay", "at least 0", self.weight_decay)
        require(self.schedule in SCHEDULES, "schedule", "one of " + ", ".join(SCHEDULES), self.schedule)


def require(holds: bool, name: str, expected: str, came: object) -> None:
    """Raises the error of a setting that is out of range."""
    if not holds:
        raise UqError(f"The setting {name} must be {expected}. Received: {name}={_short(came)}")


def _short(came: object) -> str:
    """A setting of a link, in one line: it may be a megabyte."""
    text = " ".join(str(came).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(frozen=True)
class Part:
    """A model whose arrays another one is made of, e.g. a member of an ensemble."""

    method_id: str
    seed: int
    config: TrainingConfig


Shapes = Mapping[str, tuple[int | None, ...]]
"""Array's name -> its shape, None for a length that is the data's."""


class Fit(Protocol):
    def __call__(
        self, task: str, config: Any, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]
    ) -> Fitted: ...


class Refit(Protocol):
    """Fits a regression model of the method again to other data, without TensorFlow and in a second or two."""

    def __call__(
        self, task: str, config: Any, seed: int, arrays: Sequence[Weights], data: Split, tick: Tick
    ) -> tuple[TrainingConfig, Sequence[Weights]]: ...


class Load(Protocol):
    def __call__(self, task: str, config: Any, seed: int, arrays: Sequence[Weights]) -> Posterior: ...


@dataclass(frozen=True)
class Method:
    """One way to say what a network does not know.

    Attributes:
        method_id, label: for code and for people.
        summary: one sentence for people: what a sample is.
        configs: task -> default configuration, for the tasks that the method knows: it is left out of the others.
        fit: ``(task, config, dataset, seed, report, parts) -> Fitted``: trains, given the arrays of its ``parts``. None
            for a method that is nothing but its parts. It learns from training data and may choose on validation data.
        load: ``(task, config, seed, arrays) -> Posterior``: the parts' arrays, in their order, then those that ``fit``
            left, to what serves.
        shapes: ``(task, config) -> shapes`` of the arrays that ``fit`` leaves: stored ones are held against them before
            they are used. None for a method without ``fit``.
        parts: ``(config, seed) -> parts``: the models that are trained first; none for a method that starts from
            nothing.
        refit: see `Refit`; not needed where every part has one. Without, the method is left out where data are changed.
        own_measure: the measure (see `uqcore.metrics.uncertainty`) that the method's authors use to tell OOD inputs.
        several_passes: whether an answer takes several passes of a network, one a sample or member.
        on_network: whether it is an `OnNetwork` (`on_features.py`): those of one network are measured together.
        on_pages: whether the pages show it. Else it is on the scoreboard alone, which fits it where it is measured, and
            no model of it is committed.
    """

    method_id: str
    label: str
    summary: str
    configs: Mapping[str, TrainingConfig]
    load: Load
    fit: Fit | None = None
    shapes: Callable[[str, Any], Shapes] | None = None
    refit: Refit | None = None
    parts: Callable[[Any, int], tuple[Part, ...]] = lambda config, seed: ()
    own_measure: str = "predictive_entropy"
    several_passes: bool = False
    on_network: bool = False
    on_pages: bool = True


def network_settings(config: TrainingConfig) -> TrainingConfig:
    """What a configuration says of the network's training, without what its method adds."""
    return TrainingConfig(**{field.name: getattr(config, field.name) for field in fields(TrainingConfig)})


def configure(default: TrainingConfig, settings: Mapping[str, str]) -> TrainingConfig:
    """``default`` with settings given as text, e.g. ``{"epochs": "5"}``, each checked against its field's type."""
    known = {field.name: type(getattr(default, field.name)) for field in fields(default)}
    values: dict[str, Any] = {}
    for name, text in settings.items():
        if name not in known:
            raise UqError(f"Unknown setting {_short(name)!r}. Known settings: {', '.join(known)}.")
        values[name] = parse_setting(name, text, known[name])
    return replace(default, **values)


def config_from_dict(default: TrainingConfig, values: Mapping[str, Any]) -> TrainingConfig:
    """The configuration of a manifest row."""
    if set(values) != set(asdict(default)):
        raise UqError(f"Expected the settings {', '.join(asdict(default))}. Received: {', '.join(values)}.")
    return replace(default, **values)


def parse_setting(name: str, text: str, kind: type) -> Any:
    """A setting of type ``kind`` (int, float, bool or str) given as text. UqError: the text is none."""
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        value = kind(text)
        if kind is float and not math.isfinite(value):
            raise ValueError(text)
        return value
    except (ValueError, KeyError):
        expected = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}[kind]
        raise UqError(f"The setting {name} must be {expected}. Received: {name}={_short(text)}") from None
