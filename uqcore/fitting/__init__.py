"""The side that trains: everything here imports TensorFlow, so it is imported inside functions only."""
