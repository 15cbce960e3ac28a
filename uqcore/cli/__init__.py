"""`python -m uqcore`: the commands."""
