"""How wide should the band be where there is no data?"""

import streamlit as st

from ui import cache, charts, controls, page, regression_controls, words
from uqcore.datasets import sine
from uqcore.exhibits import functions
from uqcore.plots import functions as plots
from uqcore.types import UqError

top = page.start("Regression")
models, problems = cache.models("sine")
models = controls.shown(models)
problems += regression_controls.left_out()
setting = regression_controls.setting()
plots_at = st.container()
n_samples, n_members, n_stds, with_noise, n_lines, overlaid = regression_controls.view(
    cache.most_members(models.values())
)
counts = {method_id: model.n_draws(n_samples, n_members) for method_id, model in models.items()}

x, curves, figures = functions.grid(), [], {}
for method_id, model in models.items():
    try:
        fitted, name = cache.line_fit(model.record.model_id, setting)
    except UqError as error:
        problems.append(str(error))
        continue
    draws = cache.line_draws(name, fitted, counts[method_id])
    figures[model.label] = cache.line_figures(name, counts[method_id], fitted, setting)
    curves.append(
        plots.Curves(
            controls.PLACES[model.label],
            model.label,
            functions.band(draws, fitted.noise_std, with_noise),
            draws.logits[:n_lines, :, 0] if len(draws.logits) > 1 else draws.logits[:0, :, 0],
        )
    )
page.answer(top, words.who_widens_in_the_gap({label: f.std_ratio["gap"] for label, f in figures.items()}), problems)
if not curves:
    st.stop()

points = regression_controls.points(setting)
groups = [curves] if overlaid else [[one] for one in curves]
for column, group in zip(plots_at.columns(len(groups)), groups, strict=True):
    figure = plots.functions(
        x[:, 0],
        group,
        points,
        n_stds=n_stds,
        gap=setting.gap,
        y_range=functions.Y_RANGE,
        height=430 if overlaid else 300,
    )
    with column:
        st.markdown("" if overlaid else f"**{group[0].label}**")
        regression_controls.clicked(figure, "overlaid" if overlaid else group[0].label, setting)
with plots_at:
    regression_controls.added(setting)

left, right = st.columns([3, 2])
left.subheader("How far the functions lie apart", anchor=False)
spreads = {one.label: one.function.std for one in curves}
charts.chart(plots.spreads(x[:, 0], spreads, gap=setting.gap, places=controls.PLACES), "spreads", left)
right.subheader("Are the quantiles right?", anchor=False)
levels = {label: f.quantiles for label, f in figures.items()}
charts.chart(plots.quantiles(levels, controls.PLACES), "quantiles", right)
st.html(words.regression_table(figures))
st.caption(
    f"On {2 * sine.N_TEST:,} test points outside the gap. NLL, CRPS and RMSE: lower is better. The 90 % interval "
    "should cover 90 %, the narrower the better. In the gap, and beyond |x| = 4: how many times as far the functions "
    "lie apart there as on the data. One training each; where the data were changed, a shorter one."
)
