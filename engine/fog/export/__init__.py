"""Masks to keep and to hand on: GeoTIFF, GeoJSON, NetCDF, pictures and animations, each with its time, method and words."""

from engine.fog.export.about import About, file_name
from engine.fog.export.animation import ANIMATIONS, Shot, write_animation
from engine.fog.export.geojson import mask_geojson
from engine.fog.export.geotiff import mask_geotiff
from engine.fog.export.netcdf import masks_netcdf
from engine.fog.export.plate import mask_picture
from engine.fog.export.reel import reel

FORMS = ("tif", "geojson", "nc", "png")
"""Endings of what one mask is exported as."""

__all__ = [
    "ANIMATIONS",
    "FORMS",
    "About",
    "Shot",
    "file_name",
    "mask_geojson",
    "mask_geotiff",
    "mask_picture",
    "masks_netcdf",
    "reel",
    "write_animation",
]
