"""The MNIST article's table, for the chosen method."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import streamlit as st

from ui import cache, words
from ui.threshold.source import Source
from uqcore.metrics.uncertainty import MEASURES
from uqcore.reproduce import mnist_article
from uqcore.text import percent, unbroken
from uqcore.tuning import Goal, Study, Tuned

TITLE = "The MNIST article"


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    assert source.method_id is not None
    tables = cache.article_tables(mnist_article.TASK, source.method_id, source.n_samples or 50)
    rows = [
        [
            name,
            *(f"{n:,}" for n in (t.n_deferred, t.n_accepted)),
            percent(t.deferred_accuracy),
            percent(t.accuracy),
        ]
        for name, t in tables.items()
    ]
    st.html(
        words.table(
            [
                f"{source.predictions.name}, 10,000 test images",
                "deferred",
                "accepted",
                "right, deferred",
                "right, accepted",
            ],
            rows,
        )
    )
    st.caption(unbroken(mnist_article.EXPLANATION))
    query = {"method": source.predictions.name, "by": MEASURES["normalized_entropy"].label}
    query |= {"t": f"{mnist_article.THRESHOLD:.6g}", "look_8": TITLE}
    st.html(f'<a href="threshold_lab?{escape(urlencode(query))}" target="_self">Set the threshold above to it</a>')
