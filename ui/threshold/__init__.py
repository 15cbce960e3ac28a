"""The threshold lab's parts."""
