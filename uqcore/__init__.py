"""See, measure and use what a neural network does not know: measures, thresholds with a guarantee, trained models.

``uqcore.tune`` takes arrays to a policy. Importing this package loads nothing and changes nothing in the process; what
`__all__` names is imported when it is first asked for (PEP 562). It imports no Streamlit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uqcore.lazy import exports

if TYPE_CHECKING:
    from uqcore.keras_dropout import predict_with_uncertainty
    from uqcore.metrics.uncertainty import MEASURES
    from uqcore.predictions import Predictions, read_predictions
    from uqcore.selection import Costs, ThresholdPolicy
    from uqcore.tuning.arrays import TunedPolicy, tune
    from uqcore.types import UqError

__version__ = "0.2.0"

__all__ = [
    "MEASURES",
    "Costs",
    "Predictions",
    "ThresholdPolicy",
    "TunedPolicy",
    "UqError",
    "__version__",
    "predict_with_uncertainty",
    "read_predictions",
    "tune",
]

_PLACES = {
    "MEASURES": "uqcore.metrics.uncertainty",
    "Costs": "uqcore.selection.cost",
    "Predictions": "uqcore.predictions",
    "ThresholdPolicy": "uqcore.selection.policy",
    "TunedPolicy": "uqcore.tuning.arrays",
    "UqError": "uqcore.types",
    "predict_with_uncertainty": "uqcore.keras_dropout",
    "read_predictions": "uqcore.predictions",
    "tune": "uqcore.tuning.arrays",
}

__getattr__, __dir__ = exports(globals(), _PLACES)
