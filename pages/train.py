"""How does a model that you train yourself do beside the committed one?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import page, shelf
from ui.training import kept, order, work
from ui.words import duration
from ui.words import train as words
from uqcore.extras import check_tensorflow
from uqcore.trainings import Order, Training
from uqcore.types import UqError


def training(top: DeltaGenerator) -> None:
    problems: list[str] = []
    asked: Order | None = None
    visit = shelf.visit()
    job: Training | None = st.session_state.get("r_job")  # the last one, though the queue may have given it up
    try:
        asked = order.choose()
        check_tensorflow()
    except UqError as error:
        problems.append(str(error))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        disabled = bool(problems)
        go = st.button("Train", type="primary", icon=":material/play_arrow:", key="r_train", disabled=disabled)
        if asked is not None:
            st.markdown(f"about **{duration(work.trainings().expected(asked).whole_s)}**", width="content")
    if go and asked is not None:
        visit = shelf.begin_visit()
        try:
            job = work.trainings().submit(visit, asked)
        except UqError as error:
            problems.append(str(error))
        else:
            st.session_state["r_job"] = job
    lead = words.TRAIN_ANY
    if visit is not None and job is not None:
        if job.state.is_over:
            lead = kept.outcome(visit, job, problems)
            if asked is None or asked.task == job.order.task:
                work.learnt(job)
        else:
            lead = f"**{job.order.name}** learns."
            work.show(visit, job)
        kept.show(visit, job.order.task if asked is None else asked.task)
    page.answer(top, lead, problems)
    st.caption(words.KEPT_FOR_THE_VISIT)


page.show("Train", training)
