"""A training's networks on one or two processes. What they learn does not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Collection, Iterable, Mapping
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from uqcore.live.half import Drawn, Finished, Half
from uqcore.live.pupils import forming, places
from uqcore.live.setting import Setting
from uqcore.live.split import Split, split
from uqcore.networks.backward import Figures
from uqcore.types import UqError, Weights


class Team:
    """This process's half, and the other one's if there is one.

    A process that forks has one thread, and its input and output are idle meanwhile. The second one ends with it.
    """

    def __init__(self, setting: Setting, n_processes: int = 1) -> None:
        self._setting, theirs = setting, split(setting, n_processes)
        self._theirs = theirs or Split()
        self._partner = None if theirs is None else _Partner(setting, theirs.networks)
        self._own = Half(setting, _all_of(places(setting)) - self._theirs.networks)

    def learn(self) -> dict[int, Figures]:
        """An epoch: place -> figures."""
        return self._both("learn")

    def surfaces(self, epoch: int) -> dict[str, Drawn]:
        """See `Half.surfaces`."""
        here, there = self._shared(self._theirs.drawn)
        needed = forming(self._setting)
        missing = _all_of(needed, here) & self._theirs.networks
        borrowed = self._partner.ask("weights", missing) if self._partner and missing else {}
        lent = self._own.weights(_all_of(needed, there))
        return self._both("surfaces", (here, epoch, borrowed), (there, epoch, lent))

    def finish(self) -> tuple[dict[int, Weights], dict[str, Finished]]:
        """The final arrays, by place, and what the methods say by them."""
        arrays: dict[int, Weights] = self._both("graduate")
        for each in arrays.values():
            for array in each.values():
                array.flags.writeable = False
        here, there = self._shared(self._theirs.finished)
        missing = _all_of(places(self._setting), there) - self._theirs.networks
        lent = {place: arrays[place] for place in missing}
        return arrays, self._both("finish", (here, arrays), (there, lent))

    def _shared(self, theirs: frozenset[str]) -> tuple[list[str], list[str]]:
        """The methods of this process and of the other one."""
        methods = self._setting.methods
        return [name for name in methods if name not in theirs], [name for name in methods if name in theirs]

    def cpu_s(self) -> float:
        """CPU seconds of all processes so far."""
        return self._own.cpu_s() + (self._partner.ask("cpu_s") if self._partner else 0.0)

    def _both(self, question: str, here: tuple[Any, ...] = (), there: tuple[Any, ...] = ()) -> dict[Any, Any]:
        ask = getattr(self._own, question)
        if self._partner is None:
            return dict(ask(*here))
        self._partner.say(question, *there)
        return ask(*here) | self._partner.answer()

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._partner is not None:
            self._partner.close()


def _all_of(networks: Mapping[str, Collection[int]], methods: Iterable[str] | None = None) -> frozenset[int]:
    """The places of all networks of some methods, or of every one."""
    return frozenset(place for name in (networks if methods is None else methods) for place in networks[name])


class _Partner:
    """A second process with a half of its own."""

    def __init__(self, setting: Setting, own: frozenset[int]) -> None:
        # It starts with all that is imported here: a new interpreter would take a quarter of a second longer.
        context = multiprocessing.get_context("fork")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(setting, own, other, self._connection), daemon=True)
        self._process.start()
        other.close()

    def ask(self, question: str, *arguments: Any) -> Any:
        self.say(question, *arguments)
        return self.answer()

    def say(self, question: str, *arguments: Any) -> None:
        try:
            self._connection.send((question, arguments))
        except OSError:
            raise _gone() from None

    def answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise _gone() from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.kill()  # if one half has failed, nobody waits for the other
        self._process.join()


def _serve(setting: Setting, own: frozenset[int], connection: Connection, other_end: Connection) -> None:
    """The second process's life: it answers until nobody asks any more."""
    other_end.close()
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    half = Half(setting, own)
    try:
        while True:
            question, arguments = connection.recv()
            try:
                answer = getattr(half, question)(*arguments)
            except Exception as error:
                error.add_note("".join(traceback.format_exception(error)))  # it is raised again in the first one
                answer = error
            connection.send(answer)
    except (EOFError, OSError):
        os._exit(0)


def _end_with_the_first() -> None:
    """In the middle of its work, too."""
    first = multiprocessing.parent_process()
    assert first is not None
    first.join()
    os._exit(1)


def _gone() -> UqError:
    return UqError("One of the training's two processes was ended by the system; train again.")
