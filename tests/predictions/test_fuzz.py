"""Whatever stands in a table, there are predictions that their own roles bring back, or one sentence."""

from __future__ import annotations

import csv
import json
import random
from io import StringIO
from typing import Any

import numpy as np
import pytest

from uqcore.predictions import Asked, Predictions, Roles, first_cells, read_back, read_predictions
from uqcore.types import UqError

WORDS = """
p prob p_0 p_1 p1 score label y_true target class pred predicted cat dog emu id weight time group ood logit logit_0
prob_cat prob_dog cat_prob a_cat_PREDICTION a_PREDICTION 0 1 probability distribution confidence P(cat) __ true é
"""
NAMES = WORDS.split()


def cell(chance: random.Random, kind: int) -> Any:
    return (
        round(chance.random(), chance.randint(0, 5)),
        chance.randint(-2, 4),
        chance.choice(["cat", "dog", "emu", "True", "False", "", "1:cat"]),
        chance.choice(["nan", "inf", "1e400", "NA", "[1,2", "{", "[]", '"', "%", "5%", "*.5", "(1)"]),
        [chance.random(), 0.5],
        {"a": chance.random(), "b": chance.choice([1, None, "x"])},
        [{"label": "a", "score": chance.random()}, {"label": "b", "score": 1}],
        chance.gauss(0, 3),
    )[kind]


@pytest.mark.parametrize("seed", range(20))
def test_a_table_is_read_or_refused_in_one_sentence(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(30):
        names = [chance.choice([*NAMES, ""]) for _ in range(chance.randint(1, 6))]
        kinds = [chance.choice((0, 0, 0, 1, 2, chance.randint(0, 7))) for _ in names]
        n_rows = chance.randrange(7)
        rows = [[cell(chance, kind if chance.random() < 0.95 else 3) for kind in kinds] for _ in range(n_rows)]
        if len(names) > 1 and chance.random() < 0.5:
            rows = [[row[0], 1 - row[0], *row[2:]] if isinstance(row[0], float) else row for row in rows]
        if chance.random() < 0.5:
            data = json.dumps([dict(zip(names, row, strict=True)) for row in rows]).encode()
        else:
            text = StringIO()
            csv.writer(text, delimiter=chance.choice(",;\t")).writerows([names, *rows])
            data = text.getvalue().encode()
        asked = Asked(values=(chance.choice(names),), kind="logits") if chance.random() < 0.2 else None
        mine = predictions_or_sentence(data, asked)
        if isinstance(mine, str):
            assert mine.endswith(".")
            assert "\n" not in mine
            continue
        assert np.isfinite(mine.values).all()
        assert read_back(mine).n_examples == n_rows
        assert mine.roles is not None
        again = read_predictions(data, "mine", roles=Roles.from_json(mine.roles.to_json()))
        assert (again.fingerprint, again.class_names) == (mine.fingerprint, mine.class_names)
        assert set(mine.roles.columns) <= first_cells(data, "mine").keys()


def predictions_or_sentence(data: bytes, asked: Asked | None) -> Predictions | str:
    try:
        return read_predictions(data, "mine", roles=asked)
    except UqError as error:
        return str(error)
