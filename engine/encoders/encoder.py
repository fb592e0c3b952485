"""The dual encoder at work: pictures and texts to unit vectors of one space."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.encoders import architecture, prompts, weights
from engine.encoders.pixels import prepare
from engine.encoders.registry import UNMEASURED, Calibration, ModelCard, model_card
from engine.encoders.text import TextTower
from engine.errors import ArchitectureUnknown, DeviceUnavailable, WeightsCorrupt
from engine.memory import keep_memory
from engine.progress import Cancel, Progress, silent
from engine.settings import Settings
from engine.settings import settings as process_settings

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
REMEMBERED_TEXTS: Final = 8192
TEXTS_AT_ONCE: Final = 256
IMAGES_AT_ONCE: Final = {"cpu": 32, "cuda": 256}


def load(
    model_id: str | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    device: str | None = None,
    cancel: Cancel | None = None,
) -> Encoder:
    """An encoder with its weights, ready to use; weights from a hub are fetched on demand.

    Args:
        model_id: Key of the registry; the settings' default model if None.
        settings: Deployment settings; the process's by default.
        progress: Told the bytes of a download and the stages of loading.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; the settings' by default.
        cancel: Stops a download.

    Raises:
        EncoderNotFound: If no model has this id.
        DeviceUnavailable: If the device is not here.
        WeightsMissing: If the weights are neither here nor to be fetched.
        WeightsCorrupt: If they are damaged or of another architecture.
        Cancelled: If the person stopped the download.
    """
    settings = settings or process_settings()
    progress = progress or silent
    card = model_card(model_id or settings.model, settings)
    place = resolve_device(device or settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    path = weights.obtain(card, settings, progress=progress, cancel=cancel)
    progress(f"Loading {card.title}", 0, 0)
    digest = weights.file_hash(path, remember=not card.source.embedded)
    if card.sha256 and digest != card.sha256:
        raise WeightsCorrupt(path.name, f"its SHA-256 begins with {digest[:12]}, not {card.sha256[:12]}. Bring {card.source.bring}.")
    config = architecture.config_of(card.architecture, card.folder(settings))
    model = architecture.build(config, quick_gelu=card.quick_gelu)
    weights.load_strictly(model, weights.read_state(path), path.name, card.architecture)
    return Encoder(model, config, card, digest, device=place, query_limit=settings.max_query_length)


def resolve_device(name: str) -> torch.device:
    """The device that a name means.

    Args:
        name: ``auto`` (CUDA if there is one, else the CPU), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        DeviceUnavailable: If it is not here; the message lists what is.
    """
    wanted = name.strip().lower()
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    have = ["cpu", *(f"cuda:{n}" for n in range(count))]
    if wanted == "auto":
        wanted = have[min(1, count)]
    elif wanted == "cuda":
        wanted = "cuda:0"
    if wanted not in have:
        raise DeviceUnavailable(name, have)
    return torch.device(wanted)


class Encoder:
    """A dual encoder on a device; safe to use from many threads.

    Attributes:
        card: What the registry knows of it.
        sha256: Of the weights' file, 64 hex digits.
        input_size: Side of the picture that the image tower sees, pixels.
        precision: ``bf16`` on CUDA devices that have it, else ``fp32``.
    """

    def __init__(
        self,
        model: nn.Module,
        config: Mapping[str, Any],
        card: ModelCard,
        sha256: str,
        *,
        device: torch.device | str = "cpu",
        query_limit: int = 500,
        precision: str | None = None,
    ) -> None:
        """Take a network with its weights.

        Args:
            model: From :func:`engine.encoders.architecture.build`; it is moved to the device and set to evaluation.
            config: Its open_clip config.
            card: Its card.
            sha256: Of its weights' file.
            device: Where to compute.
            query_limit: Characters of a query that are accepted.
            precision: ``fp32`` or ``bf16``; chosen by the device if None.

        Raises:
            ArchitectureUnknown: If the network's vectors are not as long as the card says.
        """
        if int(config["embed_dim"]) != card.dim:
            raise ArchitectureUnknown(card.id, f"its card says {card.dim} numbers a vector, its architecture {config['embed_dim']}.")
        self.card = card
        self.sha256 = sha256
        self.input_size = architecture.input_size(config)
        self._device = torch.device(device)
        if self._device.type == "cpu":
            keep_memory()
        fast = self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        self.precision = precision or ("bf16" if fast else "fp32")
        # Weights stay float32 and autocast lowers the products alone: batch statistics and norms keep their digits.
        self._model = model.to(self._device).eval().requires_grad_(False)
        self._tokenize = architecture.tokenizer_of(config)
        self._tower = TextTower(self._model, self._tokenize(prompts.openings()))
        self._query_limit = query_limit
        self._texts: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """Key of the registry."""
        return self.card.id

    @property
    def hash(self) -> str:
        """First 12 hex digits of the weights' SHA-256."""
        return self.sha256[:12]

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.card.dim

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda:N``."""
        return str(self._device)

    @property
    def device_words(self) -> str:
        """The device as a person reads it, with the precision."""
        name = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else "CPU"
        return f"{name} ({self.precision})"

    @property
    def calibration(self) -> Calibration:
        """Margins of the verdicts; cautious guesses, marked so, where nobody has measured this model."""
        return self.card.calibration or UNMEASURED

    @property
    def logit_scale(self) -> float:
        """What the model learned to multiply cosines with before a softmax makes probabilities of them; about 100 for CLIP."""
        return float(self._model.logit_scale.detach().float().exp())  # type: ignore[operator]

    def images(self, batch: Sequence[NDArray[np.uint8]]) -> Vectors:
        """Vectors of pictures.

        Args:
            batch: uint8 (H, W, 3) red, green, blue; shapes may differ. See :func:`engine.encoders.pixels.prepare` for what is
                seen of a picture that is not square.

        Returns:
            (N, D) float32, unit length; (0, D) for no picture.

        Raises:
            ImageUnreadable: If a picture has another dtype or shape.
        """
        step = IMAGES_AT_ONCE[self._device.type]
        parts = [self._image_part(batch[start : start + step]) for start in range(0, len(batch), step)]
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def _image_part(self, batch: Sequence[NDArray[np.uint8]]) -> Vectors:
        with torch.inference_mode():
            pixels = prepare(batch, self.input_size, self.card.preprocess, self._device)
            with self._computing():
                features = self._model.encode_image(pixels)  # type: ignore[operator]
            return _unit(features)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts as they stand; recent ones are remembered.

        Args:
            texts: Sentences; what goes beyond the model's context length is not read.

        Returns:
            (N, D) float32, unit length; (0, D) for no text.
        """
        if not texts:
            return np.empty((0, self.dim), np.float32)
        with self._lock:
            known = {text: self._texts[text] for text in texts if text in self._texts}
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(fresh), TEXTS_AT_ONCE):
            part = fresh[start : start + TEXTS_AT_ONCE]
            known.update(zip(part, self._text_part(part), strict=True))
        self._remember(known.items())
        found: Vectors = np.stack([known[text] for text in texts])
        return found

    def _text_part(self, texts: Sequence[str]) -> Vectors:
        with torch.inference_mode():
            tokens = self._tokenize(texts)
            with self._computing():
                features = self._tower(tokens)
            return _unit(features)

    def _remember(self, vectors: Iterable[tuple[str, Vectors]]) -> None:
        with self._lock:
            for text, vector in vectors:
                self._texts[text] = vector
                self._texts.move_to_end(text)
            while len(self._texts) > REMEMBERED_TEXTS:
                self._texts.popitem(last=False)

    def query(self, text: str) -> Vectors:
        """Vector of what a person typed: the mean over the query templates, (D,) float32, unit length.

        Raises:
            EmptyQuery: If nothing but spaces and signs was typed.
            QueryTooLong: If it is longer than the settings allow.
        """
        vector: Vectors = self._around([prompts.clean(text, self._query_limit)], prompts.template_sets()["query"])[0]
        return vector

    def labels(self, labels: Sequence[str], templates: prompts.TemplateSet | str | Sequence[str] = "label") -> Vectors:
        """Class vectors: for each label the mean over the templates.

        Args:
            labels: Names; ``DenseResidential`` and ``dense_residential`` are read as words.
            templates: A set of ``assets/prompts/templates.yaml`` by name, or sentences with ``{}`` or ``{a}``.

        Returns:
            (L, D) float32, unit length.

        Raises:
            EmptyQuery: If a label has no letter and no digit.
            QueryTooLong: If a label is longer than a query may be.
            LabelSetInvalid: If the templates are unknown or have no place for the label.
        """
        cleaned = [prompts.words(prompts.clean(label, self._query_limit)) for label in labels]
        return self._around(cleaned, prompts.TemplateSet.from_like(templates))

    def _around(self, texts: Sequence[str], templates: prompts.TemplateSet) -> Vectors:
        """Mean over the templates around each text, at unit length again."""
        sentences = [sentence for text in texts for sentence in templates.around(text)]
        vectors: Vectors = self.texts(sentences).reshape(len(texts), len(templates.texts), self.dim).mean(axis=1)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    @cached_property
    def neutral(self) -> Vectors:
        """(M, D) float32, unit length: vectors of the prompts that fit every tile."""
        return self.texts(prompts.neutral())

    def _computing(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, dtype=torch.bfloat16) if self.precision == "bf16" else nullcontext()


def _unit(features: Tensor) -> Vectors:
    features = features.to(torch.float32)
    vectors: Vectors = (features / torch.linalg.vector_norm(features, dim=-1, keepdim=True).clamp(min=1e-12)).cpu().numpy()
    return vectors
