"""The core of Uncertainty Lab: data, methods, samples, measures, thresholds. It imports no Streamlit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uqcore.keras_dropout import predict_with_uncertainty
    from uqcore.selection.policy import ThresholdPolicy

__all__ = ["ThresholdPolicy", "predict_with_uncertainty"]

_PLACES = {"ThresholdPolicy": "uqcore.selection.policy", "predict_with_uncertainty": "uqcore.keras_dropout"}


def __getattr__(name: str) -> Any:
    """Import what `__all__` names when it is first asked for (PEP 562): ``import uqcore`` itself loads nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
