"""Online basemaps from leafmap's catalogue, an option beside the offline one."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

CHOSEN: Final = ("OpenStreetMap", "Esri.WorldImagery", "Esri.OceanBasemap", "OpenTopoMap")
"""Basemaps that need no key, from leafmap's catalogue."""


def basemap_names() -> tuple[str, ...]:
    """Names that can be chosen; the catalogue itself is read when one is."""
    return CHOSEN


@lru_cache(maxsize=16)
def basemap_source(name: str) -> tuple[str, str]:
    """The address template and the attribution of an online basemap.

    Args:
        name: One of ``basemap_names``.

    Raises:
        KeyError: If it is none of them.
    """
    if name not in CHOSEN:
        raise KeyError(name)
    from leafmap.basemaps import get_xyz_dict  # 2 s to import, so only for whoever asks

    providers = get_xyz_dict(free_only=True)
    provider = providers[name if name in providers else f"{name}.Mapnik"]
    return provider.build_url(x="{x}", y="{y}", z="{z}", scale_factor=""), str(provider.get("attribution", name))
