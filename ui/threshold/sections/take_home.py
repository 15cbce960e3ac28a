"""Policy, decisions and report to take home, and the lines that apply the policy."""

from __future__ import annotations

import io

import streamlit as st

from ui.threshold.source import Source
from uqcore.predictions import decisions_csv
from uqcore.predictions.arrow import leave_out_pandas
from uqcore.tuning import Goal, Study, Tuned
from uqcore.tuning.report import POLICY_FILE, report_of


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    policy, predictions = tuned.policy, study.predictions
    measure = predictions.measure(study.measure_id)

    def decisions() -> bytes:
        leave_out_pandas()
        target = io.BytesIO()
        decisions_csv(predictions, measure, policy.decide_measured(measure, predictions.predicted), target)
        return target.getvalue()

    def report() -> str:
        return report_of(study, policy, tuned.promise, tuned.assessment)

    with st.container(horizontal=True):
        st.download_button("Policy (JSON)", policy.to_json(), POLICY_FILE, "application/json", on_click="ignore")
        st.download_button("Decisions (CSV)", decisions, "decisions.csv", "text/csv", on_click="ignore")
        st.download_button("Report (HTML)", report, "report.html", "text/html", on_click="ignore")
    st.markdown(
        "These lines apply it. They need NumPy and this repository's folder `uqcore` on the path, nothing else:"
    )
    st.code(policy.snippet(POLICY_FILE), language="python")
    st.code(policy.to_json(), language="json")
