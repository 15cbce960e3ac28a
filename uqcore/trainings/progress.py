"""What ``python -m uqcore train --json`` writes on stdout: a JSON object a line.

An epoch; a stored model; with ``--tables`` the share that is done of what follows, and the figures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import NamedTuple

from uqcore import strict_json as check
from uqcore.models.evaluation import Evaluated, from_plain, plain
from uqcore.types import Progress

MOST_LINE = 2**14


class Epoch(NamedTuple):
    """An epoch is done.

    Attributes:
        model_id: of what is being fitted: the model or one of its parts.
        epoch, epochs: the epoch, from 1, and how many this one will have.
        metrics: name -> figure, e.g. ``loss`` and ``val_loss``; NaN for one that is not finite.
    """

    model_id: str
    epoch: int
    epochs: int
    metrics: Mapping[str, float]


class Stored(NamedTuple):
    """A model is complete and stands in the store."""

    model_id: str


class Share(NamedTuple):
    """How much is done of what follows the training, in 0..1."""

    model_id: str
    share: float


class Found(NamedTuple):
    """The figures of the model, or of the one ``beside`` it in the server's store."""

    evaluation: Evaluated
    beside: bool


Said = Epoch | Stored | Share | Found


def epoch_line(model_id: str, progress: Progress) -> str:
    metrics = {name: float(value) if math.isfinite(value) else None for name, value in progress.metrics.items()}
    return json.dumps({"model": model_id, "epoch": progress.done, "epochs": progress.total, "metrics": metrics})


def stored_line(model_id: str) -> str:
    return json.dumps({"stored": model_id})


def share_line(model_id: str, share: float) -> str:
    return json.dumps({"model": model_id, "share": round(min(share, 1.0), 4)})


def figures_line(evaluation: Evaluated, beside: bool = False) -> str:
    return json.dumps({"figures": plain(asdict(evaluation)), "beside": beside})


def from_line(line: bytes) -> Said:
    """What a line says. UqError: it is none of them, e.g. something that a library printed."""
    content = check.json_object(line, MOST_LINE)
    if set(content) == {"stored"}:
        return Stored(check.text("stored", content["stored"]))
    if set(content) == {"model", "share"}:
        return Share(check.text("model", content["model"]), check.number("share", content["share"], 0, 1))
    if set(content) == {"figures", "beside"}:
        return Found(from_plain(content["figures"]), check.boolean("beside", content["beside"]))
    check.names("A line of progress", content, ["model", "epoch", "epochs", "metrics"])
    epochs = check.integer("epochs", content["epochs"], least=1)
    return Epoch(
        check.text("model", content["model"]),
        int(check.number("epoch", check.integer("epoch", content["epoch"], least=1), high=epochs)),
        epochs,
        {
            name: math.nan if value is None else check.number(name, value)
            for name, value in check.json_map("metrics", content["metrics"]).items()
        },
    )
