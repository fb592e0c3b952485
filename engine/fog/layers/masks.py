"""Layers that are drawn of what a detector says: fog by its probability, states by patterns, so that none is taken for another."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import LayerNotFound
from engine.fog.labels import Label, Labels
from engine.fog.layers.mercator import Lattice
from engine.fog.layers.painted import Painted, Pixels
from engine.fog.layers.painting import rgb
from engine.fog.layers.recipe import Layer, layer_named
from engine.fog.mask import FogMask, State, Validity

Flags = NDArray[np.bool_]

OF_ONE_MASK: Final = ("fog", "probability", "state", "forecast")
PALER: Final = 0.55
"""Opacity of weak evidence against that of firm evidence."""
WEAK: Final = (
    Validity.TWILIGHT | Validity.SLANT | Validity.STRAY_LIGHT | Validity.VISIBLE_ONLY | Validity.TEXTURE_ONLY | Validity.LIGHT_UNKNOWN
)
"""Conditions under which evidence is weak."""
_STEPS: Final = 64
_WEAK: Final = _STEPS
"""Palette: 0 nothing, 1–64 the ramp, 65–128 the same paler, then the patterns."""
_HATCH: Final = 2 * _STEPS + 1
_CHECKS: Final = _HATCH + 1
_SOLID: Final = _HATCH + 2
"""From here on the single colours of a layer's swatches."""
_HATCH_OPACITY, _CHECKS_OPACITY, _SOLID_OPACITY = 165, 110, 170


def paint_mask(mask: FogMask, layer: Layer, lattice: Lattice) -> Painted:
    """Draw a mask as one of the layers ``fog``, ``probability``, ``state`` or ``forecast``.

    Fog runs from amber to rose with rising opacity, paler in twilight and far from the satellite; obscured is hatched, no data checked,
    land and clear sea are free. A forecast is broken by diagonal gaps.

    Args:
        mask: What the detector says.
        layer: The layer.
        lattice: Which cells the pixels show.

    Raises:
        LayerNotFound: If the layer is not drawn of one mask.
    """
    if layer.shown not in OF_ONE_MASK:
        raise LayerNotFound(layer.id, OF_ONE_MASK)
    state, validity = lattice.lay(mask.state), lattice.lay(mask.validity)
    out = np.zeros(lattice.shape, dtype=np.uint8)
    weak = (validity & WEAK) > 0
    if layer.shown == "state":
        fog = state == State.FOG
        out[fog] = np.where(weak[fog], _SOLID + 1, _SOLID)
    else:
        probability = lattice.lay(mask.probability)
        low, high = layer.legend.ramp[0][0], layer.legend.ramp[-1][0]
        shown = probability >= low if layer.shown == "probability" else state == State.FOG
        share = np.clip((probability[shown] - low) / (high - low), 0, 1)
        step = 1 + np.round(np.nan_to_num(share) * (_STEPS - 1)).astype(np.uint8)
        out[shown] = np.where(weak[shown], step + _WEAK, step)
        if layer.shown == "forecast":
            out[_dashes(lattice)] = 0
    out[(state == State.OBSCURED) & _hatching(lattice)] = _HATCH
    out[(state == State.NO_DATA) & ((validity & Validity.LAND) == 0) & _checks(lattice)] = _CHECKS
    return Painted(out, _palette(layer))


def paint_difference(one: FogMask, two: FogMask, lattice: Lattice) -> Painted:
    """Draw where two masks of one frame disagree: only the first says fog, only the second, both, or one that can't judge."""
    first, second = lattice.lay(one.state), lattice.lay(two.state)
    out = np.zeros(lattice.shape, dtype=np.uint8)
    fog, other = first == State.FOG, second == State.FOG
    blind = (fog & _unjudged(second)) | (other & _unjudged(first))
    for place, where in enumerate((fog & ~other & ~blind, other & ~fog & ~blind, fog & other)):
        out[where] = _SOLID + place
    out[blind & _hatching(lattice)] = _HATCH
    return Painted(out, _palette(layer_named("disagreement")))


def paint_labels(labels: Labels, land: Flags | None, lattice: Lattice) -> Painted:
    """Draw the cube's own labels; land stays free."""
    codes = lattice.lay(labels)
    out = np.zeros(lattice.shape, dtype=np.uint8)
    out[codes == Label.FOG] = _SOLID
    out[codes == Label.LOW_STRATUS] = _SOLID + 2
    out[(codes == Label.FOG_BELOW_CLOUD) & _hatching(lattice)] = _HATCH
    unknown = (codes == Label.UNLABELLED) | (codes == Label.UNCERTAIN)
    if land is not None:
        unknown &= ~lattice.lay(land)
    out[unknown & _checks(lattice)] = _CHECKS
    return Painted(out, _palette(layer_named("truth")))


def _unjudged(state: Pixels) -> Flags:
    return np.asarray((state == State.OBSCURED) | (state == State.NO_DATA))


def _hatching(lattice: Lattice) -> Flags:
    y, x = np.ogrid[: lattice.shape[0], : lattice.shape[1]]
    return np.asarray((x + y) % 7 < 2)


def _dashes(lattice: Lattice) -> Flags:
    y, x = np.ogrid[: lattice.shape[0], : lattice.shape[1]]
    return np.asarray((x - y) % 6 < 2)


def _checks(lattice: Lattice) -> Flags:
    y, x = np.ogrid[: lattice.shape[0], : lattice.shape[1]]
    return np.asarray((x // 4 + y // 4) % 2 == 0)


@lru_cache(maxsize=16)
def _palette(layer: Layer) -> Pixels:
    """(k, 4) the colours of a layer's legend."""
    swatches = layer.legend.swatches
    hatch = next((rgb(each.colour) for each in swatches if each.kind == "hatch"), (0, 0, 0))
    checks = next((rgb(each.colour) for each in swatches if each.kind == "checks"), (0, 0, 0))
    firm = _ramp(layer) if layer.legend.ramp else np.zeros((_STEPS, 4))
    weak = firm * (1, 1, 1, PALER)
    single: list[tuple[int, int, int, float]] = [
        (*rgb(each.colour), _SOLID_OPACITY * (PALER if layer.shown == "state" and place else 1))
        for place, each in enumerate([swatches[0], *swatches[:1]] if layer.shown == "state" else swatches)
    ]
    rows = [np.zeros((1, 4)), firm, weak, [[*hatch, _HATCH_OPACITY]], [[*checks, _CHECKS_OPACITY]], single]
    return np.concatenate([np.asarray(each, dtype=np.float64) for each in rows]).round().astype(np.uint8)


def _ramp(layer: Layer) -> NDArray[np.float64]:
    places = [value for value, _, _ in layer.legend.ramp]
    stops = np.array([(*rgb(colour), opacity * 255) for _, colour, opacity in layer.legend.ramp])
    table = np.linspace(places[0], places[-1], _STEPS)
    return np.column_stack([np.interp(table, places, stops[:, channel]) for channel in range(4)])
