"""The training without a process: what it learns, how it shows it, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.live.settings import ALL, TINY
from tests.live.test_data import KINDS
from uqcore.exhibits.moons import VIEWS, Plane
from uqcore.exhibits.verdicts import OWN
from uqcore.live import LIVE_METHODS, Frame, Setting, Trained, train, views
from uqcore.live.frames import packed, unpacked
from uqcore.live.pupils import posterior, pupils
from uqcore.live.setting import OWN_POINTS
from uqcore.live.training import FINAL_SAMPLES, every
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import answer
from uqcore.models.sampling import draw
from uqcore.types import UqError

SHORT = Setting(n_points=300, depth=3, width=64, n_random_features=256, n_members=2, learning_rate=3e-3, epochs=15)


def ended(setting: Setting) -> Trained:
    *_, last = train(setting, lambda epoch: False)
    assert isinstance(last, Trained)
    return last


@pytest.fixture(scope="module")
def shown() -> list[Frame | Trained]:
    return list(train(SHORT))


@pytest.fixture(scope="module")
def frames(shown: list[Frame | Trained]) -> list[Frame]:
    return [frame for frame in shown if isinstance(frame, Frame)]


@pytest.fixture(scope="module")
def trained(shown: list[Frame | Trained]) -> Trained:
    assert isinstance(shown[-1], Trained)
    return shown[-1]


def test_a_frame_comes_after_every_epoch_and_the_models_at_last(shown: list[Frame | Trained]) -> None:
    assert [frame.epoch for frame in shown[:-1] if isinstance(frame, Frame)] == list(range(1, SHORT.epochs + 1))
    assert isinstance(shown[-1], Trained)


def test_the_losses_go_down_and_every_method_learns(frames: list[Frame], trained: Trained) -> None:
    for method in LIVE_METHODS:
        assert frames[-1].figures[method].loss < 0.7 * frames[0].figures[method].loss
        assert trained.outcomes[method].test_accuracy > 0.95
    assert trained.figures == frames[-1].figures


def test_sngp_alone_knows_that_the_cluster_is_elsewhere(trained: Trained) -> None:
    aurocs = {method: outcome.auroc for method, outcome in trained.outcomes.items()}
    assert aurocs["sngp"] > 0.95
    assert max(aurocs[method] for method in ("deterministic", "mc_dropout", "deep_ensemble")) < 0.5


def test_sngps_layers_are_within_their_bound(trained: Trained) -> None:
    (arrays,) = trained.arrays["sngp"]
    norms = [np.linalg.norm(arrays[f"residual_{i}/kernel"], 2) for i in range(SHORT.depth)]
    assert max(norms) <= SHORT.bound * (1 + 1e-4)


def test_the_ensembles_first_member_is_the_deterministic_network(trained: Trained) -> None:
    assert trained.arrays["deep_ensemble"][0] is trained.arrays["deterministic"][0] is trained.arrays["mc_dropout"][0]
    first, second = trained.arrays["deep_ensemble"]
    assert not np.array_equal(first["head/kernel"], second["head/kernel"])


def test_a_network_does_not_depend_on_the_others(trained: Trained) -> None:
    """Nor on what is drawn of it."""
    for method in ("sngp", "svi_flipout", "deterministic"):
        *_, alone = train(replace(SHORT, methods=(method,)), lambda epoch: epoch % 4 == 0)
        assert isinstance(alone, Trained)
        for name, array in trained.arrays[method][0].items():
            np.testing.assert_array_equal(alone.arrays[method][0][name], array)


@pytest.mark.parametrize("method", LIVE_METHODS)
def test_final_tables_are_what_the_posteriors_say(trained: Trained, method: str) -> None:
    one, plane = trained.posteriors[method], trained.dataset.plane
    some = slice(0, None, 500)
    drawn = draw(one, plane[some], FINAL_SAMPLES)
    said = trained.said(method, FINAL_SAMPLES)
    np.testing.assert_allclose(said.predictive[some], drawn.predictive, atol=2e-3)
    if "logit_variance" in said.measures:
        variance = MEASURES["logit_variance"].compute(drawn)
        np.testing.assert_allclose(said.measure("logit_variance")[some], variance, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("method", LIVE_METHODS)
@pytest.mark.parametrize("n_samples", [1, 5])
def test_surfaces_that_form_are_drawn_like_the_final_ones(
    frames: list[Frame], trained: Trained, method: str, n_samples: int
) -> None:
    """Every view of both, by the function of the static page."""
    for one in (frames[0], frames[-1], trained):
        for view in VIEWS.values():
            uncut = Plane(one.dataset).uncut(view, one.said(method, n_samples), one.own(method))
            assert uncut.shown.shape == one.dataset.grid.shape  # type: ignore[union-attr]
            assert 0 <= uncut.shown.min() <= uncut.shown.max() <= 1 + 1e-6
            acceptance = uncut.at(0.5).acceptance
            assert acceptance.n_ood_accepted <= len(one.dataset.ood["cluster"])


def test_the_last_frame_is_the_final_surface_but_for_its_grain(frames: list[Frame], trained: Trained) -> None:
    last = frames[-1]
    view = VIEWS["probability"]
    for method in ("deterministic", "sngp"):
        coarse = Plane(last.dataset).uncut(view, last.said(method, 5)).shown
        fine = Plane(trained.dataset).uncut(view, trained.said(method, 5)).shown
        rows, columns = (np.linspace(0, 99, n).round().astype(int) for n in coarse.shape)
        assert np.abs(coarse - fine[np.ix_(rows, columns)]).mean() < 0.02


def test_thresholds_of_own_measures_accept_nearly_all_validation_points(trained: Trained) -> None:
    for method in LIVE_METHODS:
        measure = trained.own(method)
        drawn = draw(trained.posteriors[method], trained.dataset.validation.x, FINAL_SAMPLES)
        accepted = MEASURES[measure.measure_id].compute(drawn) <= measure.largest / 2
        assert accepted.mean() == pytest.approx(0.99, abs=0.01)
        assert measure.measure_id == METHODS[method].own_measure
    assert VIEWS["own"].measure_id == OWN


def test_the_auroc_is_scikit_learns(trained: Trained) -> None:
    data = trained.dataset
    for method, outcome in trained.outcomes.items():
        n_grid = len(data.plane) - len(data.test) - len(data.ood["cluster"])
        entropy = trained.said(method, FINAL_SAMPLES).measure("predictive_entropy")[n_grid:]
        is_ood = np.arange(len(entropy)) >= len(data.test)
        assert outcome.auroc == pytest.approx(roc_auc_score(is_ood, entropy), abs=1e-9)


def test_surfaces_of_8_bits_are_near_what_they_round() -> None:
    made = pupils(SHORT)
    asked = posterior(SHORT, "mc_dropout", [made["mc_dropout"][0].arrays])
    table = answer(asked, np.random.default_rng(0).uniform(-3, 3, (200, 2)).astype(np.float32), most=5)
    again = unpacked(packed(table))
    assert again.keys() == table.keys()
    for name in (key for key in table if key in MEASURES):
        assert packed(table)[name].dtype == np.uint8
        # Half a level of the square root of the largest.
        np.testing.assert_allclose(np.sqrt(again[name]), np.sqrt(table[name]), atol=np.sqrt(table[name].max()) / 500)
    np.testing.assert_allclose(np.exp(again["log_probs"]), np.exp(table["log_probs"].astype(float)), atol=0.004)


def test_a_measure_that_is_0_everywhere_stays_0() -> None:
    zero = {"counts": np.array([1]), "logit_variance": np.zeros((1, 4), np.float32)}
    np.testing.assert_array_equal(unpacked(packed(zero))["logit_variance"], np.zeros((1, 4)))


def test_frames_are_drawn_at_fixed_epochs_unless_somebody_else_decides() -> None:
    drawn = every(replace(SHORT, epochs=100))
    assert [epoch for epoch in range(1, 101) if drawn(epoch)] == [1, *range(4, 101, 4)]
    none = list(train(TINY, lambda epoch: False))
    assert not any(frame.tables for frame in none[:-1])
    assert none[-1].tables


@pytest.mark.parametrize(("kind", "n_classes"), KINDS)
def test_every_kind_of_data_is_learned(kind: str, n_classes: int) -> None:
    setting = replace(
        SHORT, kind=kind, n_classes=n_classes, noise=0.05, epochs=40, methods=("deterministic", "sngp"), dropout=0.0
    )
    found = ended(setting)
    for method, outcome in found.outcomes.items():
        assert outcome.test_accuracy > 0.9, method
    assert found.said("sngp", 1).n_classes == n_classes


SENSIBLE: Mapping[str, Setting] = {
    "two points": replace(ALL, kind=OWN_POINTS, points=((0, 0, 0), (1, 1, 1))),
    "equal points of both classes": replace(ALL, kind=OWN_POINTS, points=((0.5, 0.5, 0), (0.5, 0.5, 1)) * 25),
    "three classes of one point each": replace(ALL, kind=OWN_POINTS, points=((0, 0, 0), (1, 1, 1), (2, 2, 2))),
    "learning rate 1": replace(ALL, learning_rate=1.0, epochs=5, n_points=200),
    "deep and narrow": replace(ALL, depth=12, width=16),
    "nearly all dropped": replace(ALL, dropout=0.9),
    "no dropout": replace(ALL, dropout=0.0),
    "the tightest bound": replace(ALL, bound=0.05),
    "one epoch": replace(ALL, epochs=1),
    "no noise": replace(ALL, noise=0.0),
    "all noise": replace(ALL, noise=1.0),
    "the cluster on the data": replace(ALL, cluster_x=0.0, cluster_y=0.5),
}


@pytest.mark.parametrize("name", SENSIBLE)
def test_odd_settings_give_finite_surfaces_or_a_sentence(name: str) -> None:
    setting, shown = SENSIBLE[name], list[Frame | Trained]()
    may_diverge = pytest.raises(UqError, match="diverged in epoch") if name == "learning rate 1" else nullcontext()
    with may_diverge:
        shown.extend(train(setting))
        if name == "learning rate 1":
            raise UqError("It need not have diverged in epoch 5.")
    for last in shown[-1:]:
        for method in LIVE_METHODS:
            for view in views(setting):
                surface = Plane(last.dataset).uncut(view, last.said(method, 5), last.own(method)).shown
                assert np.isfinite(surface).all()


def test_views_of_three_classes_are_those_that_do_not_need_two() -> None:
    assert views(TINY) == list(VIEWS.values())
    some = [view.view_id for view in views(replace(TINY, kind="blobs", n_classes=3))]
    assert some == ["own", "entropy", "aleatoric", "epistemic", "variance"]


def test_what_diverges_stops_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    (broken,) = pupils(TINY)["deterministic"]
    broken.learner.weights.vector[3] = np.nan
    monkeypatch.setattr("uqcore.live.half.pupil", lambda setting, place: broken)
    problem = (
        "Deterministic diverged in epoch 1: expected finite numbers, received a loss of nan. A lower learning rate"
    )
    with pytest.raises(UqError, match=problem):
        next(train(TINY))


def test_what_takes_too_long_is_refused_before_anything_starts() -> None:
    huge = Setting(n_points=2000, depth=12, width=256, n_members=10, epochs=300)
    with pytest.raises(UqError, match="Expected a training of at most 120 CPU seconds"):
        next(iter(train(huge)))


def test_a_training_can_be_left_at_any_frame() -> None:
    assert len(list(islice(train(replace(TINY, epochs=300)), 3))) == 3
