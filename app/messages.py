"""One table from the engine's errors to words and HTTP status codes."""

from __future__ import annotations

import logging
from typing import Final

from engine import errors

log = logging.getLogger("pharos")

STATUS: Final[dict[type[errors.PharosError], int]] = {
    errors.CollectionNotFound: 404,
    errors.TileNotFound: 404,
    errors.CubeNotFound: 404,
    errors.LayerNotFound: 404,
    errors.FrameNotFound: 404,
    errors.EncoderNotFound: 404,
    errors.EncoderNotReady: 503,
    errors.WeightsMissing: 503,
    errors.ExtraMissing: 503,
    errors.DeviceUnavailable: 503,
    errors.DataMissing: 503,
    errors.CollectionBusy: 409,
    errors.CollectionExists: 409,
    errors.ModelMismatch: 409,
    errors.SourceForbidden: 403,
    errors.ImageTooLarge: 413,
    errors.DiskFull: 507,
    errors.CollectionDamaged: 500,
    errors.WeightsCorrupt: 500,
    errors.ImageUnreadable: 500,  # over HTTP only pictures that were indexed here are read
    errors.SensorNotFound: 500,
    errors.SettingsInvalid: 500,
}
"""What is not named here is bad input: 422."""

INSIDE: Final = "Something failed inside Pharos. What you drew and typed is kept; try again, and tell us if it stays."


def status(error: errors.PharosError) -> int:
    """HTTP status of an error, that of its nearest named ancestor."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 422)


def words(error: Exception) -> str:
    """What a person is told. Only our own errors are shown as they stand; the log keeps the rest."""
    if isinstance(error, errors.PharosError):
        return str(error)
    log.error("unexpected failure", exc_info=error)
    return INSIDE
