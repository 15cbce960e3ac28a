"""A page that says how many sessions there are, after those that are gone were forgotten, or not, and how many can be
come back to."""

import gc

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.app_session import AppSession

from ui import memory

if "forget" in st.query_params:
    memory.forget_the_gone()
gc.collect()
there = sum(isinstance(each, AppSession) for each in gc.get_objects())
closed = getattr(get_instance(), "_session_mgr")._session_storage.list()  # noqa: B009
st.text(f"{there} {len(closed)}")
st.button("Again")
