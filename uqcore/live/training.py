"""The training itself: an epoch of every network, surfaces where they are wanted, and exact ones at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from uqcore.live.estimate import refuse_too_long
from uqcore.live.frames import Frame, Trained
from uqcore.live.half import FINAL_SAMPLES
from uqcore.live.pupils import diverged, places
from uqcore.live.setting import Setting
from uqcore.live.team import Team
from uqcore.networks.backward import Figures

__all__ = ["FINAL_SAMPLES", "N_FRAMES", "Wanted", "every", "train"]

N_FRAMES = 25

Wanted = Callable[[int], bool]
"""Whether the surfaces after an epoch are to be drawn. What is learned does not depend on it."""


def every(setting: Setting) -> Wanted:
    """The first epoch, the last, and about `N_FRAMES` evenly between: the same ones every time."""
    step = max(1, setting.epochs // N_FRAMES)
    return lambda epoch: epoch == 1 or epoch == setting.epochs or epoch % step == 0


def train(setting: Setting, wanted: Wanted | None = None, team: Team | None = None) -> Iterator[Frame | Trained]:
    """A `Frame` after every epoch, with surfaces after those that are ``wanted`` (`every`), and `Trained` at last.

    All networks learn an epoch, by the ``team`` of one process or two, and then all surfaces are drawn. How many
    processes changes no bit: each network has its own random numbers. BLAS should use one thread.

    Raises:
        UqError: the setting takes too long, or a method diverges.
    """
    refuse_too_long(setting)
    wanted, team = wanted or every(setting), team or Team(setting)
    before_s = team.cpu_s()
    for epoch in range(1, setting.epochs + 1):
        figures = _figures(setting, team.learn(), epoch)
        drawn = team.surfaces(epoch) if wanted(epoch) else {}
        thresholds = {name: drawn[name].threshold for name in setting.methods if drawn}
        tables = {name: drawn[name].table for name in setting.methods if drawn}
        yield Frame(setting, figures, thresholds, tables, epoch)
    yield _trained(setting, team, figures, before_s)


def _figures(setting: Setting, of_place: Mapping[int, Figures], epoch: int) -> dict[str, Figures]:
    """Of each method; of an ensemble the members' means."""
    figures = {name: _mean([of_place[place] for place in own]) for name, own in places(setting).items()}
    for method_id, figure in figures.items():
        if not np.isfinite(figure.loss):
            raise diverged(method_id, epoch, f"a loss of {figure.loss}")
    return figures


def _mean(figures: list[Figures]) -> Figures:
    return Figures(*(float(np.mean(values)) for values in zip(*figures, strict=True)))


def _trained(setting: Setting, team: Team, figures: Mapping[str, Figures], before_s: float) -> Trained:
    networks, finished = team.finish()
    return Trained(
        setting,
        figures,
        {name: finished[name].drawn.threshold for name in setting.methods},
        {name: finished[name].drawn.table for name in setting.methods},
        {name: tuple(networks[place] for place in own) for name, own in places(setting).items()},
        {name: finished[name].outcome for name in setting.methods},
        team.cpu_s() - before_s,
    )
