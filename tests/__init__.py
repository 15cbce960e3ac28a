"""The tests, in the folders of what they test; what several of them need stands here beside `conftest.py`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 300.0
"""For a busy machine, which is slow, not wrong: nothing waits that long unless it is broken."""
