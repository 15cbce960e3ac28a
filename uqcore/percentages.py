"""Shares as percentages that never lie by rounding."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """With as many digits as it takes to never show a false 0 % or 100 %; a dash for what does not exist."""
    if math.isnan(share):
        return "–"
    from_end = 100 * min(share, 1 - share)
    digits = max(0, 2 - math.floor(math.log10(from_end))) if from_end > 0 else 0
    text = f"{100 * share:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits else text) + "\u00a0%"
