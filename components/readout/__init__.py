"""What a place on the map is, and why."""

from components.readout.view import ReadoutEvents, readout

__all__ = ["ReadoutEvents", "readout"]
