"""Codes of fog labels."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int8]
"""(n, m) codes of :class:`Label`."""


class Label(IntEnum):
    """What a label says about a cell of the sea."""

    UNLABELLED = -1
    NOT_FOG = 0
    FOG = 1
    FOG_BELOW_CLOUD = 2
    UNCERTAIN = 3
    LOW_STRATUS = 4

    @property
    def words(self) -> str:
        """How a person calls it."""
        return _WORDS[self]


_WORDS: Final = {
    Label.UNLABELLED: "unlabelled",
    Label.NOT_FOG: "no fog",
    Label.FOG: "fog or very low stratus",
    Label.FOG_BELOW_CLOUD: "fog below higher cloud",
    Label.UNCERTAIN: "uncertain",
    Label.LOW_STRATUS: "low stratus",
}

ATTRIBUTES: Final[dict[str, object]] = {
    "long_name": "fog label",
    "flag_values": [int(code) for code in Label],
    "flag_meanings": "unlabelled not_fog fog fog_below_higher_cloud uncertain low_stratus",
    "grid_mapping": "crs",
}
"""CF attributes of the label variable."""
