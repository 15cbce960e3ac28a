"""A public example with class names and groups: breast cancer, Wisconsin (diagnostic), as scikit-learn has it.

``python -m uqcore.predictions.breast_cancer`` makes the file anew; serving reads it and needs no scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

from uqcore import checked

FILE = Path(__file__).parent / "data" / "breast_cancer.csv"
NAME = "Breast cancer (Wisconsin)"
SENTENCE = (
    "569 tumours of the Wisconsin breast cancer data (Wolberg et al. 1995, CC BY 4.0), each predicted from its radius "
    "and texture by a logistic regression that had not seen it; the groups are thirds by radius."
)
_FOLDS, _SEED = 10, 0


def data() -> bytes:
    """The file. UqError: it is missing or damaged."""
    checked.check(FILE)
    return FILE.read_bytes()


def make(path: Path = FILE) -> None:
    """Write the out-of-fold predictions of a logistic regression on two standardised features, in 10 stratified folds.

    Two, because on all 30 it is nearly always right and there is nothing to defer.
    A row an example: ``id``, the probabilities ``malignant`` and ``benign``, the true ``diagnosis``, and as ``group``
    the third, by mean radius, that the tumour is in.
    """
    import numpy as np
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_breast_cancer()
    x = data.data[:, [list(data.feature_names).index(name) for name in ("mean radius", "mean texture")]]
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    benign = cross_val_predict(model, x, data.target, cv=folds, method="predict_proba")[:, 1]
    thirds = np.digitize(x[:, 0], np.quantile(x[:, 0], [1 / 3, 2 / 3]))
    lines = ["id,malignant,benign,diagnosis,group"]
    for i, p in enumerate(benign.round(5).tolist()):
        group = ("small", "middle", "large")[thirds[i]]
        lines.append(f"t{i + 1:03d},{1 - p:.5f},{p:.5f},{data.target_names[data.target[i]]},{group}")
    checked.write(path, "\n".join([*lines, ""]).encode())


if __name__ == "__main__":
    make()
