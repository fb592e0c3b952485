"""Models of a person's own: a checkpoint file is proven, copied and entered."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

import yaml

from engine.encoders import architecture as networks
from engine.encoders import weights
from engine.encoders.registry import CARD, CHECKPOINTS, MODEL_ID, ModelCard, Preprocess, card_from_entry, registry
from engine.errors import EncoderExists, EncoderNameInvalid, WeightsCorrupt
from engine.progress import Progress, silent
from engine.settings import Settings
from engine.settings import settings as process_settings

_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9._-]+")


def add_model(
    file: Path | str,
    *,
    model_id: str | None = None,
    title: str | None = None,
    architecture: str | None = None,
    quick_gelu: bool = False,
    preprocess: Preprocess | None = None,
    licence: str = "unknown",
    citation: str = "",
    gsd_m: tuple[float, float] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> ModelCard:
    """Enter a checkpoint: it is loaded strictly first, then copied to ``data/models/ID`` with a card.

    Args:
        file: ``.pt``, ``.pth``, ``.bin`` or ``.safetensors``.
        model_id: What to call it; by default the file's stem.
        title: Name for people; by default the id.
        architecture: An open_clip name, or the path of an open_clip JSON config; guessed from the shapes if None.
        quick_gelu: Whether it was trained with quick-GELU, as everything that began as OpenAI's CLIP; shapes do not tell.
        preprocess: How pixels become numbers; by default the JSON config's, else OpenAI CLIP's.
        licence: Of the weights, in words.
        citation: What to cite.
        gsd_m: Smallest and largest ground sampling distance of the training pictures, metres.
        settings: Deployment settings; the process's by default.
        progress: Told the stages.

    Raises:
        WeightsCorrupt: If the file is no checkpoint, is damaged, or does not fit the architecture.
        ArchitectureUnknown: If the architecture can't be guessed or built; the message names the option.
        EncoderExists: If there is a model of this id.
        EncoderNameInvalid: If the id can't be a folder's name.
    """
    settings, progress, file = settings or process_settings(), progress or silent, Path(file)
    model_id = _free_id(model_id, file, settings)
    progress(f"Reading {file.name}", 0, 0)
    state = weights.read_state(file)
    architecture = architecture or networks.guess(state, file.name)
    place = Path(architecture).parent if architecture.endswith(".json") else None
    config = networks.config_of(architecture, place)
    progress(f"Proving {file.name}", 0, 0)
    weights.load_strictly(networks.build(config, quick_gelu=quick_gelu), state, file.name, Path(architecture).name)
    entry = {
        "title": title or model_id,
        "architecture": Path(architecture).name,
        "dim": int(config["embed_dim"]),
        "quick_gelu": quick_gelu or architecture.endswith("-quickgelu"),
        "source": {"file": f"weights{_suffix(file)}"},
        "sha256": weights.sha256(file),
        "size_mb": round(file.stat().st_size / 1e6, 1),
        "licence": licence,
        "citation": citation,
        "gsd_m": None if gsd_m is None else list(gsd_m),
        "preprocess": (preprocess or Preprocess.from_entry(config.get("preprocess_cfg", {}))).record(),
    }
    return _enter(model_id, file, entry, _json_beside(architecture, place), settings)


def _free_id(model_id: str | None, file: Path, settings: Settings) -> str:
    chosen = model_id or _NOT_IN_IDS.sub("-", file.stem).strip("-._")[:64]
    if not MODEL_ID.match(chosen):
        raise EncoderNameInvalid(chosen)
    if chosen in registry(settings) or (settings.models_dir / chosen).exists():
        raise EncoderExists(chosen)
    if not file.is_file():
        raise WeightsCorrupt(file.name, "there is no such file.")
    return chosen


def _suffix(file: Path) -> str:
    return file.suffix.lower() if file.suffix.lower() in CHECKPOINTS else ".pt"


def _json_beside(architecture: str, place: Path | None) -> Path | None:
    """The config to copy: only one that is not in ``assets/models`` anyway."""
    own = place / Path(architecture).name if place else None
    return own if own and own.is_file() else None


def _enter(model_id: str, file: Path, entry: dict[str, object], config: Path | None, settings: Settings) -> ModelCard:
    """Copy everything into a folder of another name and rename it: the model is there whole, or not at all."""
    folder, making = settings.models_dir / model_id, settings.models_dir / f".{model_id}.adding"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        source = entry["source"]
        assert isinstance(source, dict)
        shutil.copyfile(file, making / source["file"])
        if config:
            shutil.copyfile(config, making / config.name)
        (making / CARD).write_text(yaml.safe_dump(entry, allow_unicode=True, sort_keys=False), encoding="utf-8")
        os.replace(making, folder)
    except OSError as error:
        raise WeightsCorrupt(file.name, f"it can't be copied ({error.strerror}). Check free space and rights.") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return card_from_entry(model_id, entry, folder=folder)
