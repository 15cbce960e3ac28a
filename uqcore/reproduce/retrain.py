"""Everything that the rows rest on, trained from nothing."""

from __future__ import annotations

from functools import partial

from uqcore.models import training
from uqcore.models.training import ReportModel
from uqcore.reproduce import keras_question, mnist_entropy, sngp_tutorial
from uqcore.reproduce.trainings import run, store_beside
from uqcore.store import Store
from uqcore.store.manifest import default_id

MODELS = (
    ("moons", "deep_ensemble"),
    ("moons", "mc_dropout"),
    ("moons", "sngp"),
    ("digits", "mc_dropout"),
    ("sine", "svi_flipout"),
)
"""The dashboard's models that rows are made of; those that they are made of in turn are trained with them."""

TRAININGS = (sngp_tutorial.TRAINING, keras_question.TRAINING, mnist_entropy.ARTICLE, mnist_entropy.TODAY)


def retrain(store: Store, report: ReportModel) -> None:
    """Trains into ``store`` what is not there yet, so that it goes on where it was interrupted: an hour or two.

    Raises:
        UqError: the store cannot be written.
    """
    store.check_writable()
    for task, method_id in MODELS:
        if not _is_there(store, default_id(task, method_id, 0)):
            training.train(store, task, method_id, 0, report=report)
    for kind in TRAININGS:
        for seed in kind.seeds:
            name = kind.model_id(seed)
            if not _is_there(store_beside(store), name):
                run(store, kind, seed, partial(report, name))


def _is_there(store: Store, model_id: str) -> bool:
    rows = [record for record in store.records() if record.model_id == model_id]
    return bool(rows) and all(check.problem is None for check in store.verify(rows))
