"""The next three hours of a fog cube: pictures and masks, with their skill against persistence."""

from __future__ import annotations

from engine.fog.nowcast.forecast import Nowcast, Step, nowcast
from engine.fog.nowcast.hindcast import Hindcast, Skill
from engine.fog.nowcast.history import FOG, History, Quantity
from engine.fog.nowcast.masks import MaskNowcast, nowcast_mask
from engine.fog.nowcast.methods import LEADS, METHODS, Method, leads_named, method_named
from engine.fog.nowcast.motion import Motion

__all__ = [
    "FOG",
    "LEADS",
    "METHODS",
    "Hindcast",
    "History",
    "MaskNowcast",
    "Method",
    "Motion",
    "Nowcast",
    "Quantity",
    "Skill",
    "Step",
    "leads_named",
    "method_named",
    "nowcast",
    "nowcast_mask",
]
