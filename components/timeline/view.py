"""The time strip, which runs in the browser; Python hears only where it came to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from components import frontend
from engine.types import TimeLike, spoken, utc

FEW: Final = 8
"""Up to this many frames stand as dates on a line; more as cells."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One real time that can be shown.

    Attributes:
        time: When, UTC.
        label: In words; by default the time with UTC written out.
        kind: Light at that time, or ``scene`` where it does not matter.
        gap: Whether nothing was taken then: the frame stands in the strip, and shows nothing.
        forecast: Whether it is predicted.
        note: Softer words behind the label, like “scan 15:42”.
    """

    time: datetime
    label: str = ""
    kind: Literal["day", "night", "twilight", "scene"] = "scene"
    gap: bool = False
    forecast: bool = False
    note: str = ""

    @classmethod
    def at(cls, when: TimeLike, **more: Any) -> Frame:  # noqa: ANN401 - the attributes above
        """A frame at a time given in any form."""
        return cls(utc(when), **more)

    def props(self) -> dict[str, Any]:
        """The frame as the browser gets it."""
        return {
            "time": utc(self.time).isoformat(),
            "label": self.label or spoken(utc(self.time)),
            "kind": self.kind,
            "gap": self.gap,
            "forecast": self.forecast,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class TimelineEvents:
    """Where the strip stands.

    Attributes:
        index: Of the frame that is shown.
        changed: Whether the person moved it since the last run.
    """

    index: int
    changed: bool = False


def timeline(
    *,
    frames: Sequence[Frame],
    index: int,
    layer: str | None = None,
    playable: bool | None = None,
    over: str | None = None,
    base: str = "",
    key: str,
) -> TimelineEvents:
    """Show the time strip and say where it came to rest.

    While it plays or is dragged, the map's frame layers follow in the browser; Python hears of the last frame when it is
    paused or let go. Hand ``TimelineEvents.index`` in again at the next run.

    Args:
        frames: In order of time.
        index: Which one is shown.
        layer: Id of the frame layer that it drives; by default all.
        playable: Whether there is a play button; by default with more than eight frames.
        over: Key of the map over whose lower edge it floats where the window is wide; the call stands right after the map's.
        base: Prefix of the app's own routes.
        key: Name of this strip.
    """
    import streamlit as st

    memory = f"_{key}_seen"
    seen = int(st.session_state.get(memory, 0))
    last = max(len(frames) - 1, 0)
    index = min(max(index, 0), last)
    result = frontend.component("timeline")(
        key=key,
        data={
            "module": frontend.asset_url(base, "timeline", "timeline.js"),
            "style": frontend.asset_url(base, "timeline", "timeline.css"),
            "shared": frontend.asset_url(base, "shared", "shared.css"),
            "key": key,
            "frames": [frame.props() for frame in frames],
            "index": index,
            "seen": seen,
            "layer": layer,
            "look": "dates" if len(frames) <= FEW else "cells",
            "playable": len(frames) > FEW if playable is None else playable,
            "over": over,
        },
        on_index_change=_rerun,
    )
    sent = result.index
    if isinstance(sent, Mapping) and isinstance(sent.get("revision"), int) and sent["revision"] != seen:
        st.session_state[memory] = sent["revision"]
        chosen = sent.get("index")
        if isinstance(chosen, int) and 0 <= chosen <= last:
            return TimelineEvents(chosen, changed=chosen != index)
    return TimelineEvents(index)


def _rerun() -> None:
    """A named state needs a callback; the rerun itself is all that is wanted."""
