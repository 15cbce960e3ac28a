"""What Streamlit works out once, not at every run, and that it is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamlit.proto.NewSession_pb2 import CustomThemeConfig, NewSession

from ui import once


def test_a_section_of_the_theme_is_asked_for_once_and_every_message_has_it() -> None:
    asked: list[str] = []

    def populate(message: Any, section: str) -> None:
        asked.append(section)
        if section == "theme.light":
            message.primary_color = "#0072B2"

    fill = once.theme_kept(populate)
    for _ in range(3):
        session = NewSession()
        fill(session.custom_theme)
        fill(session.custom_theme.light, "theme.light")
        fill(session.custom_theme.dark, "theme.dark")
        assert session.custom_theme == CustomThemeConfig(light=CustomThemeConfig(primary_color="#0072B2"))
        assert not session.custom_theme.HasField("dark")  # as where nothing is set of it
    assert asked == ["theme", "theme.light", "theme.dark"]


def test_a_page_is_made_once_and_marked_in_one_run_alone() -> None:
    asked: list[tuple[str | Path, bool]] = []

    class Page:
        shown = False

        def __init__(self, path: str | Path, default: bool) -> None:
            asked.append((path, default))
            self.path = path

    def create(path: str | Path, *, default: bool = False) -> Page:
        return Page(path, default)

    made = once.page_kept(create)
    first, second, other = made(Path("a.py")), made(Path("a.py")), made(Path("b.py"), default=True)
    first.shown = True
    assert not second.shown
    assert (first.path, second.path, other.path) == (Path("a.py"), Path("a.py"), Path("b.py"))
    assert asked == [(Path("a.py"), False), (Path("b.py"), True)]
