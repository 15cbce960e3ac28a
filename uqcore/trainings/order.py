"""What a visitor can ask to be trained: task, method, seed and the method's settings, within a server's limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from uqcore.datasets import load
from uqcore.methods import METHODS, method
from uqcore.methods.base import Range, TrainingConfig, require
from uqcore.models.training import model_id, stages
from uqcore.networks import NETWORKS, output_shapes
from uqcore.store import default_store
from uqcore.trainings.estimate import START_S, Expected, after_s, fit_s
from uqcore.trainings.visit import YOURS, may_save
from uqcore.types import UqError

MOST_S = 4 * 3600.0
"""What a training may be expected to take."""

MOST_SEED = 10**6


def allowed(task: str, config: TrainingConfig, name: str) -> Range | tuple[str, ...] | None:
    """What a setting of a configuration may be, a range or words; None where its method alone sets limits."""
    if name == "features":  # by the layer, of those whose output is a vector; "" is the last one
        return ("", *(layer for layer, shape in output_shapes(NETWORKS[task]).items() if len(shape) == 1))
    return config.LIMITS.get(name)


def takes_images(task: str) -> bool:
    return len(NETWORKS[task].input_shape) == 3


@dataclass(frozen=True)
class Order:
    """One model to be trained.

    Raises:
        UqError: the method does not know the task, a setting is out of its range, or it would take too long.
    """

    task: str
    method_id: str
    seed: int
    config: TrainingConfig

    def __post_init__(self) -> None:
        usual = method(self.method_id).configs.get(self.task)
        if type(usual) is not type(self.config):
            raise UqError(f"Expected a method of {load(self.task).title}. Received: {self.method_id}.")
        require(0 <= self.seed <= MOST_SEED, "seed", f"from 0 to {MOST_SEED}", self.seed)
        images = takes_images(self.task)
        require(images or not self.config.augment, "augment", "false where inputs are no images", self.config.augment)
        for name, value in asdict(self.config).items():
            limit = allowed(self.task, self.config, name)
            if isinstance(limit, Range):
                require(limit.least <= value <= limit.most, name, str(limit), value)
        if self._fit_s > MOST_S:
            raise UqError(
                f"Expected a training of at most {MOST_S / 3600:g} hours. Received one of about "
                f"{self._fit_s / 3600:.1f}; ask for fewer epochs."
            )

    @property
    def usual(self) -> TrainingConfig:
        """The settings of the model that pages show."""
        return METHODS[self.method_id].configs[self.task]

    @property
    def model_id(self) -> str:
        return model_id(self.task, self.method_id, self.seed, self.config)

    @property
    def changed(self) -> dict[str, object]:
        """The settings that are not the committed model's."""
        usual = asdict(self.usual)
        return {name: value for name, value in asdict(self.config).items() if value != usual[name]}

    @property
    def name(self) -> str:
        """What people call it: what tells it from the committed model."""
        said = [_said(name, value) for name, value in self.changed.items()]
        said += [f"seed {self.seed}"] if self.seed else []
        return f"{METHODS[self.method_id].label}{YOURS}{', '.join(said) or 'trained again'}"

    @cached_property
    def stages(self) -> Mapping[str, int]:
        """Model id -> epochs of all that is fitted, in order."""
        return stages(self.task, self.method_id, self.seed, self.config)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of ``python -m uqcore``."""
        pairs = [f"{name}={value}" for name, value in self.changed.items()]
        command = ("train", "--json", "--until-stdin-ends")
        of_method = ("--task", self.task, "--method", self.method_id, "--seed", str(self.seed))
        beside = ("--tables", "store" if may_save() else "visit", "--beside", str(default_store().root))
        return (*command, *of_method, *beside, *(part for pair in pairs for part in ("--set", pair)))

    @cached_property
    def expected(self) -> Expected:
        """How long it takes, as far as that is known before it starts."""
        after = after_s(self.task, self.method_id, self.config, beside=True, for_store=may_save())
        return Expected(START_S, self._fit_s, after)

    @property
    def _fit_s(self) -> float:
        return fit_s(self.task, self.method_id, self.config, self.stages)


def _said(name: str, value: object) -> str:
    """A setting in words: "30 epochs", "learning rate 0.01", "no dropout"."""
    words = name.removeprefix("n_").replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    if value == 1:
        words = words.removesuffix("s")
    return f"{value} {words}" if name == "epochs" or name.startswith("n_") else f"{words} {value or 'last hidden'}"


def diverged(metrics: Mapping[str, float]) -> bool:
    """Whether a figure is not finite any more: nothing that follows can be stored."""
    return not all(map(math.isfinite, metrics.values()))
