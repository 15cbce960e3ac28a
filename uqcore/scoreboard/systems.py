"""Who stands on the board: every method, and the controls that say what needs no training, no network, nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from uqcore.methods import EVERY_METHOD
from uqcore.scoreboard.results import Result
from uqcore.store import Store
from uqcore.types import ModelRecord, UqError


@dataclass(frozen=True)
class System:
    """A method or control.

    Attributes:
        system_id, label: for code and for people.
        summary: one sentence for people.
        control: whether it is there for comparison.
        fixed: whether nothing in it is random, so that one run is all there is to know.
        one_pass: whether an input costs one pass of a network at most.
    """

    system_id: str
    label: str
    summary: str
    control: bool = False
    fixed: bool = False
    one_pass: bool = True


SYSTEMS: Mapping[str, System] = {
    system.system_id: system
    for system in (
        *(
            System(each.method_id, each.label, each.summary, one_pass=not each.several_passes)
            for each in EVERY_METHOD.values()
        ),
        System(
            "density_ensemble",
            "Feature density, 3 networks",
            "Three networks: their mean probabilities, and the mean of their feature densities' scores.",
            one_pass=False,
        ),
        System(
            "odder_ensemble",
            "Entropy and distance, 5 networks",
            "The deep ensemble; of its entropy and the mean of its members' densities, the odder by validation.",
            one_pass=False,
        ),
        System(
            "untrained",
            "Untrained network",
            "The network as training finds it, and the feature density of what it makes of the training data.",
            control=True,
        ),
        System(
            "pixel_neighbour",
            "Pixels: nearest neighbour",
            "Distance to the nearest of 10,000 training inputs, each of length 1; no network.",
            control=True,
        ),
        System(
            "pixel_mahalanobis",
            "Pixels: Mahalanobis",
            "Mahalanobis distance from the training inputs' mean; no network.",
            control=True,
            fixed=True,
        ),
        System(
            "pixel_pca",
            "Pixels: PCA residual",
            "What 64 principal components of the training inputs leave of an input; no network.",
            control=True,
            fixed=True,
        ),
        System("chance", "Chance", "Every class alike, and a score that knows nothing.", control=True, fixed=True),
    )
}


ON_NETWORK = tuple(method_id for method_id, each in EVERY_METHOD.items() if each.on_network)
"""The methods that read what one plain network shows."""

ENSEMBLES = ("deep_ensemble", "density_ensemble", "odder_ensemble")
"""The methods that read what is kept of several plain networks."""

N_NETWORKS, N_MEMBERS, N_DENSITIES = 10, 5, 3
_STREAM = 7  # Keeps the choice of members apart from other random numbers with the same seed.


def sources(method: str, seed: int) -> list[tuple[str, int]]:
    """The trained models, as (method, seed), that a system of that seed is made of; none of a control.

    Ensembles of five are drawn from ten shared networks, so two of them may have members in common and their intervals
    are a little too narrow. Those of three stand beside each other in the ten, with one in common.
    """
    if method == "density_ensemble":
        return [("deterministic", (2 * seed + i) % N_NETWORKS) for i in range(N_DENSITIES)]
    if method in ENSEMBLES:
        order = np.random.default_rng([seed, _STREAM]).permutation(N_NETWORKS)
        return [("deterministic", i) for i in sorted(order[:N_MEMBERS].tolist())]
    if method == "mc_dropout" or method in ON_NETWORK:
        return [("deterministic", seed)]
    return [] if method not in EVERY_METHOD else [(method, seed)]


UNMEASURED = "No seed of it was measured; `python -m uqcore scoreboard --run` trains and measures five."


def unmeasured(results: Sequence[Result], task: str) -> list[System]:
    """The methods that learn ``task`` and have no result on it."""
    there = {result.method for result in results if result.task == task}
    return [SYSTEMS[name] for name, each in EVERY_METHOD.items() if task in each.configs and name not in there]


def fingerprint(records: Sequence[ModelRecord]) -> str:
    """Twelve digits that change with any file of the models; "" of none."""
    digests = "".join(file.sha256 for record in records for file in record.files)
    return sha256(digests.encode()).hexdigest()[:12] if digests else ""


def stale(result: Result, store: Store) -> tuple[int, ...]:
    """The seeds of which the store has other models than were measured.

    Models that are not in the store (few seeds are committed) cannot have changed there.
    """
    changed = []
    for seed, known in zip(result.seeds, result.models, strict=True):
        try:
            records = [store.find(result.task, *source) for source in sources(result.method, seed)]
        except UqError:
            continue
        if fingerprint(records) != known:
            changed.append(seed)
    return tuple(changed)


def stale_said(those: Mapping[str, Sequence[int]]) -> str:
    """A sentence about methods with their `stale` seeds; "" of none."""
    named = ", ".join(
        f"{SYSTEMS[method].label} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"
        for method, seeds in those.items()
        if seeds
    )
    return named and (
        f"Measured with other models than those stored now: {named}. Run `python -m uqcore scoreboard --run`."
    )
