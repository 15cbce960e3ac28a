"""A page that says how many sessions there are, after those that are gone were forgotten, or not."""

import gc

import streamlit as st
from streamlit.runtime.app_session import AppSession

from ui import memory

if "forget" in st.query_params:
    memory.forget_the_gone()
gc.collect()
st.code(sum(isinstance(each, AppSession) for each in gc.get_objects()))
st.button("Again")
