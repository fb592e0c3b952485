"""Fog area over time, with the frame that is shown."""

from components.area_chart.view import area_chart

__all__ = ["area_chart"]
