"""What a visitor can ask to be trained: one frozen record, checked when it is made, that a link can hold."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from uqcore.datasets.moons import GRID, OOD_MEAN
from uqcore.live.shapes import SHAPES
from uqcore.methods.base import Range, parse_setting, require
from uqcore.strict_json import json_list, json_object, names
from uqcore.types import UqError

OWN_POINTS = "own"
"""The kind of data that a visitor paints or brings."""

LIVE_METHODS = ("deterministic", "mc_dropout", "deep_ensemble", "sngp", "svi_flipout")
"""The methods that are trained here, in the order of pages."""

MOST_CLASSES = 3
_MOST_POINTS = 2000
_POINT = struct.Struct("<hhB")  # thousandths of a unit, and the class
_PER_UNIT = 1000
_MOST_BYTES = 2**20

Point = tuple[float, float, int]
"""``(x, y, class)``."""


RANGES: Mapping[str, Range] = {
    "n_classes": Range(2, MOST_CLASSES, "classes"),
    "noise": Range(0.0, 1.0, "noise (standard deviation)"),
    "n_points": Range(10, _MOST_POINTS, "training points"),
    "cluster_x": Range(float(GRID.x[0]), float(GRID.x[-1]), "unseen cluster, x"),
    "cluster_y": Range(float(GRID.y[0]), float(GRID.y[-1]), "unseen cluster, y"),
    "depth": Range(1, 12, "residual layers"),
    "width": Range(8, 256, "units a layer"),
    "dropout": Range(0.0, 0.9, "dropout rate"),
    "bound": Range(0.05, 10.0, "spectral-norm bound"),
    "n_random_features": Range(16, 2048, "random features"),
    "n_members": Range(2, 10, "ensemble members"),
    "learning_rate": Range(1e-5, 1.0, "learning rate"),
    "epochs": Range(1, 300, "epochs"),
    "svi_epochs": Range(1, 3, "epochs of SVI for each of the others"),
    "seed": Range(0, 10**6, "seed"),
}
"""Every setting that is a number: what it may be."""


@dataclass(frozen=True)
class Setting:
    """Data, methods, network and training. The defaults are the preset "quick".

    Attributes:
        kind: of the data: a key of `uqcore.live.shapes.SHAPES`, or `OWN_POINTS`.
        n_classes, n_points, noise: of drawn data; own points have as many classes and points as they have, and 0 noise.
        points: own points, rounded to thousandths; none for drawn data.
        cluster_x, cluster_y: where the cluster lies that no method sees in training.
        methods: keys of `METHODS` among `LIVE_METHODS`, in that order.
        depth, width, dropout: of the residual network that all methods share.
        bound, n_random_features: SNGP's largest spectral norm of a layer, and its features.
        n_members: of the ensemble.
        learning_rate: of Adam, constant. SVI takes ten times that: its weights have further to go.
        epochs: of every method but SVI, which has ``svi_epochs`` for each of them.
        seed: of the drawn points and of all networks.

    Raises:
        UqError: a value is out of its range or of another type, or methods or points are none that can be learned.
    """

    kind: str = "moons"
    n_classes: int = 2
    noise: float = 0.1
    n_points: int = 500
    points: tuple[Point, ...] = ()
    cluster_x: float = float(OOD_MEAN[0])
    cluster_y: float = float(OOD_MEAN[1])
    methods: tuple[str, ...] = LIVE_METHODS
    depth: int = 6
    width: int = 128
    dropout: float = 0.1
    bound: float = 0.9
    n_random_features: int = 1024
    n_members: int = 5
    learning_rate: float = 1e-3
    epochs: int = 40
    svi_epochs: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.kind in (*SHAPES, OWN_POINTS), "kind", f"one of {', '.join((*SHAPES, OWN_POINTS))}", self.kind)
        self._check_methods()
        if self.kind == OWN_POINTS:
            self._check_points()
        else:
            require(not self.points, "points", f"left out unless kind={OWN_POINTS}", f"{len(self.points)} points")
        for name, allowed in RANGES.items():
            if not (self.kind == OWN_POINTS and name == "n_points"):
                self._check_number(name, allowed)
        if self.kind != OWN_POINTS:
            most = SHAPES[self.kind].most_classes
            require(self.n_classes <= most, "n_classes", f"at most {most} for {self.kind}", self.n_classes)

    def _check_methods(self) -> None:
        chosen = self.methods
        known = isinstance(chosen, tuple | list) and all(method in LIVE_METHODS for method in chosen)
        require(known and bool(chosen), "methods", f"some of {', '.join(LIVE_METHODS)}", chosen)
        self._set("methods", tuple(method for method in LIVE_METHODS if method in chosen))

    def _check_points(self) -> None:
        points = tuple(_checked_point(point) for point in self.points)
        labels = {label for _, _, label in points}
        most = f"at most {_MOST_POINTS:,}"
        require(len(points) <= _MOST_POINTS, "points", most, f"{len(points):,} points")
        require(
            len(labels) >= 2 and labels == set(range(len(labels))),
            "points",
            "of at least two classes, numbered from 0 without a gap",
            f"{len(points)} points of the classes {', '.join(map(str, sorted(labels))) or 'none'}",
        )
        for name, value in (("points", points), ("n_points", len(points)), ("n_classes", len(labels)), ("noise", 0.0)):
            self._set(name, value)

    def _check_number(self, name: str, allowed: Range) -> None:
        value, whole = getattr(self, name), name in _WHOLE
        expected = f"{'a whole number' if whole else 'a number'} {allowed}"
        is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        require(is_number and allowed.least <= value <= allowed.most, name, expected, _short(value))
        if not whole:
            self._set(name, float(value) + 0.0)  # -0.0 is 0.0, in every text of it too

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def cluster(self) -> tuple[float, float]:
        return self.cluster_x, self.cluster_y

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that are the same for equal settings, in any process."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """One line, the same for equal settings."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Setting:
        """UqError: the text is no JSON of exactly these fields, or a value is wrong."""
        content = json_object(text, _MOST_BYTES)
        names("a setting", content, [field.name for field in fields(cls)])
        content["methods"] = tuple(json_list("methods", content["methods"]))
        content["points"] = tuple(
            tuple(point) if isinstance(point, list) else point for point in json_list("points", content["points"])
        )
        return cls(**content)

    def to_params(self) -> dict[str, str]:
        """For a link: what differs from the defaults, as text."""
        params = {}
        for field in fields(self):
            value = getattr(self, field.name)
            derived = self.kind == OWN_POINTS and field.name in ("n_points", "n_classes", "noise")
            if value != field.default and not derived:
                params[field.name] = _to_text(field.name, value)
        return params

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Setting:
        """From a link, whose other parameters are left alone. UqError: a value is wrong."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name in params:
                values[field.name] = _from_text(field.name, params[field.name], type(field.default))
        return cls(**values)


_WHOLE = {field.name for field in fields(Setting) if isinstance(field.default, int)}


def _checked_point(point: Any) -> Point:
    try:
        x, y, label = point
        x, y = round(float(x), 3) + 0.0, round(float(y), 3) + 0.0  # -0.0 is 0.0
    except (TypeError, ValueError):
        raise UqError(f"Expected points as x, y, class. Received: {_short(point)}.") from None
    for name, value, axis in (("x", x, GRID.x), ("y", y, GRID.y)):
        low, high = float(axis[0]), float(axis[-1])
        if not low <= value <= high:  # NaN is not
            raise UqError(f"Expected points inside the plane, {name} from {low:g} to {high:g}. Received: {value:g}.")
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < MOST_CLASSES:
        raise UqError(f"Expected classes from 0 to {MOST_CLASSES - 1}. Received: {_short(label)}.")
    return x, y, label


def _to_text(name: str, value: Any) -> str:
    if name == "methods":
        return ",".join(value)
    if name == "points":
        packed = b"".join(_POINT.pack(round(x * _PER_UNIT), round(y * _PER_UNIT), label) for x, y, label in value)
        return base64.urlsafe_b64encode(packed).decode()
    return repr(value) if isinstance(value, float) else str(value)


def _from_text(name: str, text: str, kind: type) -> Any:
    if name == "methods":
        return tuple(text.split(","))
    if name == "points":
        try:
            packed = base64.b64decode(text, altchars=b"-_", validate=True)
            return tuple((x / _PER_UNIT, y / _PER_UNIT, label) for x, y, label in _POINT.iter_unpack(packed))
        except (binascii.Error, struct.error, ValueError):
            raise UqError(
                "Expected painted points as a link holds them. Received text that is cut or changed."
            ) from None
    return parse_setting(name, text, kind)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


QUICK = Setting()
"""Every method in some seconds."""

PRESETS: Mapping[str, Setting] = {
    "quick": QUICK,
    # 100 epochs of 1,000 points; SVI, which the tutorial does not have, as our committed model has it.
    "tutorial": replace(QUICK, n_points=1000, n_members=10, learning_rate=1e-4, epochs=100, svi_epochs=3),
}
