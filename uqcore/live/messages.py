"""What server and worker say to each other: commands, and frames and trained models in messages (`wire`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from uqcore.live import wire
from uqcore.live.frames import Frame, Outcome, Trained
from uqcore.live.setting import Setting
from uqcore.networks.backward import Figures
from uqcore.types import UqError, Weights

PAUSE, STEP, RESUME = "pause", "step", "resume"
"""Commands: wait after this epoch, after one more, no longer."""

ERROR = "error"
_FRAME, _TRAINED = "frame", "trained"


def to_bytes(shown: Frame | Trained) -> bytes:
    """One message."""
    fields: dict[str, Any] = {
        "figures": {name: list(figures) for name, figures in shown.figures.items()},
        "thresholds": dict(shown.thresholds),
    }
    arrays = _flat("tables", shown.tables)
    if isinstance(shown, Frame):
        return wire.encode(_FRAME, {**fields, "epoch": shown.epoch}, arrays, compressed=True)
    # Methods share networks: each of those goes once.
    networks = {id(network): network for of_method in shown.arrays.values() for network in of_method}
    numbers = {key: str(number) for number, key in enumerate(networks)}
    fields |= {
        "networks": {name: [numbers[id(network)] for network in each] for name, each in shown.arrays.items()},
        "outcomes": {name: list(vars(outcome).values()) for name, outcome in shown.outcomes.items()},
        "cpu_s": shown.cpu_s,
    }
    arrays |= _flat("networks", {numbers[key]: network for key, network in networks.items()})
    return wire.encode(_TRAINED, fields, arrays)


def from_message(setting: Setting, message: wire.Message) -> Frame | Trained:
    """What `to_bytes` was given.

    Raises:
        UqError: the message is another, or says that the training failed.
    """
    fields = message.fields
    if message.kind == ERROR:
        raise UqError(str(fields["sentence"]))
    try:
        figures = {name: Figures(*values) for name, values in fields["figures"].items()}
        tables, thresholds = _nested("tables", message.arrays), fields["thresholds"]
        if message.kind == _FRAME:
            return Frame(setting, figures, thresholds, tables, int(fields["epoch"]))
        networks = _nested("networks", message.arrays)
        arrays = {name: tuple(networks[number] for number in each) for name, each in fields["networks"].items()}
        outcomes = {name: Outcome(*values) for name, values in fields["outcomes"].items()}
        return Trained(setting, figures, thresholds, tables, arrays, outcomes, float(fields["cpu_s"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UqError(
            f"Expected a frame of the training. Received something else ({type(error).__name__}: {error})."
        ) from None


def _flat(group: str, nested: Mapping[str, Weights]) -> dict[str, NDArray[Any]]:
    """Named ``group:outer:inner``: names of weights have slashes of their own."""
    return {f"{group}:{outer}:{name}": array for outer, arrays in nested.items() for name, array in arrays.items()}


def _nested(group: str, flat: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, NDArray[Any]]]:
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in flat.items():
        kind, outer, inner = name.split(":")
        if kind == group:
            found.setdefault(outer, {})[inner] = array
    return found
