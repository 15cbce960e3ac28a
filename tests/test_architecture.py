"""The rules of who imports what, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT
from uqcore.methods import METHODS

TRAINING_ONLY = ("tensorflow", "tf_keras", "keras", "official", "uqcore.fitting")


def source(*places: str) -> list[Path]:
    """The Python files at or below some places of the repository."""
    found = (path for place in places for path in (ROOT / place, *(ROOT / place).glob("**/*.py")))
    return sorted(path for path in found if path.is_file())


def module_level(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run on import: all but what stands in functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from module_level(child)


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Every module that import statements may load: ``from a import b`` counts as a and a.b."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@cache
def names_in(path: Path, on_import: bool = False) -> set[str]:
    """What a file imports, or no more than what it does when it is imported itself."""
    tree = ast.parse(path.read_text())
    return imported(module_level(tree) if on_import else ast.walk(tree))


def forbidden(path: Path, *packages: str, on_import: bool = False) -> set[str]:
    names = names_in(path, on_import)
    return {name for name in names if any(f"{name}.".startswith(f"{package}.") for package in packages)}


def test_the_rules_see_what_they_forbid(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "from uqcore import fitting\ndef fit():\n    import tensorflow as tf\nclass C:\n    import ui.page\n"
    )
    assert forbidden(path, *TRAINING_ONLY, on_import=True) == {"uqcore.fitting"}
    assert forbidden(path, "tensorflow", "ui", "u") == {"tensorflow", "ui.page"}


# From the ground up: a room imports from those before it. What stands between them is the map of CONTRIBUTING.md.
ROOMS = (
    "lazy",
    "types",
    "text",
    "strict_json",
    "checked",
    "extras",
    "datasets",
    "networks",
    "metrics",
    "selection",
    "predictions",
    "store",
    "plots",
    "methods",
    "keras_dropout",
    "fitting",
    "tuning",
    "models",
    "exhibits",
    "workers",
    "live",
    "trainings",
    "scoreboard",
    "reproduce",
    "bench",
    "cli",
)


def test_every_room_is_on_the_list() -> None:
    there = {
        path.stem for path in (ROOT / "uqcore").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__", "__main__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_those_before_it(room: str) -> None:
    above = [f"uqcore.{other}" for other in ROOMS[ROOMS.index(room) + 1 :]]
    places = source(f"uqcore/{room}", f"uqcore/{room}.py")
    assert places
    # Methods train with `uqcore.fitting`, which they import when they train.
    found = {path.name: names for path in places if (names := forbidden(path, *above, on_import=room == "methods"))}
    assert not found


@pytest.mark.parametrize(
    ("place", "packages"),
    [
        ("uqcore", ("streamlit", "ui", "pages", "app")),
        ("ui", ("pages", "app")),
        ("pages", ("app", "pages")),
        ("uqcore/plots", ("uqcore.store",)),
        ("uqcore/methods", ("uqcore.metrics", "uqcore.store", "uqcore.datasets", "uqcore.selection", "uqcore.models")),
    ],
)
def test_imports_go_one_way(place: str, packages: tuple[str, ...]) -> None:
    found = {path.name: names for path in source(place) if (names := forbidden(path, *packages))}
    assert not found


def test_training_libraries_are_imported_inside_functions_only() -> None:
    for path in source("uqcore", "ui", "pages", "app.py"):
        if "fitting" not in path.parts:
            assert not forbidden(path, *TRAINING_ONLY, on_import=True), path


@pytest.mark.parametrize("method_id", list(METHODS))
def test_a_method_imports_no_other_but_its_parts(method_id: str) -> None:
    method = METHODS[method_id]
    parts = {part.method_id for config in method.configs.values() for part in method.parts(config, 0)}
    others = {f"uqcore.methods.{other}" for other in METHODS.keys() - parts - {method_id}}
    assert not forbidden(ROOT / "uqcore" / "methods" / f"{method_id}.py", *others)


def test_nothing_unpickles() -> None:
    for path in source("uqcore", "ui", "pages", "app.py"):
        readers = forbidden(path, "pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
        # Of joblib what spreads work over processes of one's own, and nothing that reads files.
        assert readers <= {"joblib", "joblib.Parallel", "joblib.delayed"}, path
        assert "import joblib" not in path.read_text(), path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", path


def test_serving_loads_no_training_library() -> None:
    script = (
        "import sys, uqcore.models.sampling, uqcore.methods, uqcore.datasets, uqcore.metrics.uncertainty\n"
        "print(*(name for name in ('tensorflow', 'tf_keras', 'official', 'sklearn', 'streamlit', 'uqcore.fitting') "
        "if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
