"""`cached_models/`: trained models with checksums, written in one step, read without unpickling."""

from uqcore.store.store import (
    CHECKPOINTS_VARIABLE,
    MODELS_VARIABLE,
    FileCheck,
    Store,
    StoreError,
    all_files,
    default_store,
    rebuild_command,
    widened,
)

__all__ = [
    "CHECKPOINTS_VARIABLE",
    "MODELS_VARIABLE",
    "FileCheck",
    "Store",
    "StoreError",
    "all_files",
    "default_store",
    "rebuild_command",
    "widened",
]
