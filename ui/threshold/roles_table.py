"""The small table by which a person says which column of a file is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final, Literal

import streamlit as st

from ui import controls, words
from uqcore.predictions import Asked, Roles
from uqcore.predictions.roles import ValueKind
from uqcore.types import UqError

ANEW: Final = "anew"
"""The answer that the roles are to be found again."""

CORRECT: Final = "**What is what.** Not as it should be? Correct it here; the file is then read again."
SAY: Final = "**What is what.** Say it here; the file is then read again."

MOST_ROWS = 200
_CELLS = 3
NOT_USED = "not used"
ROLES: Final = {
    "values": "values",
    "label": "true label",
    "predicted": "predicted class",
    "ood": "unseen (OOD) mark",
    "ids": "id",
    "group": "group",
    "weight": "weight",
    "time": "time",
    "model": "model (whose row)",
}
"""Field of `Roles` -> what people call it."""

_KINDS: Final[dict[ValueKind, str]] = {
    "probs": "probabilities",
    "percent": "percentages",
    "scores": "scores (divided by their sum)",
    "logits": "logits",
}


def ask(
    cells: Mapping[str, Sequence[str]], start: Roles | Asked | None, key: str, lead: str, is_said: bool
) -> Roles | Asked | Literal["anew"] | None:
    """What the visitor has just said of the roles; None for nothing.

    Args:
        cells: column's name -> its first cells; empty for a file with one array.
        start: what the table shows at first.
        key: another for every time that the file is read.
        lead: the line above the table.
        is_said: whether the roles were said, so that they could be found instead.
    """
    st.markdown(lead)
    names = in_order(cells, start if isinstance(start, Roles) else None)
    with st.form(f"roles_{key}", border=False):
        kinds = list(_KINDS)
        kind = controls.one_of(
            "The values are",
            kinds,
            lambda option: _KINDS[option],
            kinds.index(start.kind) if start is not None and start.kind is not None else 0,
            key=f"roles_kind_{key}",
            width=300,
        )
        edited = _edited(names, cells, start, key) if names else {"class": [_one_class(start, key)]}
        submitted = st.form_submit_button("Read again with these roles", key=f"roles_read_{key}")
    if is_said and st.button("Find the roles", key=f"roles_anew_{key}"):
        return ANEW
    if not submitted:
        return None
    try:
        return said(names, edited, kind, start)
    except UqError as error:
        st.error(words.sentence(str(error)))
        return None


def said(
    names: Sequence[str], edited: Mapping[str, Sequence[str | None]], kind: ValueKind, start: Roles | Asked | None
) -> Roles | Asked:
    """The roles that an edited table says.

    Args:
        names: the columns, a row each; none for a file with one array.
        edited: ``role``, words of `ROLES`, and ``class``, the name of its class, for each of them.
        kind: of the values.
        start: the roles before; a column that has no row, because there are too many, keeps its role.

    Raises:
        UqError: one role was given twice, or some of the classes have no name.
    """
    if not names:
        return Asked(kind=kind, classes=_split(edited["class"][0]) or None)
    before = start if isinstance(start, Roles) else None
    fields = {label: field for field, label in ROLES.items()}
    given: dict[str, list[str]] = {field: [] for field in ROLES}
    for name, role in zip(names, edited["role"], strict=True):
        if role in fields:
            given[fields[role]].append(name)
    shown = {*names}
    if before is not None:
        given["ids"] += [name for name in before.ids if name not in shown]
        given["values"] += [name for name in before.values if name not in shown]
        order = {name: i for i, name in enumerate(before.values)}
        given["values"].sort(key=lambda name: order.get(name, len(order)))
    if not given["values"]:
        raise UqError(
            "Expected at least one column of values: probabilities, scores or logits. Received none; give one "
            "that role."
        )
    singles: dict[str, Any] = {}
    for field in ROLES:
        if field in ("values", "ids"):
            continue
        if len(given[field]) > 1:
            both = " and ".join(repr(name[:40]) for name in given[field][:2])
            raise UqError(f"Expected one column as the {ROLES[field]}. Received {both}; choose one of them.")
        singles[field] = given[field][0] if given[field] else None
    classes = _classes(given["values"], dict(zip(names, edited["class"], strict=True)), before)
    return Roles(kind=kind, values=tuple(given["values"]), classes=classes, ids=tuple(given["ids"]), **singles)


def _classes(values: Sequence[str], named: Mapping[str, str | None], before: Roles | None) -> tuple[str, ...] | None:
    start = _class_cells(before)
    if len(values) == 1:
        text = named.get(values[0])
        if before is not None and tuple(values) == before.values and (text or "") == start.get(values[0], ""):
            return before.classes
        return _split(text) or None
    found = [(named[name] if name in named else start.get(name)) or "" for name in values]
    if not any(found):
        return None
    if not all(found):
        missing = values[found.index("")]
        raise UqError(
            f"Expected a class for each column of values, or for none. Received none for {missing[:40]!r}; name it."
        )
    whole = {} if before is None or before.classes is None else dict(zip(before.values, before.classes, strict=False))
    return tuple(
        whole[name] if name in whole and text == start.get(name) else text
        for name, text in zip(values, found, strict=True)
    )


def _class_cells(roles: Roles | None) -> dict[str, str]:
    """Column of values -> what stands in its cell of the class."""
    if roles is None or roles.classes is None:
        return {}
    if len(roles.values) == 1:
        return {roles.values[0]: ", ".join(roles.classes[:MOST_ROWS])[:2000]}
    return {name: one[:MOST_ROWS] for name, one in zip(roles.values, roles.classes, strict=False)}


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def in_order(cells: Mapping[str, Sequence[str]], roles: Roles | None) -> list[str]:
    """The columns that have a row: all, in the file's order; of very many those that are no values first."""
    names = list(cells)
    if len(names) > MOST_ROWS and roles is not None:
        names.sort(key=lambda name: name in roles.values)
    return names[:MOST_ROWS]


