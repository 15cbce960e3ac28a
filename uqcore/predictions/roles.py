"""`Roles`: which column or array of a file is what, in a small record that a person may correct, a policy and a link
carry, and the next file is read by."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from uqcore import strict_json as check
from uqcore.types import UqError

ValueKind = Literal["probs", "percent", "scores", "logits"]
"""What the values are: probabilities, the same times 100, numbers from 0 that are divided by their sum, or logits."""

VALUE_KINDS: tuple[ValueKind, ...] = get_args(ValueKind)
_MOST_BYTES = 2**22
_SINGLE = ("label", "predicted", "ood", "group", "weight", "time", "model")


class Unclear(UqError):  # noqa: N818  what is the matter, not that it is one
    """A role cannot be told from the file; saying which column has it would do.

    Attributes:
        role: the field of `Roles` that is to be said.
        choices: what it may be, where that is known: the names whose order is asked for.
    """

    def __init__(self, sentence: str, role: str, choices: Iterable[str] = ()) -> None:
        self.role, self.choices = role, tuple(choices)
        super().__init__(sentence)


class SeveralModels(Unclear):
    """A file holds predictions of several models; saying whose are wanted would do.

    Attributes:
        names: of the models, in the file's order.
        models: name -> the roles that its predictions are read by; empty where a column says whose a row is.
    """

    def __init__(self, names: Iterable[str], models: Mapping[str, Roles | Asked] | None = None) -> None:
        self.names: tuple[str, ...] = tuple(names)
        self.models: dict[str, Roles | Asked] = dict(models or {})
        shown = ", ".join(repr(name[:40]) for name in self.names[:5])
        shown += f" and {len(self.names) - 5:,} more" if len(self.names) > 5 else ""
        super().__init__(
            f"Expected the predictions of one model. Received those of {len(self.names):,}: {shown}; say whose.",
            "model",
        )


class NotOpened(UqError):  # noqa: N818
    """It is no file of a kind that is read, or damaged or too large: nothing in it can be given a role."""


@contextmanager
def opening() -> Iterator[None]:
    """What a file is refused for within is `NotOpened`."""
    try:
        yield
    except UqError as error:
        raise NotOpened(str(error)) from error


@dataclass(frozen=True)
class Roles:
    """Which columns of a table, or arrays of an NPZ file, are what; by name.

    Attributes:
        kind: what the values are.
        values: the columns with the values of class 0, 1, ...; or one that has them all, in vectors; or one that has
            the values of the second of two classes, or of the class ``predicted``.
        classes: the K names; None where they are the numbers from 0, or stand elsewhere in the file.
        label: the true class. None here and below: there is none.
        predicted: the class of which the one column of values is the probability.
        ood: what marks unseen (out-of-distribution) examples.
        ids: what names an example; it comes back in the decisions.
        group, weight, time: of each example.
        model: whose prediction a row is, where a file has those of several models below each other.

    Raises:
        UqError: a field has another type, or one column has two roles.
    """

    kind: ValueKind
    values: tuple[str, ...]
    classes: tuple[str, ...] | None = None
    label: str | None = None
    predicted: str | None = None
    ood: str | None = None
    ids: tuple[str, ...] = ()
    group: str | None = None
    weight: str | None = None
    time: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        check.one_of("kind", self.kind, VALUE_KINDS)
        for name in ("values", "classes", "ids"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(_name(name, entry) for entry in getattr(self, name)))
        for name in _SINGLE:
            if getattr(self, name) is not None:
                _name(name, getattr(self, name))
        if not self.values:
            raise UqError("`values` must name the columns of probabilities or logits. Received none.")
        twice = {column for column, n in Counter(self.columns).items() if n > 1}
        if twice:
            raise UqError(f"Each column can have one role. Received {min(twice)[:40]!r} for two; choose one of them.")

    @property
    def is_documented(self) -> bool:
        """Whether a file with these is read so without being told: ``p_0 ...``, ``label`` and ``ood``, nothing else."""
        names = tuple(f"{'p' if self.kind == 'probs' else 'logit'}_{k}" for k in range(len(self.values)))
        # An NPZ file says its classes itself.
        extras = (self.classes and self.values != (self.kind,)) or self.ids or self.others.keys() - {"label", "ood"}
        return (
            self.kind in ("probs", "logits")
            and (self.values == (self.kind,) or (self.values == names and len(names) > 1))
            and self.label in (None, "label", "labels")
            and self.ood in (None, "ood")
            and not extras
        )

    @property
    def others(self) -> dict[str, str]:
        """Role -> its column, of those that have one; `ids` and `values` apart."""
        return {name: getattr(self, name) for name in _SINGLE if getattr(self, name) is not None}

    @property
    def columns(self) -> list[str]:
        """All that have a role, values first."""
        return [*self.values, *self.others.values(), *self.ids]

    def within(self, names: Iterable[str]) -> Self:
        """These roles in another file, which may lack all but the values. UqError: it lacks one of those."""
        there = {*names}
        missing = [name for name in self.values if name not in there]
        if missing:
            raise Unclear(
                f"Expected the column {missing[0][:40]!r}, as in the file that the roles are from. Received a file "
                f"without it; say which columns are the probabilities or logits.",
                "values",
            )
        if self.predicted is not None and self.predicted not in there:
            raise UqError(f"Expected the column {self.predicted[:40]!r} of predicted classes. Received none of it.")
        lost: dict[str, Any] = {role: None for role, column in self.others.items() if column not in there}
        return replace(self, ids=tuple(name for name in self.ids if name in there), **lost)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what is None or empty is left out."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in content.items() if v not in (None, ())}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What `to_dict` made. UqError: it is something else."""
        known = {field.name for field in fields(cls)}
        check.names("Roles", {*content} | known, known)
        given: dict[str, Any] = {
            name: tuple(check.json_list(name, value)) if name in ("values", "classes", "ids") else value
            for name, value in content.items()
        }
        if not {"kind", "values"} <= given.keys():
            raise UqError("Roles must have the fields kind and values. Received others.")
        return cls(**given)

    def to_json(self) -> str:
        """One line, for a link."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `to_json` made. UqError: it is something else."""
        return cls.from_dict(check.json_object(text, _MOST_BYTES))


