"""Data: what can be asked, which models are here, and adding imagery of one's own."""

from __future__ import annotations

import streamlit as st

from app.chrome import told
from components.typography import heading, soft
from engine.serving import engine
from engine.types import spoken


def data() -> None:
    """The page."""
    with st.container(key="data"):
        left, right = st.columns([0.55, 0.45], gap="large")
        with left:
            collections()
            models()
        with right:
            add_imagery()


def collections() -> None:
    """The collections, one a row."""
    opened = [engine().collection(name) for name in engine().collections()]
    heading("Collections", str(len(opened)))
    rows = [
        {
            "collection": each.name,
            "tiles": len(each),
            "scenes": len(each.scenes),
            "times": f"{spoken(each.times[0])} to {spoken(each.times[-1])}" if each.times else "unknown",
            "model": each.model_id,
            "data": "SYNTHETIC" if each.synthetic else "not georeferenced" if not each.georeferenced else "",
        }
        for each in opened
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


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
        if st.form_submit_button("Index", type="primary") and files:
            with told():
                engine().index_uploads(name.strip(), [(file.name, file) for file in files], place=place.strip(), unplaced=unplaced)
    jobs()


@st.fragment(run_every=1.0)
def jobs() -> None:
    """What is being indexed."""
    for job in engine().jobs():
        if job.running:
            left = job.seconds_left
            words = f"{job.title}: {job.stage} {job.done:,} of {job.total:,}" + ("" if left is None else f", {left:.0f} s left")
            st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, words)
            st.button("Stop", key=f"stop-{job.title}", on_click=job.cancel)
        elif job.failed:
            st.error(job.failed)
        else:
            st.success(job.outcome)
