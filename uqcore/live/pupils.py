"""The networks of a setting as they learn, and the posteriors that their weights make: the product's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from uqcore.live.setting import Setting
from uqcore.methods import METHODS, sngp, svi_flipout
from uqcore.methods.deterministic import stacked
from uqcore.methods.mc_dropout import ThinnedNetworks
from uqcore.methods.svi_flipout import WeightPosterior
from uqcore.networks import Network, backward, learners, residual_network
from uqcore.networks.backward import Adam, Figures
from uqcore.networks.learners import Learner
from uqcore.types import FloatArray, Posterior, Split, UqError, Weights

BATCH_SIZE = 128
SVI_RATE = 10
"""SVI's learning rate, as a multiple of the others'."""

FORMING_SAMPLES = 5
"""Of a method that draws as many as one likes, and of members, while it learns."""

SNGP, SVI = 1000, 1001
"""Their places among all networks, behind those of all members, which are 0, 1 and so on."""

_STREAM = 6  # Keeps these random numbers apart from those of the methods' samples with the same seed.


class Pupil:
    """One network at work: its own weights, optimiser and random numbers, so that no other changes what it learns."""

    def __init__(
        self, learner: Learner, rng: np.random.Generator, rate: float, rounds: int, arrays: Callable[[Learner], Weights]
    ) -> None:
        self.learner = learner
        self._rng, self._rate, self._rounds, self._arrays = rng, rate, rounds, arrays
        self._optimizer = Adam(learner.weights, learner.gradient)

    def epoch(self, train: Split) -> Figures:
        """Learns for an epoch, which for SVI may be several passes; the figures of the last."""
        with np.errstate(all="ignore"):  # what diverges says so by its figures
            for _ in range(self._rounds):
                figures = backward.epoch(self.learner, self._optimizer, train, BATCH_SIZE, self._rng, self._rate)
        return figures

    @property
    def arrays(self) -> Weights:
        """The weights as methods store them; some of them change as it learns on."""
        return self._arrays(self.learner)


def network(setting: Setting) -> Network:
    return residual_network(setting.depth, setting.width, setting.dropout, setting.n_classes)


def sngp_config(setting: Setting) -> sngp.Config:
    return sngp.Config(spec_norm_bound=setting.bound, n_random_features=setting.n_random_features)


def places(setting: Setting) -> dict[str, tuple[int, ...]]:
    """Method -> the places of the networks that it is made of. The ensemble's first member is the deterministic one."""
    special = {"deep_ensemble": tuple(range(setting.n_members)), "sngp": (SNGP,), "svi_flipout": (SVI,)}
    return {method_id: special.get(method_id, (0,)) for method_id in setting.methods}


def forming(setting: Setting) -> dict[str, tuple[int, ...]]:
    """Method -> the places of those networks by which it is drawn while they learn."""
    return {method_id: own[:FORMING_SAMPLES] for method_id, own in places(setting).items()}


def pupil(setting: Setting, place: int) -> Pupil:
    """The network at a place, where it starts."""
    return {SNGP: _sngp, SVI: _svi}.get(place, _plain)(setting, np.random.default_rng([setting.seed, _STREAM, place]))


def pupils(setting: Setting) -> dict[str, tuple[Pupil, ...]]:
    """Method -> its networks; methods share them."""
    made = cache(partial(pupil, setting))
    return {method_id: tuple(made(place) for place in own) for method_id, own in places(setting).items()}


def _plain(setting: Setting, rng: np.random.Generator) -> Pupil:
    learner = learners.plain(network(setting), rng)
    return Pupil(learner, rng, setting.learning_rate, 1, lambda learner: learner.arrays)


def _sngp(setting: Setting, rng: np.random.Generator) -> Pupil:
    config = sngp_config(setting)
    scale = (2 / config.n_random_features) ** 0.5
    learner = learners.bounded(
        network(setting), rng, config.spec_norm_bound, config.n_random_features, config.kernel_scale, scale
    )
    return Pupil(learner, rng, setting.learning_rate, 1, lambda learner: learner.arrays)


def _svi(setting: Setting, rng: np.random.Generator) -> Pupil:
    config = svi_flipout.CONFIGS["moons"]
    kl_scale = config.kl_weight / setting.n_points
    learner = learners.flipout(network(setting), rng, config.prior_std, config.initial_std, kl_scale)
    rate = SVI_RATE * setting.learning_rate
    return Pupil(learner, rng, rate, setting.svi_epochs, learners.weight_posterior)


def graduate(setting: Setting, place: int, pupil: Pupil, x: FloatArray) -> Weights:
    """A network's final arrays, copied; SNGP's is within its bound and has the exact precision, given points ``x``.

    Raises:
        UqError: they are not finite, or SNGP's precision has no factor.
    """
    method_id = next(method_id for method_id, own in places(setting).items() if place in own)
    if method_id == "sngp":
        learners.project(pupil.learner)
    arrays = {name: np.array(array) for name, array in pupil.arrays.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise diverged(method_id, setting.epochs, "weights that are not finite")
    if method_id == "sngp":
        try:
            cholesky = sngp.precision_factor(network(setting), arrays, sngp_config(setting).ridge, x)
        except np.linalg.LinAlgError:
            raise diverged(method_id, setting.epochs, "a precision that cannot be factored") from None
        arrays["gp/cholesky"] = cholesky.astype(np.float32)
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def posterior(setting: Setting, method_id: str, arrays: Sequence[Weights], x: FloatArray | None = None) -> Posterior:
    """The method's posterior over its networks' arrays; until it is trained, with the training points ``x``."""
    seed, shape = setting.seed, network(setting)
    if method_id == "sngp":
        config = sngp_config(setting)
        if x is not None:
            return sngp.forming(shape, arrays[0], config, seed, x)
        return sngp.GaussianProcess(shape, arrays[0], config, seed)
    if method_id == "mc_dropout":
        return ThinnedNetworks(shape, arrays[0], seed)
    if method_id == "svi_flipout":
        return WeightPosterior(shape, arrays[0], seed, **({} if x is None else {"block": FORMING_SAMPLES}))
    return stacked(shape, arrays)


def diverged(method_id: str, epoch: int, what: str) -> UqError:
    """The sentence for a training that leads nowhere."""
    return UqError(
        f"{METHODS[method_id].label} diverged in epoch {epoch}: expected finite numbers, received {what}. A lower "
        "learning rate helps."
    )
