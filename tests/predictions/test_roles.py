"""Roles survive a policy and a link, and what is none is refused."""

from __future__ import annotations

from typing import Any

import pytest

from uqcore.predictions import Roles
from uqcore.predictions.roles import Asked, asked_from, asked_json
from uqcore.types import UqError

WHOLE = Roles("logits", ("a", "é, b"), ("x", "y"), "y_true", None, "ood", ("id", "key"), "g", "w", "t")


@pytest.mark.parametrize("roles", [WHOLE, Roles("probs", ("p",)), Roles("percent", ("p",), predicted="top")])
def test_roles_come_back_from_json(roles: Roles) -> None:
    assert Roles.from_json(roles.to_json()) == roles
    assert Roles.from_dict(roles.to_dict()) == roles
    assert asked_from(asked_json(roles)) == roles
    assert Roles("probs", ("p",)).to_json() == '{"kind":"probs","values":["p"]}'


def test_what_is_asked_comes_back() -> None:
    for asked in (None, Asked(), Asked(kind="scores", values=("a", "b"), ids=(), label="y")):
        assert asked_from(asked_json(asked)) == asked


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "probs"}, "must have the fields kind and values"),
        ({"kind": "votes", "values": ["a"]}, "`kind`"),
        ({"kind": "probs", "values": []}, "`values` must name the columns"),
        ({"kind": "probs", "values": "abc"}, "`values` must be a list"),
        ({"kind": "probs", "values": [1]}, "`values` must hold names. Received: '1'"),
        ({"kind": "probs", "values": ["a"], "label": 3}, "`label` must hold names"),
        ({"kind": "probs", "values": ["a", "b"], "label": "a"}, "Each column can have one role. Received 'a' for two"),
        ({"kind": "probs", "values": ["a"], "colour": "red"}, "It has unknown: colour"),
    ],
)
def test_what_are_no_roles_is_one_sentence(content: dict[str, Any], message: str) -> None:
    with pytest.raises(UqError, match=message):
        Roles.from_dict(content)
