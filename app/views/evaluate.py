"""Evaluate: choose models, data and a suite; see figures beside one another and what lies behind them."""

from __future__ import annotations

import streamlit as st

from app.chrome import told
from app.panels.findings import findings
from app.panels.measure import measure, measure_panel
from app.views.evaluate_session import change, share, shown
from components.figure_table import plain_table
from components.typography import heading, literal, soft
from engine.serving import engine
from engine.serving.evaluation import FORM_TITLES, ISLAND, SUITES, Run


def evaluate() -> None:
    """The page."""
    with st.container(key="evaluate"):
        left, right = st.columns([0.235, 0.765], gap=None)
        with left, st.container(key="measure"), told():
            measure_panel(shown())
        with right, st.container(key="findings"), told():
            answer()
    share()


def answer() -> None:
    """The evaluation that is shown, how far it is, or how to begin."""
    identity = shown().run
    run = engine().evaluations.run(identity) if identity else None
    if run is None:
        empty(gone=bool(identity))
        return
    progress(run)
    if run.reports:
        findings(run)


def empty(*, gone: bool) -> None:
    """Nothing is shown: what to do, and an example."""
    if gone:
        heading("This evaluation is no longer kept")
        soft("What was asked still stands on the left: measure it again.")
    else:
        heading("Nothing measured yet")
        soft("Choose models, data and a suite on the left, then measure. Each figure comes with its model's hash, prompts, data and date.")
    with st.container(key="example", horizontal=True):
        st.button("Try zero-shot on the made-up island", key="evaluate-example", on_click=example)
    heading("Suites")
    rows = [(suite.title, suite.about, FORM_TITLES[suite.forms[0]]) for suite in SUITES.values()]
    plain_table(("Suite", "What it asks", "Data"), rows, label="Suites", numbers=False)


def example() -> None:
    """Measure something that works everywhere."""
    change(suite="zeroshot", data=ISLAND, models=(), part="", labels="", templates="label")
    for key in ("suite", "data", "models", "part", "labels", "templates"):
        st.session_state.pop(f"evaluate-{key}", None)
    measure()


def progress(run: Run) -> None:
    """How far it is; looked at every second while it runs."""
    st.fragment(progress_bar, run_every=1.0 if run.job.running else None)(run, len(run.outcomes), run.job.running)


def progress_bar(run: Run, seen: int, was_running: bool) -> None:
    """Progress with time left and a way to stop, or how it ended; the page is drawn again when there is more to see."""
    job = run.job
    if was_running and (not job.running or len(run.outcomes) != seen):
        st.rerun()
    if job.running:
        if not run.reports:
            heading(run.title)
        left = job.seconds_left
        words = f"{job.stage} · {job.done:,} of {job.total:,}" if job.total else job.stage or "starting"
        words += "" if left is None else f" · {left_words(left)}"
        bar, stop = st.columns([0.86, 0.14], vertical_alignment="center")
        bar.progress(min(job.done / job.total, 1.0) if job.total else 0.0, literal(words))
        stop.button("Stop", key=f"evaluate-stop-{run.id}", on_click=job.cancel, width="stretch")
        if not run.reports:
            soft("Measuring goes on when you leave this page; you find it again under Earlier.")
    elif job.failed:
        heading(run.title)
        st.error(literal(job.failed))
    elif not run.reports or len(run.outcomes) < len(run.trial.steps):
        heading(run.title)
        st.info(literal(f"{job.outcome} Measure it again with the button on the left."))


def left_words(seconds: float) -> str:
    """A time left as a person says it."""
    return f"{seconds / 60:.0f}\u2009min left" if seconds > 100 else f"{seconds:.0f}\u2009s left"
