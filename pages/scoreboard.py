"""How good are the uncertainties, and is a network needed for them at all?"""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import controls, page, scoreboard
from ui import scoreboard_links as links
from ui.charts import chart
from ui.controls import BIND
from ui.scoreboard_answer import answer
from uqcore.plots.board import against, forest, lines
from uqcore.scoreboard import METRICS, SYSTEMS, Metric, Row, writers
from uqcore.scoreboard.metrics import Group
from uqcore.text import percent, unbroken
from uqcore.types import UqError

GROUPS: dict[Group, str] = {
    "unseen": "Finds the unseen",
    "errors": "Finds its errors",
    "answers": "Answers",
    "cost": "Cost",
}
OF_FUNCTIONS: dict[Group, str] = {"regression": "Functions", "cost": "Cost"}
OPENS_WITH = "digits_0_4"  # where pixels alone do not do: it shows what training adds
CURVES_OPEN_WITH = ("deterministic", "deep_ensemble", "sngp", "feature_density", "pixel_neighbour")
CONVENTIONS = (
    f"Mean and {percent(0.95)} interval over trainings with different seeds (Student's t; of a share no narrower than "
    f"Wilson's). **Bold** (= in the table): cannot be told from the best at {percent(0.05)} by paired t-tests over "
    "seeds, Holm-corrected; never of fewer than five seeds. □ is a control: it needs no training, or no network. ☆ is "
    "published by others, each with its source. Unseen inputs and errors are the positive class; nothing was chosen on "
    "them. Of shifts: the first 500 test images."
)


def metric_of(group: Group) -> str:
    those = scoreboard.of_group(group)
    return controls.one_of("Figure", list(those), those.__getitem__, key=f"figure_{group}", bind=BIND, width=210)


def titled(metric_id: str) -> str:
    metric = METRICS[metric_id]
    unit = f", {metric.unit}" if metric.unit not in ("", "%") else ""
    directed = metric.ranked or metric.group == "cost"
    return f"{metric.label}{unit}{f' ({better(metric)} is better)' if directed else ''}"


def better(metric: Metric) -> str:
    return "higher" if metric.higher_is_better else "lower"


def table(task: str, figure: Sequence[Row]) -> None:
    """The rows in numbers: those of ``figure``, the one above, or all."""
    with st.container(horizontal=True):
        which = controls.choice("Rows", {"figure": "The figure above", "all": "All figures"}, "table_rows", "figure")
        kinds = st.pills(
            "Of", list(scoreboard.KINDS), selection_mode="multi", default=list(scoreboard.KINDS),
            format_func=scoreboard.KINDS.__getitem__, key="table_kinds", bind=BIND,
        )  # fmt: skip
    those = figure if which == "figure" else [row for row in scoreboard.rows() if row.task == task]
    those = [row for row in those if not kinds or scoreboard.kind(row) in kinds]
    exact = st.column_config.NumberColumn(format="%.5g")
    st.dataframe(
        scoreboard.table(those),
        hide_index=True,
        height="content" if len(those) <= 20 else 460,
        column_config={
            "": st.column_config.TextColumn(width=20),
            **dict.fromkeys(("Mean", "Low", "High"), exact),
        },
    )
    with st.container(horizontal=True):
        for name, suffix, mime in (
            ("CSV", "csv", "text/csv"),
            ("Markdown", "md", "text/markdown"),
            ("LaTeX", "tex", "application/x-tex"),
        ):
            text = writers.WRITERS[name.lower()](those)
            st.download_button(name, text, f"scoreboard-{task}.{suffix}", mime, icon=":material/download:")


