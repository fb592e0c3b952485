"""Data: what can be asked, which models are here, and adding imagery of one's own."""

from __future__ import annotations

import streamlit as st

from app.chrome import told
from components.typography import heading, literal, soft
from engine.serving import engine
from engine.types import spoken


def data() -> None:
    """The page."""
    with st.container(key="data"):
        left, right = st.columns([0.55, 0.45], gap="large")
        with left:
            collections()
            interrupted()
            models()
        with right:
            add_imagery()


def collections() -> None:
    """The collections, one a row."""
    known = [engine().summary(name) for name in engine().collections()]
    heading("Collections", str(len(known)))
    rows = [
        {
            "collection": each.name,
            "tiles": each.tiles,
            "scenes": each.scenes,
            "times": f"{spoken(each.times[0])} to {spoken(each.times[-1])}" if each.times else "unknown",
            "model": each.model_id,
            "data": each.damaged or ("SYNTHETIC" if each.synthetic else "" if each.georeferenced else "not georeferenced"),
        }
        for each in known
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def interrupted() -> None:
    """Collections whose indexing was cut off, with a way on."""
    busy = {job.title for job in engine().jobs() if job.running}
    for name in engine().unfinished():
        if not any(name in title for title in busy):
            soft(f"Indexing “{name}” was interrupted. What was acknowledged is kept.")
            st.button(f"Go on with {literal(name)}", key=f"go-on-{name}", on_click=engine().go_on, args=(name,))


def models() -> None:
    """The encoders: ready ones need no network."""
    cards = engine().models()
    ready = [card.id for card in cards if card.found(engine().config) is not None]
    heading("Models", f"{len(ready)} of {len(cards)} ready")
    rows = [
        {
            "model": card.title,
            "ready": card.id in ready,
            "best for": "" if card.gsd_m is None else f"{card.gsd_m[0]:g}–{card.gsd_m[1]:g} m",
            "size, MB": card.size_mb,
            "licence": card.licence,
        }
        for card in cards
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    soft("Public weights are fetched on first use; without a network the message names the file to bring.")


def add_imagery() -> None:
    """Upload, name, index; progress with time left and a way to stop."""
    heading("Add imagery")
    with st.form("add", border=False):
        files = st.file_uploader("GeoTIFFs or pictures", accept_multiple_files=True)
        name = st.text_input("Name of the collection", placeholder="north-bay", max_chars=64)
        place = st.text_input(
            "Where rasters without coordinates lie: west, south, east, north", placeholder="leave empty if they carry their own"
        )
        unplaced = st.checkbox("Pictures without a place: show them on a plain grid")
        submitted = st.form_submit_button("Index", type="primary")
        if submitted and not files:
            st.warning("Choose one or more files first.")
        elif submitted:
            with told():
                engine().index_uploads(name.strip(), [(file.name, file) for file in files], place=place.strip(), unplaced=unplaced)
    jobs()


def jobs() -> None:
    """What is being indexed; looked at every second while something is."""
    running = any(job.running for job in engine().jobs())
    st.fragment(job_list, run_every=1.0 if running else None)(running)


def job_list(was_running: bool) -> None:
    """Progress, outcome or failure of each; the page is drawn again when the last one has ended."""
    if was_running and not any(job.running for job in engine().jobs()):
        st.rerun()
    for job in engine().jobs():
        if job.running:
            left = job.seconds_left
            words = f"{job.title}: {job.stage} {job.done:,} of {job.total:,}" + ("" if left is None else f", {left:.0f} s left")
            st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, literal(words))
            st.button("Stop", key=f"stop-{job.id}", on_click=job.cancel)
        elif job.failed:
            st.error(literal(job.failed))
        else:
            st.success(literal(job.outcome))
