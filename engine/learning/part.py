"""What every part of a recipe is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Part(BaseModel):
    """A part of a recipe: frozen, and a key that it doesn't know is an error, not a typo that trains something else."""

    model_config = ConfigDict(frozen=True, extra="forbid")
