"""Which encoders there are: typed records from ``assets/models/registry.yaml`` and from the models that a person added."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from engine.errors import EncoderNotFound
from engine.settings import ASSETS, Settings
from engine.settings import settings as process_settings
from engine.types import Verdict

log = logging.getLogger(__name__)

MODELS: Final = ASSETS / "models"
CARD: Final = "card.yaml"
CHECKPOINTS: Final = (".safetensors", ".pt", ".pth", ".bin")
MODEL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")

OPENAI_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD: Final = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How pixels become numbers, as open_clip does it.

    Attributes:
        mean: Of red, green, blue; pixels are 0 to 1.
        std: Of red, green, blue.
        interpolation: ``bicubic`` or ``bilinear``, antialiased.
        resize_mode: ``shortest`` scales the shorter side and takes the middle square; ``squash`` changes the shape.
    """

    mean: tuple[float, ...] = OPENAI_MEAN
    std: tuple[float, ...] = OPENAI_STD
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "squash"] = "shortest"

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Preprocess:
        """From the keys of open_clip's ``preprocess_cfg``; keys left out take OpenAI CLIP's values.

        Raises:
            ValueError: If a value is none that Pharos can do.
        """
        made = cls(
            mean=tuple(float(x) for x in entry.get("mean", OPENAI_MEAN)),
            std=tuple(float(x) for x in entry.get("std", OPENAI_STD)),
            interpolation=entry.get("interpolation", "bicubic"),
            resize_mode=entry.get("resize_mode", "shortest"),
        )
        if len(made.mean) != 3 or len(made.std) != 3 or min(made.std) <= 0:
            raise ValueError("mean and std take three numbers each, std above 0")
        if made.interpolation not in ("bicubic", "bilinear") or made.resize_mode not in ("shortest", "squash"):
            raise ValueError("interpolation is bicubic or bilinear, resize_mode is shortest or squash")
        return made

    def record(self) -> dict[str, Any]:
        """The same keys again."""
        return {
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": self.interpolation,
            "resize_mode": self.resize_mode,
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """From which margin over the neutral prompts a hit is worth something.

    Attributes:
        fair: Cosine margin from which a tile counts as relevant.
        strong: Cosine margin from which it counts as a clear hit.
        measured: Whether somebody measured them for this model; else they are cautious guesses.
    """

    fair: float
    strong: float
    measured: bool = True

    def verdict(self, margin: float) -> Verdict:
        """The margin in words."""
        return "strong" if margin >= self.strong else "fair" if margin >= self.fair else "weak"


UNMEASURED: Final = Calibration(fair=0.02, strong=0.05, measured=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights come from.

    Attributes:
        file: Path in the repository, in ``assets/models`` or in the model's own folder.
        repo: Repository on the hub; empty otherwise.
        url: Address of a zip that holds the checkpoint; empty otherwise.
        added: Whether a person added the file.
    """

    file: str
    repo: str = ""
    url: str = ""
    added: bool = False

    @property
    def name(self) -> str:
        """Name of the weights' file once it is here."""
        return Path(self.file).name

    @property
    def embedded(self) -> bool:
        """Whether the file is part of Pharos."""
        return not (self.repo or self.url or self.added)

    def address(self, hub: str) -> str:
        """From where it can be fetched; empty where it cannot."""
        return self.url or (f"{hub.rstrip('/')}/{self.repo}/resolve/main/{self.file}" if self.repo else "")

    @property
    def bring(self) -> str:
        """What a person without a network should bring, in words."""
        return f"{self.url.rsplit('/', 1)[-1]} ({self.url})" if self.url else f"{self.file} of {self.repo}" if self.repo else self.name


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of an encoder before its weights are read.

    Attributes:
        id: Key of the registry.
        title: Name for people.
        architecture: An open_clip name, or a JSON config in ``assets/models`` or in the model's own folder.
        source: Where the weights come from.
        dim: Length of its vectors.
        licence: Of the weights, in words.
        citation: What to cite.
        preprocess: How pixels become numbers.
        quick_gelu: Whether the weights need the quick-GELU activation.
        bands: Bands of a picture; 3 is red, green, blue.
        sha256: Of the weights' file, 64 hex digits; empty where nobody knows it.
        size_mb: Decimal megabytes of the weights' file; None where nobody knows.
        gsd_m: Smallest and largest ground sampling distance of the training pictures, metres.
        calibration: Margins of the verdicts; None where nobody has measured them.
    """

    id: str
    title: str
    architecture: str
    source: Source
    dim: int
    licence: str
    citation: str = ""
    preprocess: Preprocess = Preprocess()
    quick_gelu: bool = False
    bands: int = 3
    sha256: str = ""
    size_mb: float | None = None
    gsd_m: tuple[float, float] | None = None
    calibration: Calibration | None = None

    def folder(self, settings: Settings | None = None) -> Path:
        """Where the weights lie, or have to be put."""
        return MODELS if self.source.embedded else (settings or process_settings()).models_dir / self.id

    def path(self, settings: Settings | None = None) -> Path:
        """The weights' file, whether it is there or not."""
        return self.folder(settings) / self.source.name

    def found(self, settings: Settings | None = None) -> Path | None:
        """The weights' file if it is here; the only checkpoint of the folder counts too, so a renamed file is found."""
        path = self.path(settings)
        if path.is_file() or self.source.embedded:
            return path if path.is_file() else None
        folder = path.parent
        others = [f for f in folder.iterdir() if f.suffix in CHECKPOINTS and f.is_file()] if folder.is_dir() else []
        return others[0] if len(others) == 1 else None

    def record(self, settings: Settings | None = None) -> dict[str, Any]:
        """The card as JSON (design.md, command-line contract); ``sha256`` of weights that are here is their own."""
        from engine.encoders.weights import file_hash, known_hash

        path = self.found(settings)
        own = None if path is None else file_hash(path, remember=False) if self.source.embedded else known_hash(path)
        return {
            "id": self.id,
            "title": self.title,
            "ready": path is not None,
            "bands": self.bands,
            "dim": self.dim,
            "licence": self.licence,
            "sha256": own or self.sha256 or None,
            "architecture": self.architecture,
            "quick_gelu": self.quick_gelu,
            "gsd_m": None if self.gsd_m is None else list(self.gsd_m),
            "size_mb": self.size_mb,
            "source": self.source.url or self.source.repo or ("added" if self.source.added else "embedded"),
            "citation": self.citation,
            "calibrated": self.calibration is not None,
        }


def registry(settings: Settings | None = None) -> dict[str, ModelCard]:
    """All encoders by id: those of ``assets/models/registry.yaml``, then those that a person added."""
    cards = dict(_embedded_registry())
    folder = (settings or process_settings()).models_dir
    for path in sorted(folder.glob(f"*/{CARD}")) if folder.is_dir() else ():
        try:
            card = card_from_entry(path.parent.name, yaml.safe_load(path.read_text(encoding="utf-8")), folder=path.parent)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            log.warning("%s is no model card and is left out (%s: %s)", path, type(error).__name__, error)
            continue
        cards.setdefault(card.id, card)
    return cards


def model_card(model_id: str, settings: Settings | None = None) -> ModelCard:
    """The card of one encoder.

    Raises:
        EncoderNotFound: If there is none of this id.
    """
    cards = registry(settings)
    if model_id not in cards:
        raise EncoderNotFound(model_id[:80], cards)
    return cards[model_id]


@lru_cache(maxsize=1)
def _embedded_registry() -> dict[str, ModelCard]:
    entries = yaml.safe_load((MODELS / "registry.yaml").read_text(encoding="utf-8"))
    return {model_id: card_from_entry(model_id, entry) for model_id, entry in entries.items()}


def card_from_entry(model_id: str, entry: Mapping[str, Any], *, folder: Path | None = None) -> ModelCard:
    """A card from its YAML entry.

    Args:
        model_id: Key of the entry.
        entry: Keys as the head of ``assets/models/registry.yaml`` explains them.
        folder: The model's own folder, for one that a person added.

    Raises:
        ValueError: If a value is none that Pharos can use.
        KeyError: If a key is missing.
    """
    if not MODEL_ID.match(model_id):
        raise ValueError(f"“{model_id[:60]}” can't name a model")
    config = read_config(entry["architecture"], folder) or {}
    gsd, margins = entry.get("gsd_m"), entry.get("calibration")
    return ModelCard(
        id=model_id,
        title=str(entry.get("title") or model_id),
        architecture=str(entry["architecture"]),
        source=Source(**entry["source"], added=folder is not None),
        dim=int(entry.get("dim") or config["embed_dim"]),
        licence=str(entry.get("licence") or "unknown"),
        citation=str(entry.get("citation") or ""),
        preprocess=Preprocess.from_entry({**config.get("preprocess_cfg", {}), **(entry.get("preprocess") or {})}),
        quick_gelu=bool(entry.get("quick_gelu") or config.get("quick_gelu")),
        bands=int(entry.get("bands", 3)),
        sha256=str(entry.get("sha256") or ""),
        size_mb=None if entry.get("size_mb") is None else float(entry["size_mb"]),
        gsd_m=None if gsd is None else (float(gsd[0]), float(gsd[1])),
        calibration=None if margins is None else Calibration(float(margins["fair"]), float(margins["strong"])),
    )


def read_config(architecture: str, folder: Path | None = None) -> dict[str, Any] | None:
    """The JSON config that an architecture names, from the model's own folder or ``assets/models``; None for a name of open_clip.

    Raises:
        ValueError: If the file is missing or no open_clip config.
    """
    if not architecture.endswith(".json"):
        return None
    name = Path(architecture).name
    path = next((place / name for place in (folder, MODELS) if place and (place / name).is_file()), None)
    if path is None:
        raise ValueError(f"there is no config {name}")
    config = json.loads(path.read_text(encoding="utf-8"))
    # As on the hub: the architecture may stand one level down, beside its preprocessing.
    if isinstance(config, dict) and "model_cfg" in config:
        config = {**config["model_cfg"], "preprocess_cfg": config.get("preprocess_cfg", {})}
    if not isinstance(config, dict) or not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
        raise ValueError(f"{name} is no open_clip config: it needs embed_dim, vision_cfg and text_cfg")
    return config
