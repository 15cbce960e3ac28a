"""What the regression page says."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ui.words import listed, table
from uqcore.exhibits.functions import Figures
from uqcore.text import percent


def who_widens_in_the_gap(ratios: Mapping[str, float]) -> str:
    """The answer of the regression page, in Markdown: whose functions lie farther apart where there is no data."""
    if not ratios:
        return "No trained model can be shown."
    wider = [f"**{label}** {ratio:.3g} times" for label, ratio in ratios.items() if ratio > 1]
    others = [f"**{label}** {ratio:.2g}" for label, ratio in ratios.items() if ratio <= 1]
    silent = [label for label, ratio in ratios.items() if math.isnan(ratio)]
    said = ["In the shaded gap there is no data."]
    if wider:
        said.append(f"How much farther do the sampled functions lie apart there than on the data? {listed(wider)}.")
    if others:
        start = "Not farther" if wider else "No method's sampled functions lie farther apart there than on the data"
        said.append(f"{start}: {listed(others)} times.")
    if silent:
        said.append(
            f"**{listed(silent)}** {'draws one line' if len(silent) == 1 else 'draw one line each'} and no band."
        )
    return " ".join(said)


def regression_table(figures: Mapping[str, Figures]) -> str:
    """A row a method, with what it scores on test points."""
    rows = [
        [
            label,
            *("–" if math.isnan(ratio) else f"{ratio:.2f} times" for ratio in f.std_ratio.values()),
            f"{f.rmse:.3f}",
            f"{f.nll:.3f}",
            f"{f.crps:.4f}",
            percent(f.coverage),
            f"{f.width:.3f}",
            f"{f.calibration_error:.3f}",
        ]
        for label, f in figures.items()
    ]
    head = ["", "in the gap", "beyond", "RMSE", "NLL", "CRPS", f"{percent(0.9)} covers", "its width", "quantile error"]
    return table(head, rows)
