"""``results.json``: what was measured, a number a seed. What follows from it, `rows` works out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from uqcore import strict_json as check
from uqcore.scoreboard.metrics import METRICS
from uqcore.types import UqError

FORMAT = 2
RESULTS = Path(__file__).with_name("results.json")
_MOST_BYTES = 2**22
_DIGITS = 5


class Key(NamedTuple):
    """Which figure: a key of `METRICS`; the score that ranks, "" where none does; the unseen set or shift, "" for none.

    A shift is named with its strength, e.g. ``rotation:30``.
    """

    metric: str
    score: str = ""
    unseen: str = ""


class Curve(NamedTuple):
    """A line to draw, the mean over the seeds: ``x`` rising, ``y`` and, of reliability, how many inputs in ``n``."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    n: tuple[float, ...] = ()


@dataclass(frozen=True)
class Result:
    """One method, or control, on one task.

    Attributes:
        seeds: of the runs, in order; one, 0, where nothing is random.
        models: of each seed, the fingerprint of the model's files (see `uqcore.scoreboard.systems.fingerprint`), ""
            where there is none.
        values: the figures, one a seed.
        undefined: why a figure has no value, one sentence.
        n_examples: set's name -> how many inputs; ``test`` too. What Wilson intervals count.
        curves: ``risk_coverage``, ``roc`` or ``reliability`` with score and unseen set -> the line.
    """

    task: str
    method: str
    seeds: tuple[int, ...]
    models: tuple[str, ...]
    values: Mapping[Key, tuple[float, ...]]
    undefined: Mapping[Key, str] = field(default_factory=dict)
    n_examples: Mapping[str, int] = field(default_factory=dict)
    curves: Mapping[Key, Curve] = field(default_factory=dict)


def load(path: Path = RESULTS) -> tuple[Result, ...]:
    """The results of a file. UqError: it cannot be read or is not what `save` wrote; the message says where."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UqError(f"The results {path} cannot be read ({error.strerror}); get them back from git.") from error
    try:
        return from_json(text)
    except UqError as error:
        raise UqError(f"The results {path} are damaged: {error} Get them back from git.") from error


def save(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Writes them in one step, sorted by task and method."""
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.write_bytes(to_json(results))
    temporary.replace(path)


def to_json(results: Iterable[Result]) -> bytes:
    """The file's text, a line a figure, so that a change of one is a change of one line."""
    plain = [_to_plain(result) for result in sorted(results, key=lambda r: (r.task, r.method))]
    return check.sealed(f"{_lines({'format': FORMAT, 'sha256': check.NO_SUM, 'results': plain})}\n".encode())


def from_json(text: bytes) -> tuple[Result, ...]:
    """The results of `to_json`'s text. UqError: a field is missing, unknown or of another kind, or a letter changed."""
    content = check.json_object(text, _MOST_BYTES)
    check.names("The results", content, ["format", "sha256", "results"])
    check.one_of("format", content["format"], [FORMAT])
    if not check.is_sealed(text, check.sha256("sha256", content["sha256"])):
        raise UqError("Expected the text that its own sha256 stands for. Received another.")
    return tuple(
        _from_plain(each, f"results[{i}]") for i, each in enumerate(check.json_list("results", content["results"]))
    )


def _to_plain(result: Result) -> dict[str, Any]:
    return {
        "task": result.task,
        "method": result.method,
        "seeds": list(result.seeds),
        "models": list(result.models),
        "n_examples": dict(result.n_examples),
        "values": {"|".join(key): _rounded(values) for key, values in sorted(result.values.items())},
        "undefined": {"|".join(key): reason for key, reason in sorted(result.undefined.items())},
        "curves": {
            "|".join(key): [[float(f"{value:.4g}") for value in line] for line in curve]
            for key, curve in sorted(result.curves.items())
        },
    }


def _from_plain(value: Any, place: str) -> Result:
    names = ["task", "method", "seeds", "models", "n_examples", "values", "undefined", "curves"]
    content = check.json_fields(place, value, names)
    seeds = [check.integer(f"{place}.seeds", seed, least=0) for seed in check.json_list(place, content["seeds"])]
    models = [_line(f"{place}.models", model) for model in check.json_list(place, content["models"])]
    if len(models) != len(seeds) or not seeds:
        raise UqError(f"`{place}.models` must have one entry for each of the seeds. Received: {len(models)}.")
    values = {_key(place, name): _numbers(f"{place}.{name}", row) for name, row in _map(content, place, "values")}
    for key, row in values.items():
        if len(row) != len(seeds):
            raise UqError(f"`{place}.values.{'|'.join(key)}` must have {len(seeds)} numbers. Received: {len(row)}.")
    return Result(
        check.text(f"{place}.task", content["task"]),
        check.text(f"{place}.method", content["method"]),
        tuple(seeds),
        tuple(models),
        values,
        {_key(place, name): check.text(name, reason) for name, reason in _map(content, place, "undefined")},
        {name: check.integer(name, number, least=1) for name, number in _map(content, place, "n_examples")},
        {
            Key(*name.split("|")): Curve(*(_numbers(name, line) for line in check.json_list(name, lines)))
            for name, lines in _map(content, place, "curves")
        },
    )


def _map(content: Mapping[str, Any], place: str, name: str) -> Iterable[tuple[str, Any]]:
    return check.json_map(f"{place}.{name}", content[name]).items()


def _key(place: str, name: str) -> Key:
    parts = name.split("|")
    if len(parts) != 3 or parts[0] not in METRICS:
        raise UqError(f"`{place}` must name figures as metric|score|unseen. Received: {name[:60]!r}.")
    return Key(*parts)


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    return tuple(check.number(name, number) for number in check.json_list(name, value))


def _line(name: str, value: Any) -> str:
    return "" if value == "" else check.text(name, value)


def _rounded(values: Sequence[float]) -> list[float]:
    """To five digits, counted from the end that is nearer: 0.999912345 to 0.99991235, 0.0000123456 to 0.000012346."""
    return [_round(float(value)) for value in values]


def _round(value: float) -> float:
    if value.is_integer():
        return int(value)
    if 0.9 < value < 1:
        return float(f"{1 - float(f'{1 - value:.{_DIGITS}g}'):.12g}")
    return float(f"{value:.{_DIGITS}g}")


def _lines(value: Any, depth: int = 0) -> str:
    """JSON with a line for each name, and lists of numbers or text on one."""
    indent, close = " " * (depth + 1), " " * depth
    if isinstance(value, dict) and value:
        inner = ",\n".join(f"{indent}{json.dumps(name)}: {_lines(item, depth + 1)}" for name, item in value.items())
        return f"{{\n{inner}\n{close}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        inner = ",\n".join(f"{indent}{_lines(item, depth + 1)}" for item in value)
        return f"[\n{inner}\n{close}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
