"""Figures: arrays in, a plotly figure out. No statistics, and no method is known here: a series has an index."""
