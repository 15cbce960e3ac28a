"""`python -m uqcore bench`: how long a visitor waits, with the naive way beside it."""
