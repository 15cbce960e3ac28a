"""The guided tour over the real pages, and what a presenter needs."""
