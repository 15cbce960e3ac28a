"""How long a visitor waits for the server, and how long the naive way takes, run by turns on the same machine.

Mostly that is the way of the tutorials: one Keras call a sample (`uqcore.fitting.naive`).
"""

from __future__ import annotations

import ast
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.special import logsumexp

from uqcore import datasets
from uqcore.bench import selection, training
from uqcore.bench.contest import Contest, Way
from uqcore.datasets.moons import GRID
from uqcore.exhibits.moons import VIEWS, Plane
from uqcore.exhibits.one_image import NOISE_STEPS, ROTATION_STEPS, Corruption, key
from uqcore.exhibits.verdicts import judge
from uqcore.methods import METHODS
from uqcore.methods.base import config_from_dict
from uqcore.methods.on_features import features_of
from uqcore.metrics import regression
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.sampling import SampleBank, draw, load_posterior
from uqcore.plots.sweep import sweep
from uqcore.store import default_store
from uqcore.types import Dataset, Draws, FloatArray, Posterior, UqError

SAMPLED = ("deterministic", "mc_dropout", "deep_ensemble", "sngp", "svi_flipout")
"""The methods that `uqcore.fitting.naive` samples in the way of the tutorials."""

ROOT = Path(__file__).resolve().parents[2]
FIRST_PAGE = "imports of the first page"
_MEASURE, _VIEW = "predictive_entropy", VIEWS["uncertainty"]
_EXAMPLES, _NAIVE_TRAIN = 1000, 20_000
_SAMPLES, _SWEEP_SAMPLES, _NEW_SAMPLES = 50, 20, 10  # of the page's defaults, its sweeps, a step of its slider

Sample = Callable[[str, FloatArray, int], Draws]
"""``(method_id, x, n_samples) -> draws``."""


@dataclass(frozen=True)
class Result:
    """Medians, in seconds, over ``n_runs`` runs of either way."""

    name: str
    seconds: float
    naive_s: float | None
    n_runs: int
    note: str

    @property
    def ratio(self) -> float | None:
        """How many times as long the naive way takes."""
        return None if self.naive_s is None else self.naive_s / self.seconds


def run(announce: Callable[[str], None]) -> Iterator[Result]:
    """Every benchmark; ``announce`` is told, in whole lines, the machine, what is being timed and what is skipped."""
    announce(_machine())
    yield from run_all(BENCHMARKS, announce)


def run_all(benchmarks: Mapping[str, Callable[[], Contest]], announce: Callable[[str], None]) -> Iterator[Result]:
    """Times each contest as it is prepared; one that cannot be prepared or run is announced and left out."""
    for name, prepare in benchmarks.items():
        announce(f"timing {name} ...")
        try:
            contest = prepare()
            seconds, naive_s = compare(contest, contest.n_runs, contest.clock)
        except UqError as error:
            announce(f"skipped {name}: {error}")
            continue
        note = "no naive way: its library is not installed" if contest.naive is None else contest.note
        yield Result(name, seconds, naive_s, contest.n_runs, note)


def compare(
    contest: Contest, n_runs: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, float | None]:
    """Median seconds of ours and of the naive way, run by turns; run 0 of either warms up and is not counted."""
    ours, naive = [], []
    for i in range(n_runs + 1):
        ours.append(_timed(contest.ours, i, clock))
        if contest.naive is not None:
            naive.append(_timed(contest.naive, i, clock))
    return median(ours[1:]), median(naive[1:]) if naive else None


def _timed(way: Way, i: int, clock: Callable[[], float]) -> float:
    started = clock()
    way(i)
    return clock() - started


def _has_tensorflow() -> bool:
    return all(find_spec(name) is not None for name in ("tensorflow", "tf_keras", "official"))


