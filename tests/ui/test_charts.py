"""Figures of many visitors at once."""

from __future__ import annotations

import subprocess
import sys

from tests import ROOT


def test_pandas_is_whole_before_any_figure_is_drawn() -> None:
    """Plotly asks a half-loaded pandas for what it has not got yet, and a visitor would see an error page."""
    script = "import sys, ui.charts; print(hasattr(sys.modules.get('pandas'), 'Series'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_figures_are_shown_in_one_place() -> None:
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").glob("**/*.py")]
    assert [path.name for path in files if "plotly_chart" in path.read_text()] == ["charts.py"]
