"""What a browser tab shows of the Fog page."""

from __future__ import annotations

from typing import Final

from app.fog_state import FogState
from app.tab import Tab

WIDGETS: Final = "fog-"
"""Keys of this page's widgets begin with it."""
TAB: Final = Tab("fog", FogState, WIDGETS)
shown, change, show, share = TAB.shown, TAB.change, TAB.show, TAB.share