def _machine() -> str:
    """The processor, and the versions that matter."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {processor}; Python {platform.python_version()}, NumPy {np.__version__}"


class _Models:
    """The stored models of seed 0 on one task, with their banks and, where it can be had, their naive way."""

    def __init__(self, task: str, *method_ids: str) -> None:
        self._store = default_store()
        self._records = {name: self._store.find(task, name) for name in method_ids or SAMPLED}
        self.posteriors = {name: load_posterior(self._store, record) for name, record in self._records.items()}
        self._banks = {name: SampleBank(posterior) for name, posterior in self.posteriors.items()}

    def take(self, method_id: str, x: FloatArray, n_samples: int) -> Draws:
        """From the bank: only what is missing is drawn."""
        return self._banks[method_id].take(key(x), x, n_samples)

    def draw(self, method_id: str, x: FloatArray, n_samples: int) -> Draws:
        """Without the bank: everything is drawn."""
        return draw(self.posteriors[method_id], x, n_samples)

    def naive(self, work: Callable[[Sample, int], object], compiled: bool = False) -> Way | None:
        """``work`` with samples from Keras, or None where TensorFlow is not installed."""
        if not _has_tensorflow():
            return None
        from uqcore.fitting.naive import sampler

        keras = {name: sampler(row, self._store.arrays(row), compiled) for name, row in self._records.items()}
        return partial(work, lambda name, x, n_samples: keras[name](x, n_samples))


def _digit_lab(with_sweeps: bool) -> Contest:
    """A new image in every run: all draws, verdicts and, if asked for, both curves with their figures."""
    models, images = _Models("digits"), datasets.load("digits").test.x

    def work(sample: Sample, i: int) -> None:
        corruption = Corruption(noise=0.2, rotation=10.0, seed=i)
        x = corruption.apply(images[i])
        for name in SAMPLED:
            judge(sample(name, x, _SAMPLES), _MEASURE, 0.5)
        if with_sweeps:
            _figure(sample, NOISE_STEPS, corruption.noise_sweep(images[i]))
            _figure(sample, ROTATION_STEPS, corruption.rotation_sweep(images[i]))

    return Contest(partial(work, models.take), models.naive(work), "naive: one Keras call a sample")


def _figure(sample: Sample, steps: Sequence[float], inputs: FloatArray) -> None:
    lines = {name: MEASURES[_MEASURE].compute(sample(name, inputs, _SWEEP_SAMPLES)) for name in SAMPLED}
    sweep(steps, lines, x_title="step", y_title=_MEASURE, threshold=0.5, now=0.0)


def _surfaces(plane: Plane, sample: Sample, n_samples: int) -> None:
    for name in SAMPLED:
        plane.surface(_VIEW, sample(name, plane.points, n_samples), 0.5)


def _drawn_samples() -> Contest:
    """The slider moves over samples that the bank holds."""
    models, plane = _Models("moons"), Plane(datasets.load("moons"))
    _surfaces(plane, models.take, _SAMPLES)
    return Contest(
        lambda i: _surfaces(plane, models.take, _SAMPLES - i),
        lambda i: _surfaces(plane, models.draw, _SAMPLES - i),
        "naive: our own draws, made anew",
    )


def _new_samples() -> Contest:
    """The slider moves to samples that the bank does not hold yet."""
    models, plane = _Models("moons"), Plane(datasets.load("moons"))
    return Contest(
        lambda i: _surfaces(plane, models.take, (i + 1) * _NEW_SAMPLES),
        models.naive(lambda sample, i: _surfaces(plane, sample, _NEW_SAMPLES), compiled=True),
        "naive: one tf.function call a sample, for the new samples alone",
    )


def _mc_dropout(compiled: bool) -> Contest:
    """Nothing is kept of the draws."""
    models, x = _Models("digits", "mc_dropout"), datasets.load("digits").test.x[:_EXAMPLES]
    return Contest(
        lambda i: models.draw("mc_dropout", x, _SAMPLES),
        models.naive(lambda sample, i: sample("mc_dropout", x, _SAMPLES), compiled),
        f"naive: a loop of {'tf.function(model)' if compiled else 'model'}(x, training=True)",
    )


def _sngp_variance() -> Contest:
    """The official layer gives the covariance of all 10,000 points, of which the variance is the diagonal."""
    models, x = _Models("moons", "sngp"), GRID.points()
    return Contest(
        lambda i: models.posteriors["sngp"].closed_form(x),
        models.naive(lambda sample, i: sample("sngp", x, 1)),
        "naive: the official layer with its full covariance",
    )


def _feature_density() -> Contest:
    """SciPy's Gaussians, one after the other, on the same features."""
    config, features, posterior, x, data = _scored("feature_density")
    train = features(data.train.x[:_NAIVE_TRAIN]).astype(np.float64)
    labels = data.train.y[:_NAIVE_TRAIN]
    means = [train[labels == k].mean(axis=0) for k in range(len(data.class_names))]
    pooled = np.cov((train - np.stack(means)[labels]).T, bias=True)
    pooled += config.ridge * np.trace(pooled) / len(pooled) * np.eye(len(pooled))

    def naive(i: int) -> None:
        from scipy.stats import multivariate_normal

        wide = features(x)
        logsumexp([multivariate_normal(mean, pooled).logpdf(wide) for mean in means], axis=0)

    return Contest(lambda i: posterior.score(x), naive, "naive: SciPy's density of each class on the same features")


