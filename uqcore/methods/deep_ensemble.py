"""Deep ensemble: the same network trained from several seeds (Lakshminarayanan et al. 2017, arXiv 1612.01474).

Sample s is member s. The members are deterministic models of their own, so training resumes where it was interrupted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

from uqcore.methods import deterministic
from uqcore.methods.base import Limits, Method, Part, Range, TrainingConfig, network_settings, require


@dataclass(frozen=True)
class Config(TrainingConfig):
    """A member's settings, and how many members there are."""

    LIMITS: ClassVar[Limits] = {**TrainingConfig.LIMITS, "n_members": Range(2, 20)}
    n_members: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.n_members >= 2, "n_members", "at least 2", self.n_members)


CONFIGS = {task: Config(**asdict(config)) for task, config in deterministic.CONFIGS.items()}


def parts(config: Config, seed: int) -> tuple[Part, ...]:
    """Ensemble ``seed`` has the deterministic models ``seed * n_members`` and following: ensembles share no member."""
    first = seed * config.n_members
    return tuple(Part("deterministic", first + i, network_settings(config)) for i in range(config.n_members))


METHOD = Method(
    method_id="deep_ensemble",
    label="Deep ensemble",
    summary="Several networks trained from different starting points. A sample is one member.",
    configs=CONFIGS,
    load=deterministic.load,
    parts=parts,
    several_passes=True,
)
