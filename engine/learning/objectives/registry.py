"""All objectives by the name that a recipe calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Union, get_args

from pydantic import Field

from engine.learning.objectives.base import Objective, ObjectivePart
from engine.learning.objectives.closp import CLOSP
from engine.learning.objectives.dcl import DCL
from engine.learning.objectives.infonce import InfoNCE
from engine.learning.objectives.location import Location
from engine.learning.objectives.mosaic import Mosaic
from engine.learning.objectives.protoclip import ProtoCLIP
from engine.learning.objectives.satmip import SatMIP, SatMIPS
from engine.learning.objectives.shares import Shares
from engine.learning.objectives.sigmoid import Sigmoid
from engine.learning.objectives.softcon import SoftCon
from engine.learning.objectives.teacher import Teaching

_ALL: Final[tuple[type[Objective], ...]] = (
    InfoNCE,
    Mosaic,
    Shares,
    DCL,
    Sigmoid,
    SoftCon,
    ProtoCLIP,
    Teaching,
    SatMIP,
    SatMIPS,
    CLOSP,
    Location,
)

OBJECTIVES: Final[dict[str, type[Objective]]] = {get_args(each.part.model_fields["kind"].annotation)[0]: each for each in _ALL}
"""Kind → class. A new objective is a module with a part and a class, and a place in this table."""

if TYPE_CHECKING:
    AnyPart = ObjectivePart
else:  # the parts are only known when this runs, which a checker of types doesn't follow
    AnyPart = Annotated[Union[tuple(each.part for each in _ALL)], Field(discriminator="kind")]  # noqa: UP007
