"""What a package exports, imported when it is first asked for (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exports(
    names: Mapping[str, Any], places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of the package whose ``globals()`` are ``names``; ``places``: name -> module."""

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {names['__name__']!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    def listed() -> list[str]:
        return sorted({*names, *places})

    return get, listed