def _nearest_neighbours() -> Contest:
    """The paper's way: all training examples."""
    config, features, posterior, x, data = _scored("nearest_neighbours")
    train = features(data.train.x)

    def naive(i: int) -> None:
        from sklearn.neighbors import NearestNeighbors

        NearestNeighbors(n_neighbors=config.k, algorithm="brute").fit(train).kneighbors(features(x))

    note = f"naive: scikit-learn's search among all {len(train):,} training digits"
    return Contest(lambda i: posterior.score(x), naive, note)


def _scored(
    method_id: str,
) -> tuple[Any, Callable[[FloatArray], FloatArray], Posterior, FloatArray, Dataset]:
    """A method that scores features: its configuration, features and model on digits, inputs, and the data."""
    store, data = default_store(), datasets.load("digits")
    record = store.find("digits", method_id)
    config: Any = config_from_dict(METHODS[method_id].configs["digits"], record.config)
    features = features_of("digits", config, store.arrays(record)[0]).of
    return config, features, load_posterior(store, record), data.test.x[:_EXAMPLES], data


def _sine() -> Contest:
    """Every method's functions on the test points and outside the data; how far apart they lie stands in the note."""
    models, data = _Models("sine"), datasets.load("sine")

    def ratios(sample: Sample) -> dict[str, dict[str, float]]:
        spreads = {
            name: [regression.functions(sample(name, x, _SAMPLES)).std for x in (data.test.x, *data.ood.values())]
            for name in SAMPLED
        }
        return {
            name: regression.std_ratios(on, dict(zip(data.ood, off, strict=True)))
            for name, (on, *off) in spreads.items()
        }

    found = ", ".join(
        f"{METHODS[name].label} " + " / ".join(f"{ratio:.2f}" for ratio in of_method.values())
        for name, of_method in ratios(models.draw).items()
        if not any(map(math.isnan, of_method.values()))
    )
    note = f"naive: one Keras call a sample; std outside the data ({' / '.join(data.ood)}) / that on the data: {found}"
    return Contest(lambda i: ratios(models.draw), models.naive(lambda sample, i: ratios(sample)), note)


def _of_tuple(prepare: Callable[[], tuple[Way, Way | None, str]]) -> Contest:
    return Contest(*prepare())


def _first_page() -> Contest:
    """A new process each: what the first page imports."""
    try:
        page = ast.parse((ROOT / "app.py").read_text())
    except OSError as error:
        raise UqError(f"The first page is timed in a checkout of the repository. Received: {error}.") from None
    imports = [ast.unparse(node) for node in page.body if isinstance(node, ast.Import | ast.ImportFrom)]
    ours = [*imports, "import sys", "if 'tensorflow' in sys.modules: sys.exit('it imports TensorFlow')"]
    naive = ["import tensorflow", *imports]
    return Contest(
        lambda i: _in_new_process(ours),
        (lambda i: _in_new_process(naive)) if _has_tensorflow() else None,
        "naive: TensorFlow imported as well",
    )


def _in_new_process(lines: Sequence[str]) -> None:
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UqError(f"The imports of the first page failed: {done.stderr.strip().splitlines()[-1]}.")


BENCHMARKS: Mapping[str, Callable[[], Contest]] = {
    "digit lab: five methods, 50 samples": partial(_digit_lab, with_sweeps=False),
    "digit lab: the same with both sweeps": partial(_digit_lab, with_sweeps=True),
    "two moons: slider over drawn samples": _drawn_samples,
    "two moons: slider to 10 new samples": _new_samples,
    "MC Dropout: 50 samples of 1,000 digits": partial(_mc_dropout, compiled=False),
    "MC Dropout: the same against tf.function": partial(_mc_dropout, compiled=True),
    "SNGP: variance on the 100 x 100 grid": _sngp_variance,
    "feature density: score of 1,000 digits": _feature_density,
    "nearest neighbours: score of 1,000 digits": _nearest_neighbours,
    "sine: five methods, 50 functions": _sine,
    **training.CONTESTS,
    **{name: partial(_of_tuple, prepare) for name, prepare in selection.CONTESTS.items()},
    FIRST_PAGE: _first_page,
}