@dataclass(frozen=True)
class Asked:
    """What a person says of the roles; what is None is found.

    Attributes:
        kind, classes, label, ood, group, weight, time, model: as in `Roles`.
        values: names of columns; one may be a pattern such as ``"prob_*"``.
        ids: as in `Roles`.
    """

    kind: ValueKind | None = None
    values: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    label: str | None = None
    ood: str | None = None
    ids: tuple[str, ...] | None = None
    group: str | None = None
    weight: str | None = None
    time: str | None = None
    model: str | None = None


def asked_json(asked: Roles | Asked | None) -> str:
    """For `asked_from`, in another process."""
    content = None if asked is None else {field.name: getattr(asked, field.name) for field in fields(asked)}
    return json.dumps({"type": type(asked).__name__, "content": content})


def asked_from(text: str) -> Roles | Asked | None:
    """What `asked_json` wrote."""
    read = json.loads(text)
    content = {k: tuple(v) if isinstance(v, list) else v for k, v in (read["content"] or {}).items()}
    return None if read["content"] is None else {"Roles": Roles, "Asked": Asked}[read["type"]](**content)


def refusal_json(error: UqError) -> str:
    """One line, for `refusal_from` in another process."""
    content: dict[str, Any] = {"sentence": str(error)}
    if isinstance(error, Unclear):
        content["role"] = error.role
    if isinstance(error, SeveralModels):
        models = {name: roles.to_dict() for name, roles in error.models.items() if isinstance(roles, Roles)}
        content |= {"names": error.names, "models": models}
    return json.dumps(content | {"opened": not isinstance(error, NotOpened)})


def refusal_from(text: str) -> UqError:
    """The error that `refusal_json` wrote."""
    read = json.loads(text)
    if "names" in read:
        return SeveralModels(read["names"], {name: Roles.from_dict(one) for name, one in read["models"].items()})
    if "role" in read:
        return Unclear(read["sentence"], read["role"])
    return UqError(read["sentence"]) if read["opened"] else NotOpened(read["sentence"])


def _name(field: str, value: object) -> str:
    """A column's or a class's name: any text, as files have any."""
    if not isinstance(value, str) or len(value) > 10_000:
        raise UqError(f"`{field}` must hold names. Received: {str(value)[:40]!r}.")
    return value
