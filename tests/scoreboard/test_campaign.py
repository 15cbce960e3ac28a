"""Measuring what is missing: resumable, alike on threads and on a Dask cluster, and one failure leaves the rest."""

from __future__ import annotations

from pathlib import Path

import joblib
import pytest

from uqcore.datasets import load
from uqcore.models.training import CPU_S
from uqcore.scoreboard import runs
from uqcore.scoreboard.campaign import Campaign, joined, merged
from uqcore.scoreboard.results import Curve, Key, Result
from uqcore.scoreboard.systems import sources
from uqcore.store import Store
from uqcore.types import UqError

WANTED = {"moons, network 0", "moons, untrained 0", "moons, chance 0"}
KEY = Key("accuracy")


def timeless(results: tuple[Result, ...]) -> list[tuple[str, tuple[str, ...], dict[Key, tuple[float, ...]]]]:
    """What does not depend on how fast a machine is."""
    return [
        (each.method, each.models, {key: row for key, row in each.values.items() if key.metric[:2] not in ("ms", "tr")})
        for each in results
    ]


def test_threads_and_a_dask_cluster_agree_and_nothing_is_done_twice(tmp_path: Path, committed: Store) -> None:
    distributed = pytest.importorskip("distributed")
    said: list[str] = []
    plain, spread = (Campaign(tmp_path / name, committed) for name in ("plain", "dask"))
    with joblib.parallel_config("threading", n_jobs=2):
        plain.measure(["moons"], said.append, WANTED.__contains__)
        assert set(said) >= WANTED
        said.clear()
        plain.measure(["moons"], said.append, WANTED.__contains__)
        assert set(said) == {"0 pieces of work"}
    with (
        distributed.LocalCluster(n_workers=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        spread.measure(["moons"], said.append, WANTED.__contains__)
    assert timeless(plain.collect()) == timeless(spread.collect())
    assert {result.method for result in plain.collect()} >= {"deterministic", "laplace", "untrained", "chance"}


def test_what_fails_is_said_and_the_rest_stands(tmp_path: Path, committed: Store) -> None:
    campaign, said = Campaign(tmp_path, committed), list[str]()
    network = campaign.network("moons", 0)
    network.parent.mkdir()
    network.mkdir()  # where a file should go
    with joblib.parallel_config("threading", n_jobs=1):
        campaign.measure(["moons"], said.append, WANTED.__contains__)
    assert any(line.startswith("error: moons, network 0: ") for line in said)
    assert [result.method for result in campaign.collect()] == ["chance", "untrained"]


def test_a_seed_that_fails_to_train_is_said_and_the_others_are_trained(
    tmp_path: Path, committed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def train(store: Store, task: str, method: str, seed: int, **_: object) -> object:
        if seed == 1:
            raise UqError("There is no memory left.")
        trained.append(seed)
        return committed.find("moons", method, 0)

    monkeypatch.setattr("uqcore.models.training.train", train)
    said: list[str] = []
    with joblib.parallel_config("threading", n_jobs=1):
        Campaign(tmp_path, Store(tmp_path / "none")).train(["moons"], said.append)
    assert "error: moons, sngp, seed 1: There is no memory left." in said
    assert trained == [*(seed for seed in range(10) if seed != 1), *[0, 2, 3, 4] * 2]


def test_where_no_cpu_seconds_were_kept_one_more_is_trained_for_them(
    tmp_path: Path, committed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def train(store: Store, task: str, method: str, seed: int, **_: object) -> object:
        trained.append((method, seed))
        return committed.find(task, method, 0)

    monkeypatch.setattr("uqcore.models.training.train", train)
    campaign = Campaign(tmp_path, committed)
    networks = [each for each in committed.records() if (each.task, each.method) == ("moons", "deterministic")]
    assert len(networks) == 10
    assert not any(CPU_S in each.metrics for each in networks)
    with joblib.parallel_config("threading", n_jobs=1):
        campaign.train(["moons"])
    assert trained == [(method, seed) for method in ("sngp", "svi_flipout") for seed in range(1, 5)] + [
        ("deterministic", 10)
    ]


def test_a_run_of_another_model_is_measured_again(tmp_path: Path, committed: Store) -> None:
    from uqcore.scoreboard.results import save

    campaign = Campaign(tmp_path, committed)
    path = campaign.path("moons", "sngp", 0)
    path.parent.mkdir()
    save([Result("moons", "sngp", (0,), ("0" * 12,), {KEY: (0.5,)})], path)
    campaign.measure(["moons"], wanted=lambda name: False)
    assert not path.exists()


def run(seed: int, value: float, curve: Curve, more: dict[Key, tuple[float, ...]] | None = None) -> Result:
    return Result("moons", "sngp", (seed,), (str(seed),), {KEY: (value,), **(more or {})}, curves={Key("roc"): curve})


def test_runs_are_joined_by_seed() -> None:
    one = joined([run(1, 0.5, Curve((0, 1), (0, 1))), run(0, 0.25, Curve((0, 1), (1, 1)), {Key("nll"): (1,)})])
    assert (one.seeds, one.models) == ((0, 1), ("0", "1"))
    assert one.values == {KEY: (0.25, 0.5)}
    assert one.undefined == {Key("nll"): "Not every seed has it."}
    assert one.curves[Key("roc")] == Curve((0, 1), (0.5, 1))


def test_reliability_is_joined_by_bins() -> None:
    first, second = Curve((0.5, 0.99), (1.0, 1.0), (10, 30)), Curve((0.99,), (0.6,), (10,))
    curve = joined([run(0, 1, first), run(1, 1, second)]).curves[Key("roc")]
    assert list(curve.n) == [10, 40]
    assert curve.y == pytest.approx((1.0, 0.9))


def test_fewer_seeds_do_not_take_others_from_the_board() -> None:
    known = Result("moons", "sngp", (0, 1), ("", ""), {KEY: (0.5, 0.6)})
    fewer, as_many = (Result("moons", "sngp", seeds, ("",) * len(seeds), {}) for seeds in ((0,), (0, 1)))
    assert merged([known], [fewer]) == (known,)
    assert merged([known], [as_many]) == (as_many,)


@pytest.mark.parametrize(
    ("method", "n_members"), [("deep_ensemble", 5), ("odder_ensemble", 5), ("density_ensemble", 3)]
)
def test_ensembles_are_different_draws_of_ten(method: str, n_members: int) -> None:
    drawn = [tuple(seed for _, seed in sources(method, i)) for i in range(5)]
    assert len(set(drawn)) == 5
    assert all(len(set(each)) == n_members and max(each) < 10 for each in drawn)
    assert {seed for each in drawn for seed in each} == set(range(10))


def test_what_stands_on_a_density_costs_no_less_than_it(committed: Store) -> None:
    (weights,) = committed.arrays(committed.find("moons", "deterministic", 0))
    network = runs.Made(None, 10.0, 100, 1000)
    wanted = ("feature_density", "entropy_and_distance")
    density, both = runs.fitted_on(load("moons"), weights, 0, network, wanted).values()
    for name in ("train_s", "n_parameters", "n_bytes"):
        assert getattr(both, name) >= getattr(density, name) > getattr(network, name)
