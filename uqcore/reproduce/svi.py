"""The article on stochastic variational inference: a band around sin x that is to be wider where there are no data."""

from __future__ import annotations

from uqcore.models.evaluation import RegressionEvaluation, evaluate
from uqcore.reproduce.rows import Row, Source, claim
from uqcore.store import Store

TITLE = "SVI article"
N_SAMPLES = 200


def rows(store: Store) -> list[Row]:
    """The standard deviation of the sampled functions in the gap, as a multiple of that on the data.

    Raises:
        UqError: the model cannot be read.
    """
    figures = evaluate(store, store.find("sine", "svi_flipout"), N_SAMPLES)
    assert isinstance(figures, RegressionEvaluation)
    ratios = dict(figures.std_ratio)
    return [
        claim(
            TITLE,
            "standard deviation in the gap [-1, 1] against that on the data",
            "the band is wider where there are no data (picture)",
            f"{ratios['gap']:.2f} times ({ratios['gap'] * figures.std_on_data:.3f} and {figures.std_on_data:.3f})",
            ratios["gap"] > 1,
            "more than once",
            {f"times that on the data, {place}": [ratio] for place, ratio in ratios.items()},
            f"Beyond the data, at |x| > 4: {ratios['beyond']:.2f} times. Of {N_SAMPLES} functions, without the noise.",
        )
    ]


SOURCE = Source(
    title=TITLE,
    same="Flipout, three layers of 100, prior N(0, 1), rho from -3, KL weight 1e-4 / 64, Adam at 1e-3, 1,000 epochs in "
    "batches of 64, sin x at 100 points on either side of the gap.",
    differs="Here y is noisy (standard deviation 0.1). The picture is turned into a number.",
    rows=rows,
)
