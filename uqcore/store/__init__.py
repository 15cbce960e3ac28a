"""`cached_models/`: trained models with checksums, written in one step, read without unpickling."""

from uqcore.store.arrays import widened
from uqcore.store.store import (
    CHECKPOINTS_VARIABLE,
    MODELS_VARIABLE,
    FileCheck,
    Store,
    StoreError,
    all_files,
    default_store,
    rebuild_command,
    tables_command,
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
    "tables_command",
    "widened",
]
