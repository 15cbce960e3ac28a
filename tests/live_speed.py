"""`make speed`: what two moons' "Train now" takes on this machine, without a browser; one line of JSON.

Of each preset: the seconds that were said, those from Train to the first frame and to the final surfaces, frames a
second, CPU, and what was learned. With ``--estimates`` also the CPU seconds of a spread of settings beside those
expected, which do not depend on what else the machine does as much as seconds do.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import replace

from tests.load import quantile
from uqcore.live import LIVE_METHODS, PRESETS, Setting
from uqcore.live.estimate import cpu_seconds, pace
from uqcore.live.jobs import Jobs
from uqcore.networks.parallel import one_blas_thread

_POLL_S = 0.01
_TOLD = 1 / 3
"""What an estimate may be off, as a share of what a training took."""

_WIDE = {"depth": 2, "width": 256, "epochs": 20}
SPREAD: Mapping[str, Setting] = {
    **{name: replace(preset, seed=1) for name, preset in PRESETS.items()},
    **{f"{method_id} alone": Setting(methods=(method_id,)) for method_id in LIVE_METHODS},
    **{f"{kind}, three classes": Setting(kind=kind, n_classes=3) for kind in ("circles", "blobs", "spirals")},
    "own points": Setting(kind="own", points=((-1.0, 0.0, 0), (1.0, 0.0, 1), (0.0, 1.5, 2))),
    "few points": Setting(n_points=50),
    "many points": Setting(n_points=2000, epochs=20),
    "deep and narrow": Setting(depth=12, width=16),
    "shallow and wide": Setting(**_WIDE),  # type: ignore[arg-type]
    "an ensemble of ten": Setting(n_members=10, methods=("deterministic", "deep_ensemble")),
    "an ensemble of two": Setting(n_members=2, methods=("deterministic", "deep_ensemble")),
    "many features": Setting(n_random_features=2048, methods=("deterministic", "sngp")),
    "few features": Setting(n_random_features=64, methods=("deterministic", "sngp")),
    "one epoch": Setting(epochs=1),
    "many epochs of a small one": Setting(depth=1, width=16, epochs=300, n_random_features=64, n_members=2),
    "SVI three times": Setting(svi_epochs=3, methods=("svi_flipout",)),
}


def of_preset(name: str, seed: int) -> dict[str, object]:
    """What a visitor sees of it, as the page asks: several times a second."""
    setting, jobs = replace(PRESETS[name], seed=seed), Jobs()
    said_s, started = jobs.estimate_s(setting), time.monotonic()
    job, arrived, n = jobs.submit("visitor", setting), list[float](), 0
    while not job.over.wait(_POLL_S):
        jobs.job("visitor")
        if (drawn := sum(bool(frame.tables) for frame in job.frames)) > n:
            arrived, n = [*arrived, *[time.monotonic() - started] * (drawn - n)], drawn
    took_s, trained = time.monotonic() - started, job.trained
    jobs.close()
    if trained is None:
        return {"error": job.error}
    gaps = [after - before for before, after in itertools.pairwise(arrived)]
    return {
        "said_s": round(said_s, 1),
        "first_frame_s": round(arrived[0], 2),
        "final_s": round(took_s, 1),
        "cpu_s": round(trained.cpu_s, 1),
        "frames_a_second": round((len(arrived) - 1) / (arrived[-1] - arrived[0]), 1),
        "gap_p95_ms": quantile([1000 * gap for gap in gaps], 0.95),
        "losses": {method_id: round(each.loss, 4) for method_id, each in trained.figures.items()},
        "auroc": {method_id: round(each.auroc, 3) for method_id, each in trained.outcomes.items()},
    }


def _cpu_of_workers() -> float:
    """Of all that are gone, their starts included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_settings(settings: Mapping[str, Setting]) -> dict[str, dict[str, object]]:
    """CPU seconds as they were said, and as they came; one after the other."""
    found: dict[str, dict[str, object]] = {}
    jobs = Jobs()
    for name, setting in settings.items():
        said_s, before_s, job = (
            cpu_seconds(setting, jobs.n_processes) * pace(),
            _cpu_of_workers(),
            jobs.submit("visitor", setting),
        )
        while not job.over.wait(_POLL_S):
            jobs.job("visitor")
        if job.trained is None:
            found[name] = {"error": job.error}
            continue
        took_s = _cpu_of_workers() - before_s
        off = said_s / took_s - 1
        found[name] = {"said_s": round(said_s, 2), "cpu_s": round(took_s, 2), "off": f"{off:+.0%}"}
        found[name] |= {"drawn": len(job.drawn), "right": abs(off) <= _TOLD}
        print(name, found[name], file=sys.stderr, flush=True)
    jobs.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--estimates", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("presets", nargs="*", default=[*PRESETS])
    arguments = parser.parse_args()
    one_blas_thread()  # as on a server
    found: dict[str, object] = {"pace": round(pace(), 2)}
    for name in arguments.presets:
        found[name] = of_preset(name, arguments.seed)
        print(name, found[name], file=sys.stderr, flush=True)
    if arguments.estimates:
        measured = of_settings(SPREAD)
        found["estimates"] = measured
        found["estimates_right"] = f"{sum(bool(each.get('right')) for each in measured.values())} of {len(measured)}"
    print(json.dumps(found))


if __name__ == "__main__":
    main()
