"""The two-moons page: `stored.py` shows the committed models, `training.py` trains new ones; both draw by `maps.py`."""
