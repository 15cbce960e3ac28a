"""What a visitor brought: a file of predictions as it was read, and how large one may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ui import uploads
from uqcore.predictions import Asked, NotOpened, Predictions, Roles, first_cells, read_models
from uqcore.types import UqError

MAX_UPLOAD_MB = 200
MAX_UNPACKED = 10**9
MAX_GROWTH = 10
"""How many times its size a packed file may unpack to."""


_COMPUTED = 70
"""Bytes of what is computed of an example: its measure, class and place, in both halves and their orders."""


def read(data: bytes, name: str, **options: Any) -> dict[str, Predictions]:
    """All models of a file, as `read_models` reads them: within the budget of all visitors, of which they take their
    part as long as they live. UqError: they cannot be read, or find no room."""
    budget = uploads.BUDGET
    with budget.reading(len(data)) as room:
        most = budget.room // (_COMPUTED + 8)  # of two classes
        models = read_models(
            data, name, max_bytes=min(MAX_UNPACKED, room), max_growth=MAX_GROWTH, max_examples=most, **options
        )
        for one in models.values():
            budget.hold(one, one.n_bytes + _COMPUTED * len(one))
    return models


@dataclass(frozen=True)
class File:
    """Its number in the visit, its name and its bytes."""

    file_id: str
    name: str
    data: bytes = field(compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Own:
    """A visitor's file as it was read.

    Attributes:
        file, labels: its bytes, and those of the file that has its labels.
        asked: the roles that it was read by, of the link or by hand; None where they were found.
        normalize: whether rows are divided by their sums.
        read_id: another for every time that a file is read.
        predictions, problem: one of them is None.
        remarks: on how it was read, a sentence each.
        models: all models of the file by name, where it has several; ``predictions`` are those that are looked at.
    """

    file: File
    labels: File | None
    asked: Roles | Asked | None
    normalize: bool
    read_id: str
    predictions: Predictions | None
    problem: UqError | None
    remarks: tuple[str, ...] = ()
    models: Mapping[str, Predictions] = field(default_factory=dict)

    @property
    def roles(self) -> Roles | Asked | None:
        """What the table of roles starts from."""
        found = None if self.predictions is None else self.predictions.roles
        return found or self.asked

    @cached_property
    def cells(self) -> dict[str, list[str]] | None:
        """What a person may give roles to, as `first_cells` has it; None where the file cannot be opened."""
        if isinstance(self.problem, NotOpened):
            return None
        try:
            with uploads.BUDGET.turn():
                return first_cells(self.file.data, self.file.name, max_bytes=MAX_UNPACKED, max_growth=MAX_GROWTH)
        except UqError:
            return None