def board(top: DeltaGenerator) -> None:
    try:
        titles = scoreboard.tasks()
        bar = st.container(horizontal=True)
        with bar:
            task = controls.choice(
                "Trained on", titles, "board", OPENS_WITH if OPENS_WITH in titles else next(iter(titles))
            )
            functions = scoreboard.is_regression(task)
            if functions:
                group = controls.choice("Column", OF_FUNCTIONS, "column_functions", "regression")
            else:
                group = controls.choice("Column", GROUPS, "column", "unseen")
            metric_id = metric_of(group)
            sets = scoreboard.unseen_sets(task)
            usual = next(iter(sets), "")
            with st.container(horizontal=True, width="content"):  # neither is left in a line by itself
                unseen = controls.choice("Unseen", sets, f"unseen_{task}", usual) if sets else ""
                score = "own" if functions else controls.choice("Ranked by", scoreboard.SCORES, "ranked", "own")
    except (UqError, StopIteration) as error:
        page.answer(top, "The scoreboard cannot be shown.", [str(error) or "No method was measured yet."])
        return

    page.answer(top, answer(task, unseen), scoreboard.problems(task))
    of_unseen = group == "unseen" or metric_id == "std_ratio"
    shown = scoreboard.chosen(task, metric_id, unseen if of_unseen else "", score)
    metric = METRICS[metric_id]
    st.header(metric.label, anchor=False)
    st.caption(unbroken(metric.description + scoreboard.chance(shown)))
    shown = [row for row in shown if row.method != "chance"]  # far from all others, it would press them together
    if shown:
        chart(
            forest(
                scoreboard.marks(shown, score == "all"),
                titled(metric_id),
                percent=metric.unit == "%",
                dense=page.is_presented(),
            ),
            key="board_forest",
        )
    else:
        st.info(f"Nobody has this figure on {titles[task]}.")
    for sentence in scoreboard.unknown(task, metric_id, unseen if of_unseen else "", score):
        st.caption(sentence)
    links.show(links.leads(task, group, unseen, (row.method for row in shown)))
    st.caption(CONVENTIONS)
    whole = st.expander("The table: to sort, to filter, to take home", key="board_table", on_change="rerun", bind=BIND)
    if whole.open:
        with whole:
            table(task, scoreboard.chosen(task, metric_id, unseen if of_unseen else "", score))

    left, right = st.columns(2)
    with left:
        st.header("Good at both?", anchor=False)
        found, upwards = scoreboard.both(task, unseen, score)
        if score != "all" and found and upwards:
            titles_of = titled(found[0].metric), titled(upwards[0].metric)
            chart(against(scoreboard.spots(found, upwards), *titles_of), key="board_both")
            st.caption(scoreboard.BOTH["functions" if functions else "classes"])
        else:
            st.caption("Choose one score for each method above.")
    with right:
        st.header("Worth its cost?", anchor=False)
        costs = scoreboard.costs(task)
        usual_cost = "train_s" if "train_s" in costs else "ms_per_1000"
        cost = controls.choice("Cost", costs, f"cost_{len(costs)}", usual_cost)
        paid = scoreboard.spots(scoreboard.chosen(task, cost, "", score, ("method",)), shown)
        paid = [spot for spot in paid if spot.x > 0]
        if group != "cost" and score != "all" and paid:
            line = scoreboard.front(paid, metric.higher_is_better)
            chart(against(paid, titled(cost), metric.label, front=line, log_x=True), key="board_cost")
            st.caption("Dotted: what nothing cheaper equals (the Pareto front).")
        else:
            st.caption("Choose a figure of quality and one score for each method above.")

    st.header("As the input drifts away", anchor=False)
    drifts, known = scoreboard.drifts(task), scoreboard.with_curves(task)
    if drifts:
        with st.container(horizontal=True):
            drift = controls.choice("Shift", drifts, f"drift_{task}", next(iter(drifts)))
            along = controls.choice("Figure along it", scoreboard.of_group("shift"), "along", "shift_accuracy")
        drawn = scoreboard.along(task, drift, along, score)
        chart(lines(drawn, drifts[drift], titled(along), percent=METRICS[along].unit == "%"), key="board_shift")
        links.show(links.leads(task, "shift", "", known))
    else:
        st.caption(f"Only images are disturbed; {titles[task]} has none.")

    st.header("Curves", anchor=False)
    with st.container(horizontal=True):
        usually = [method for method in CURVES_OPEN_WITH if method in known]
        curve_kinds = scoreboard.curve_kinds(task)
        curve = controls.choice("Curve", curve_kinds, f"curve_{task}", next(iter(curve_kinds)))
        picked = st.pills(
            "Of", list(known), selection_mode="multi", default=usually, format_func=known.__getitem__,
            key=f"of_{task}", bind=BIND,
        )  # fmt: skip
    traced = scoreboard.curves(task, curve, unseen, picked or usually)
    if traced:
        x_title, y_title = scoreboard.AXES[curve]
        chart(
            lines(traced, x_title, y_title, percent=curve != "roc", diagonal=curve != "risk_coverage"),
            key="board_curves",
        )
        st.caption(scoreboard.CURVE_NOTES[curve])
    links.show(links.leads(task, "curves", unseen, picked or known))

    with st.expander("Who is on the board", key="board_who"):
        st.markdown("\n".join(f"- **{system.label}**: {system.summary}" for system in SYSTEMS.values()))


page.show("Scoreboard", board)