def _edited(
    names: Sequence[str], cells: Mapping[str, Sequence[str]], start: Roles | Asked | None, key: str
) -> Mapping[str, Sequence[str | None]]:
    roles = start if isinstance(start, Roles) else None
    if roles is None:  # a proposal, for the person to look at: a file may have hundreds of columns of values
        of_column = {name: "values" for name in names if _are_decimals(cells[name])}
    else:
        of_column = {column: field for field, column in roles.others.items()}
        of_column |= dict.fromkeys(roles.values, "values") | dict.fromkeys(roles.ids, "ids")
    classes = _class_cells(roles)
    edited: Mapping[str, Sequence[str | None]] = st.data_editor(
        {
            "column": [name[:60] for name in names],
            "first": [", ".join(cell[:24] for cell in cells[name][:_CELLS]) for name in names],
            "role": [ROLES[of_column[name]] if name in of_column else NOT_USED for name in names],
            "class": [classes.get(name, "") for name in names],
        },
        column_config={
            "column": st.column_config.TextColumn("column"),
            "first": st.column_config.TextColumn("begins with"),
            "role": st.column_config.SelectboxColumn("is", options=[NOT_USED, *ROLES.values()], required=True),
            "class": st.column_config.TextColumn(
                "of the class", help="Of one column with the values of all classes: their names, with commas between."
            ),
        },
        disabled=["column", "first"],
        hide_index=True,
        key=f"roles_table_{key}",
    )
    if len(cells) > len(names):
        st.caption(f"The other {len(cells) - len(names):,} columns stay what they are.")
    return edited


def _are_decimals(cells: Sequence[str]) -> bool:
    try:
        return bool(cells) and all(isfinite(float(cell)) for cell in cells) and any("." in cell for cell in cells)
    except ValueError:
        return False


def _one_class(start: Roles | Asked | None, key: str) -> str:
    classes = ", ".join(start.classes) if start is not None and start.classes is not None else ""
    return st.text_input("The classes, with commas between", classes[:2000], key=f"roles_classes_{key}")
