"""The Keras question's own loop beside `predict_with_uncertainty`, on one network."""

from __future__ import annotations

import numpy as np
import tf_keras as keras

from uqcore.fitting import article_cnn
from uqcore.fitting.loop import seed_everything
from uqcore.keras_dropout import predict_with_uncertainty
from uqcore.types import Fitted, FloatArray, Progress, Report, Split


def compare(train: Split, x: FloatArray, n_iter: int, seed: int, report: Report) -> Fitted:
    """Trains the MNIST article's network for one epoch, then takes ``n_iter`` passes at ``x`` in both ways.

    What it leaves is ``loop/mean``, ``loop/variance``, ``ours/mean`` and ``ours/variance``, ``(N, 10)`` each.
    """
    seed_everything(seed)
    model = article_cnn.build()
    model.compile(optimizer=keras.optimizers.Adam(), loss=keras.losses.SparseCategoricalCrossentropy())
    model.fit(train.x, train.y, batch_size=128, verbose=0)
    report(Progress(1, 3, {}))
    passes = np.stack([model(x, training=True).numpy() for _ in range(n_iter)])
    report(Progress(2, 3, {}))
    mean, variance = predict_with_uncertainty(model, x, n_iter, seed=seed)
    report(Progress(3, 3, {}))
    compared = {
        "loop/mean": passes.mean(axis=0),
        "loop/variance": passes.var(axis=0),
        "ours/mean": mean,
        "ours/variance": variance,
    }
    n_parameters = model.count_params()
    return Fitted(compared, n_parameters, n_parameters, {})
