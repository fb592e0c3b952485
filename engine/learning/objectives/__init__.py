"""What a training minimises: each objective a small class with its formula, shapes and source, combined freely by a recipe."""

from __future__ import annotations

from engine.learning.objectives.base import Batch, Objective, ObjectivePart

__all__ = ["Batch", "Objective", "ObjectivePart"]
