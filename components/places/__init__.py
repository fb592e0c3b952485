"""Ports and points of the person's own, and when each lies in fog."""

from components.places.view import PlaceEvents, places

__all__ = ["PlaceEvents", "places"]
