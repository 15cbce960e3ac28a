"""What the pages are made of: the only package beside ``app.py`` and ``pages/`` that imports streamlit."""

from ui import malloc

malloc.tell()
