"""The speed of training the network of the SNGP tutorial, beside Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

from uqcore import datasets
from uqcore.bench.contest import Contest
from uqcore.live import PRESETS, Setting, Trained, train
from uqcore.methods import METHODS

_KERAS = all(find_spec(name) is not None for name in ("tensorflow", "tf_keras", "official"))
SMALLER = replace(PRESETS["tutorial"], n_members=3, svi_epochs=1)
"""The tutorial's, with three members and SVI for as many epochs as the others: Keras would take minutes for all."""


def one_network(epochs: int | None = None) -> Contest:
    """From nothing, with the tutorial's points and settings; a new seed in every run."""
    setting = replace(PRESETS["tutorial"], methods=("deterministic",))
    setting = replace(setting, epochs=epochs or setting.epochs)
    note = f"naive: Keras's fit, which validates every epoch; our loss of seed 0 {_ours(setting, 0):.3f}"
    return Contest(lambda i: _ours(setting, i), (lambda i: _keras(setting, i)) if _KERAS else None, note)


def all_methods(setting: Setting = SMALLER) -> Contest:
    """Every method that two moons trains live, from nothing to its answers about the plane; CPU seconds."""
    note = (
        f"CPU seconds of all cores, one run of {setting.epochs} epochs and {setting.n_members} members; naive: Keras's "
        "fit of each network, which validates every epoch; to beat: a quarter"
    )
    naive = (lambda i: _keras(setting, i)) if _KERAS else None
    return Contest(lambda i: _ours(setting, i), naive, note, n_runs=1, clock=time.process_time)


def _ours(setting: Setting, i: int) -> float:
    """The loss of the first method."""
    *_, last = train(replace(setting, seed=i), lambda epoch: False)
    assert isinstance(last, Trained)
    return last.figures[setting.methods[0]].loss


def _keras(setting: Setting, i: int) -> float:
    """The same networks, each by its method's own fit; the loss of the first."""
    data, losses = datasets.load("moons", i), []
    n_plain = setting.n_members if "deep_ensemble" in setting.methods else 1
    jobs = [("deterministic", i * n_plain + k, setting.epochs) for k in range(n_plain)]
    jobs += [("sngp", i, setting.epochs)] if "sngp" in setting.methods else []
    jobs += [("svi_flipout", i, setting.epochs * setting.svi_epochs)] if "svi_flipout" in setting.methods else []
    for method_id, seed, epochs in jobs:
        method = METHODS[method_id]
        config = replace(method.configs["moons"], epochs=epochs)
        assert method.fit is not None
        losses.append(method.fit("moons", config, data, seed, lambda progress: None, ()).metrics["loss"])
    return losses[0]


CONTESTS: dict[str, Callable[[], Contest]] = {
    "two moons: one network trained": one_network,
    "two moons: all live methods trained, CPU": all_methods,
}
