"""Pages and what frames them."""

from __future__ import annotations

import streamlit as st

from app.chrome import frame_page
from app.views import data, evaluate, explore, fog
from engine.serving import engine

engine().warm()  # the server's start does it too; a page that is run alone has no server
st.set_page_config(page_title="Pharos", page_icon="🧭", layout="wide", initial_sidebar_state="collapsed")

page = st.navigation(
    [
        st.Page(explore.explore, title="Explore", url_path="explore", default=True),
        st.Page(fog.fog, title="Fog", url_path="fog"),
        st.Page(evaluate.evaluate, title="Evaluate", url_path="evaluate"),
        st.Page(data.data, title="Data", url_path="data"),
    ],
    position="top",
)
frame_page()
page.run()
