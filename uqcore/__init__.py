"""The core of Uncertainty Lab: data, methods, samples, measures, thresholds. It imports no Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uqcore.keras_dropout import predict_with_uncertainty

__all__ = ["predict_with_uncertainty"]


def __getattr__(name: str) -> Any:
    """Import what `__all__` names when it is first asked for (PEP 562): ``import uqcore`` itself loads nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from uqcore import keras_dropout

    return getattr(keras_dropout, name)
