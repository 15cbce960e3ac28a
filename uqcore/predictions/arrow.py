"""Arrow without pandas."""

from __future__ import annotations

import sys
import threading
from functools import cache
from importlib.abc import MetaPathFinder


@cache
def leave_out_pandas() -> None:
    """From here on Arrow does without pandas, which it loads at its first array, to ask whether that is one of pandas'.

    In a server these were 50 MB and a quarter of a second of somebody's visit, in a process that unpacks a file half of
    what it took. What converts a data frame still loads pandas, and Arrow knows it then. Until that, Arrow takes a
    Series for any sequence: for processes of our own, not for those of people who use the library.
    """
    import pyarrow as pa

    finder = _NoPandas(threading.get_ident())
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])  # it asks once a process
    finally:
        sys.meta_path.remove(finder)


class _NoPandas(MetaPathFinder):
    """Whoever looks for pandas in one thread finds none; another may be about to show a table."""

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas" and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(fullname, name=fullname)
