"""Everything that can go wrong in a way a person should hear about.

One base, one-line subclasses. A message says what happened and what to do; it is shown as it stands in the app, by the
HTTP routes and on the command line, so it carries no stack trace, no secret and no path that the person did not give.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class PharosError(Exception):
    """Base of all errors that a person may see. The message says what happened and what to do."""


class Cancelled(PharosError):
    """The person stopped a long task; what was finished before stays."""

    def __init__(self, task: str, kept: str = "") -> None:
        super().__init__(f"{task} was cancelled. {kept}".strip())


# --- questions ---------------------------------------------------------------------------------------------------------


class QueryInvalid(PharosError):
    """A question that can't be asked as it stands."""


class EmptyQuery(QueryInvalid):
    def __init__(self) -> None:
        super().__init__("The query is empty. Type what you are looking for, for example “a lake”, or pick a tile to find more like it.")


class QueryTooLong(QueryInvalid):
    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"The query has {length:,} characters; at most {limit} are read. Shorten it to one sentence.")


# --- where and when ----------------------------------------------------------------------------------------------------


class RegionInvalid(PharosError):
    """A shape that bounds no area on the Earth."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The region can't be used: {why}")


class RegionOutsideCollection(PharosError):
    def __init__(self, region: str, collection: str, covers: str) -> None:
        super().__init__(f"“{region}” lies outside “{collection}”, which covers {covers}. Move the region or pick another collection.")


class TimeInvalid(PharosError):
    def __init__(self, text: str) -> None:
        super().__init__(f"“{text[:60]}” is not a time. Write it as 2014-07-20 or 2014-07-20T10:30Z.")


class NothingOfSensor(PharosError):
    def __init__(self, collection: str, sensor: str, has: str) -> None:
        super().__init__(
            f"“{collection}” has no scene of the sensor “{sensor[:60]}”. It has {has}. Pick one of these, or leave the sensor open."
        )


class NothingThen(PharosError):
    def __init__(self, collection: str, span: str, has: str) -> None:
        super().__init__(f"“{collection}” has no scene {span}. It has {has}. Pick one of these times.")


# --- collections and tiles ---------------------------------------------------------------------------------------------


class CollectionNotFound(PharosError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "none yet"
        super().__init__(f"There is no collection “{name}”. Known: {names}. Make one with: python -m engine index PATH --collection {name}")


class CollectionNameInvalid(PharosError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"“{name[:60]}” can't name a collection. Use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit."
        )


class CollectionExists(PharosError):
    def __init__(self, name: str) -> None:
        super().__init__(f"The collection “{name}” exists already. Add --resume to go on with it or to add scenes, or choose another name.")


class CollectionBusy(PharosError):
    def __init__(self, name: str, owner: str) -> None:
        super().__init__(f"“{name}” is being indexed by {owner}. Wait until it has finished, or stop it and use --resume.")


class CollectionDamaged(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The collection “{name}” can't be read: {why} Index it again under another name.")


class TilesMismatch(PharosError):
    def __init__(self, collection: str, has: str) -> None:
        super().__init__(
            f"“{collection}” is cut into {has}; its scenes can't be mixed with others. Leave the tile size out, or choose another name."
        )


class ModelMismatch(PharosError):
    def __init__(self, collection: str, indexed_with: str, asked_for: str) -> None:
        super().__init__(
            f"“{collection}” was indexed with {indexed_with}, not {asked_for}. Vectors of two models can't be compared: "
            f"search with {indexed_with}, or index the scenes again with {asked_for}."
        )


class NothingToIndex(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"Nothing could be indexed: {why}")


class TileNotFound(PharosError):
    def __init__(self, tile: str, collection: str) -> None:
        super().__init__(f"“{collection}” has no tile “{tile[:120]}”. Take an id from a search result.")


class DiskFull(PharosError):
    def __init__(self, kept: int, name: str) -> None:
        super().__init__(
            f"The disk is full. The {kept:,} tiles that were acknowledged are kept; free some space, then index “{name}” again with --resume."
        )


# --- pictures ----------------------------------------------------------------------------------------------------------


class ImageUnreadable(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"“{name}” can't be read: {why}")


class ImageWithoutPlace(PharosError):
    def __init__(self, name: str, why: str = "it carries no coordinate reference system") -> None:
        super().__init__(
            f"“{name}” has no place on the Earth: {why}. Give its corners with --place W,S,E,N (degrees), or add --unplaced to show it on a plain grid."
        )


class ImageEmpty(PharosError):
    def __init__(self, name: str) -> None:
        super().__init__(f"“{name}” holds no valid pixel: all are nodata. Check the file's nodata value.")


class ImageTooLarge(PharosError):
    def __init__(self, name: str, pixels: int, limit: int) -> None:
        super().__init__(
            f"“{name}” has {pixels:,} pixels; at most {limit:,} are decoded whole. Save it as a tiled GeoTIFF, or raise PHAROS_MAX_PICTURE_PIXELS."
        )


class UploadInvalid(PharosError):
    def __init__(self, name: str) -> None:
        super().__init__(f"“{name[:60]}” can't name a file. Rename it and add it again.")


class SourceForbidden(PharosError):
    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"“{source}” is not opened: {why}")


class TileSpecInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"The tile size can't be used: {why} Write it as 128px or 640m.")


class SensorNotFound(PharosError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no sensor description “{name}”. Known: {', '.join(sorted(known))}. Add a file to assets/sensors/.")


# --- encoders ----------------------------------------------------------------------------------------------------------


class EncoderNotFound(PharosError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"There is no model “{name}”. Known: {', '.join(sorted(known))}. Add your own with: python -m engine models add FILE"
        )


class EncoderNotReady(PharosError):
    def __init__(self, name: str, stage: str) -> None:
        super().__init__(f"The model {name} is not ready yet: {stage}. Try again in a moment.")


class WeightsMissing(PharosError):
    def __init__(self, name: str, why: str, bring: str, folder: Path) -> None:
        super().__init__(f"The weights of {name} are not here and can't be fetched: {why} Bring the file {bring} and put it into {folder}.")


class WeightsCorrupt(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The weights “{name}” can't be used: {why}")


class DeviceUnavailable(PharosError):
    def __init__(self, device: str, have: Iterable[str]) -> None:
        super().__init__(f"The device “{device}” is not here. Available: {', '.join(have)}. Set PHAROS_DEVICE=auto to let Pharos choose.")


class EncoderExists(PharosError):
    def __init__(self, name: str) -> None:
        super().__init__(f"A model “{name}” exists already. Choose another name with --id.")


class EncoderNameInvalid(PharosError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"“{name[:60]}” can't name a model. Use --id with 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit."
        )


class ArchitectureUnknown(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"The architecture of “{name}” is not clear: {why} Say it with --architecture: an open_clip name such as ViT-B-32 or RN50, or the path of an open_clip JSON config."
        )


# --- labels, cubes, recipes --------------------------------------------------------------------------------------------


class LabelSetInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"The label set can't be used: {why}")


class CubeNotFound(PharosError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no cube “{name}”. Known: {', '.join(sorted(known)) or 'none yet'}.")


class CubeInvalid(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The cube “{name}” can't be used: {why}")


class LayerNotFound(PharosError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no layer “{name[:60]}”. Known: {', '.join(known)}.")


class FrameNotFound(PharosError):
    def __init__(self, cube: str, what: str, why: str) -> None:
        super().__init__(f"“{cube}” has no frame {what[:60]}: {why}")


class PointOutside(PharosError):
    def __init__(self, lon: float, lat: float, cube: str, covers: str) -> None:
        super().__init__(f"{lon:.3f}° E, {lat:.3f}° N lies outside “{cube}”, which covers {covers}. Point at a place in there.")


class PointInvalid(PharosError):
    def __init__(self, text: str) -> None:
        super().__init__(f"“{text[:80]}” is no point. Write it as NAME,LON,LAT in degrees, for example Walvis Bay,14.49,-22.94.")


class ExportInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"This can't be exported: {why}")


class SourceInvalid(PharosError):
    """Files that can't become a fog cube."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"“{name}” can't be read as satellite data: {why}")


