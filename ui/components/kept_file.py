"""A file that survives a reload of the page: the browser's tab keeps it, and chooses it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ui.components.mounting import register

_mount = register("kept_file")


Wish = Literal["keep", "restore", "forget"]


def kept_file(role: str, place: str, wish: Wish, with_it: Sequence[str] = ()) -> None:
    """Have this browser's tab keep what is chosen in an uploader, up to some megabytes, until the tab is closed.

    Nothing of it is in the link, in another tab or, beyond the visit, on the server: after a reload the tab puts the
    file into the uploader, as its visitor did.

    Args:
        role: what the file is kept as.
        place: the key of the uploader.
        wish: ``restore`` puts what is kept into the uploader, once; ``forget`` drops it.
        with_it: roles of files that are dropped with it, and when another one is chosen here.
    """
    _mount(key=f"kept_{role}", data={"role": role, "place": place, "wish": wish, "with_it": list(with_it)})
