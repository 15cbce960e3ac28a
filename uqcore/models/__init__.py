"""Trained models at work: training, storing, sampling and evaluating them, whatever their method."""