class UnitsUnclear(SourceInvalid):
    """Values whose unit can't be told; nothing is guessed."""


class ArchiveUnreachable(PharosError):
    def __init__(self, archive: str, why: str) -> None:
        super().__init__(f"The archive {archive} can't be used: {why}")


class RecipeInvalid(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The recipe “{name}” can't be used: {why}")


class CaptionsInvalid(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"No captions can be made of “{name}”: {why}")


class TrainingDiverged(PharosError):
    def __init__(self, step: int, what: str) -> None:
        super().__init__(
            f"The {what} of step {step} is no number. The last checkpoint before it is kept. "
            "Lower the learning rates of the recipe, or its gradients' bound “clip”, and train again."
        )


class MemoryShort(PharosError):
    def __init__(self, pictures: int) -> None:
        super().__init__(
            f"Not even {pictures} pictures at a time fit into memory. The last checkpoint is kept. Lower “sizes” in the recipe, or take a smaller model."
        )


class DataMissing(PharosError):
    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} is not at {where}. Put it there or name another folder.")


# --- evaluation --------------------------------------------------------------------------------------------------------


class EvaluationInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"This can't be measured: {why}")


class FeaturesInvalid(EvaluationInvalid):
    """Vectors that are no vectors: not finite, empty, or of another length."""


class EvaluationFailed(PharosError):
    """No model could be measured; the message is theirs."""


class DatasetInvalid(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"“{name}” can't be used for measuring: {why}")


class ExtraMissing(PharosError):
    def __init__(self, what: str, package: str) -> None:
        super().__init__(f"{what} needs the package {package}, which is not installed. Install it with: .venv/bin/pip install {package}")


# --- deployment --------------------------------------------------------------------------------------------------------


class SettingsInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"The settings can't be used: {why} Correct the environment variable, or the line in .env.")


# --- fog scores and nowcasts -------------------------------------------------------------------------------------------


class ScoresInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"This can't be scored: {why}")


class NowcastInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"This can't be forecast: {why}")


class WeatherInvalid(PharosError):
    def __init__(self, why: str) -> None:
        super().__init__(f"This weather can't be made: {why}")


class DetectorUnavailable(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"Fog can't be detected by “{name[:40]}”: {why}")


class MaskUnwritable(PharosError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The mask “{name}” can't be written: {why}")
