"""The time strip: a few real dates to pick from, or many frames to play, step and scrub."""

from components.timeline.view import Frame, TimelineEvents, timeline

__all__ = ["Frame", "TimelineEvents", "timeline"]
