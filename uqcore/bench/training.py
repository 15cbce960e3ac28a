"""The speed of training the network of the SNGP tutorial, beside Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

from uqcore import datasets
from uqcore.live import PRESETS, Frame, train
from uqcore.methods import METHODS

Way = Callable[[int], object]

_KERAS = all(find_spec(name) is not None for name in ("tensorflow", "tf_keras"))


def one_network(epochs: int | None = None) -> tuple[Way, Way | None, str]:
    """From nothing, with the tutorial's points and settings; a new seed in every run."""
    setting = replace(PRESETS["tutorial"], methods=("deterministic",))
    setting = replace(setting, epochs=epochs or setting.epochs)

    def ours(i: int) -> float:
        *frames, _ = train(replace(setting, seed=i), lambda epoch: False)
        last = frames[-1]
        assert isinstance(last, Frame)
        return last.figures["deterministic"].loss

    def naive(i: int) -> float:
        method = METHODS["deterministic"]
        config = replace(method.configs["moons"], epochs=setting.epochs)
        assert method.fit is not None
        fitted = method.fit("moons", config, datasets.load("moons", i), i, lambda progress: None, ())
        return fitted.metrics["loss"]

    note = f"naive: Keras's fit, which validates every epoch; our loss of seed 0 {ours(0):.3f}"
    return ours, naive if _KERAS else None, note


CONTESTS: dict[str, Callable[[], tuple[Way, Way | None, str]]] = {
    "two moons: one network trained": one_network,
}
