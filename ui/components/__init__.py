"""What must follow the pointer, and so runs in the browser: Streamlit components v2, plain HTML, CSS and JavaScript.

Components own what the visitor does. Python gives the state to start from and gets every change. It cannot change a
component that is on the screen (and so never undoes a stroke that is being drawn); give another ``key`` for that. The
threshold lab's threshold alone can be moved, by a new ``revision``.
"""

from ui.components.drawing_pad import Drawing, drawing_pad
from ui.components.functions import Curves, Points, functions
from ui.components.kept_file import kept_file
from ui.components.points_pad import points_pad
from ui.components.preview import preview
from ui.components.readings import Reading, readings
from ui.components.stage import asked_code, stage
from ui.components.surfaces import Chosen, Frames, Panel, PointGroup, surfaces
from ui.components.threshold import threshold_view
from ui.components.turning import Row, turning
from ui.components.verdict_cards import verdict_cards

__all__ = [
    "Chosen",
    "Curves",
    "Drawing",
    "Frames",
    "Panel",
    "PointGroup",
    "Points",
    "Reading",
    "Row",
    "asked_code",
    "drawing_pad",
    "functions",
    "kept_file",
    "points_pad",
    "preview",
    "readings",
    "stage",
    "surfaces",
    "threshold_view",
    "turning",
    "verdict_cards",
]
