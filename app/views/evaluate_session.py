"""What a browser tab shows of Evaluate."""

from __future__ import annotations

from typing import Final

from app.evaluate_state import EvaluateState
from app.tab import Tab

WIDGETS: Final = "evaluate-"
"""Keys of this page's widgets begin with it."""
TAB: Final = Tab("evaluate", EvaluateState, WIDGETS)
shown, change, show, share = TAB.shown, TAB.change, TAB.show, TAB.share
