"""What is known of a picture besides its pixels, and how an encoder reads it: as sentences or as a table."""

from __future__ import annotations

from engine.learning.metadata.record import FIELDS, Field, Metadata

__all__ = ["FIELDS", "Field", "Metadata"]
