"""The door: one process, one port, one worker. Streamlit's pages and our routes on the same ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from app.base import base_path
from app.messages import words
from app.routes import routes
from app.routes.hosts import KnownHosts
from engine.errors import SettingsInvalid
from engine.serving import engine
from engine.settings import ROOT, settings


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Answer at once; the encoder and the demo load behind."""
    engine().warm()
    yield {}
    engine().close()


def tell(error: Exception) -> bool:
    """Words instead of a trace for what no view has caught."""
    st.error(words(error))
    return True


try:
    settings()
except SettingsInvalid as error:
    raise SystemExit(str(error)) from None

known = Middleware(KnownHosts, bound=str(st.get_option("server.address") or ""), hosts=lambda: settings().hosts)
app = st.App(ROOT / "app" / "main.py", routes=routes(base_path()), lifespan=lifespan, middleware=[known], on_script_error=tell)
