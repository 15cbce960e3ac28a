"""MC Dropout through any Keras model that a person brings, of Keras 3 or tf_keras; imports neither by itself."""

from uqcore.keras_dropout.files import predict_file
from uqcore.keras_dropout.prediction import Prediction, predict_with_uncertainty

__all__ = ["Prediction", "predict_file", "predict_with_uncertainty"]
