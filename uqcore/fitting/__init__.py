"""The side that trains: everything here imports TensorFlow, so it is imported inside functions only."""

import os

# TensorFlow prints a page about processors and missing GPUs on stderr, where our progress stands.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
