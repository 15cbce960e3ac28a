"""What is not installed everywhere, and the sentence where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from uqcore.types import UqError


def check_tensorflow(task: str = "This", module: str = "tensorflow") -> None:
    """UqError, with the command that adds it, unless TensorFlow is installed; it is not loaded.

    Args:
        task: what needs it, as a sentence begins.
        module: what is looked for: TensorFlow itself, or what comes with it.
    """
    if find_spec(module) is None:
        raise UqError(
            f"{task} needs TensorFlow, which is not installed here: in a checkout run `make .venv/train.stamp` or "
            "`pip install '.[train]'`."
        )
