"""The core of Uncertainty Lab: data, methods, samples, measures, thresholds. It imports no Streamlit."""
