"""Networks that were drawn are kept within one bound, whoever drew them."""

from __future__ import annotations

import numpy as np

from tests.garbage import collect
from uqcore.networks.kept import KeptNetworks
from uqcore.types import Weights


class Drawn:
    """A posterior whose blocks take 40 bytes each, and the numbers that were drawn."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def draw(self, number: int) -> Weights:
        self.numbers.append(number)
        return {"kernel": np.full(10, number, np.float32)}


def ask(kept: KeptNetworks, posterior: Drawn, n: int) -> list[int]:
    """The numbers that are drawn when the first ``n`` blocks are asked for."""
    before = len(posterior.numbers)
    for number in range(n):
        assert kept.get(posterior, number, posterior.draw)["kernel"][0] == number
    return posterior.numbers[before:]


def test_a_block_is_drawn_once_and_the_same_is_given_again() -> None:
    kept, posterior = KeptNetworks(), Drawn()
    assert kept.get(posterior, 3, posterior.draw) is kept.get(posterior, 3, posterior.draw)
    assert posterior.numbers == [3]
    assert kept.n_bytes == 40


def test_blocks_of_two_posteriors_are_two() -> None:
    kept, one, other = KeptNetworks(), Drawn(), Drawn()
    assert ask(kept, one, 2) == ask(kept, other, 2) == [0, 1]
    assert ask(kept, one, 2) == ask(kept, other, 2) == []


def test_all_posteriors_together_stay_within_the_bound() -> None:
    kept, posteriors = KeptNetworks(max_bytes=400), [Drawn() for _ in range(7)]
    for posterior in posteriors:
        ask(kept, posterior, 4)
        assert kept.n_bytes <= 400


def test_what_is_asked_for_most_stays() -> None:
    """Two who ask in turn for more than there is room for: only the last blocks are drawn again."""
    kept, one, other = KeptNetworks(max_bytes=400), Drawn(), Drawn()
    for posterior in (one, other, one, other):
        again = ask(kept, posterior, 7)
    assert again
    assert min(again) >= 3
    assert ask(kept, one, 3) == ask(kept, other, 3) == []


def test_one_block_is_kept_though_it_is_larger_than_the_bound() -> None:
    kept, posterior = KeptNetworks(max_bytes=1), Drawn()
    assert ask(kept, posterior, 1) == [0]
    assert ask(kept, posterior, 1) == []
    assert ask(kept, posterior, 2) == [1]
    assert kept.n_bytes == 40


def test_what_nobody_asks_for_is_let_go() -> None:
    lasting, passing, posterior = KeptNetworks(), KeptNetworks(idle_s=0), Drawn()
    for kept in (lasting, passing):
        ask(kept, posterior, 3)
        kept.let_go()
    assert (lasting.n_bytes, passing.n_bytes) == (120, 0)


def test_blocks_go_with_their_posterior() -> None:
    kept = KeptNetworks()

    def draw_some() -> None:
        ask(kept, Drawn(), 3)

    draw_some()
    collect()
    assert kept.n_bytes == 0
