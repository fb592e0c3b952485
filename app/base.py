"""Where the app lives below its host: Streamlit's own base path, which our routes and addresses follow."""

from __future__ import annotations

import streamlit as st


def base_path() -> str:
    """Empty, or the prefix with a leading and no trailing slash, such as ``/pharos``."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
