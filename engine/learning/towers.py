"""The two towers while they learn: building, encoding, averaging, exporting."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.encoders.votes import CONFIG_KEY, let_places_vote
from engine.errors import RecipeInvalid, WeightsCorrupt
from engine.learning.files import written
from engine.learning.sensors import sensor_towers

SCALE_NAME = "logit_scale"


@dataclass(frozen=True, slots=True)
class Towers:
    """A dual encoder that learns.

    Attributes:
        model: open_clip's model.
        mean: (3, 1, 1) of the pictures, 0–1.
        std: (3, 1, 1).
        size: Pixels of a side that the encoder is made for.
        tokenizer: Text → tokens.
        others: Image towers of further sensors by name, (B, C, h, w) float in 0–1 → (B, D); tied to the model through its texts alone.
    """

    model: nn.Module
    mean: Tensor
    std: Tensor
    size: int
    tokenizer: Any
    others: nn.ModuleDict = field(default_factory=nn.ModuleDict)

    @classmethod
    def build(cls, config: Path, sensors: Iterable[str] = ()) -> Towers:
        """Fresh towers from an open_clip JSON configuration, with random weights from torch's global generator.

        Args:
            config: open_clip's JSON.
            sensors: What further image towers are for; ``rgb`` is the model's own.

        Raises:
            RecipeInvalid: If the configuration is missing or can't be built, or a sensor isn't known.
        """
        from open_clip.model import CLIP, CustomTextCLIP
        from open_clip.tokenizer import SimpleTokenizer

        try:
            content = json.loads(config.read_text(encoding="utf-8"))
            shape = CustomTextCLIP if content.get("custom_text") else CLIP
            model = shape(content["embed_dim"], content["vision_cfg"], content["text_cfg"])
            if content.get(CONFIG_KEY):
                let_places_vote(model)
            pixels = content["preprocess_cfg"]
            mean, std = (torch.tensor(pixels[key]).view(3, 1, 1) for key in ("mean", "std"))
            tokenizer = SimpleTokenizer(context_length=content["text_cfg"]["context_length"])
            size = int(content["vision_cfg"]["image_size"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as problem:
            raise RecipeInvalid(config.name, f"no model can be built from it ({type(problem).__name__}: {problem}).") from None
        return cls(model.to(memory_format=torch.channels_last), mean, std, size, tokenizer, sensor_towers(config, sensors))

    def images(self, pictures: Tensor, sensor: str = "rgb") -> Tensor:
        """Pictures of one sensor, (B, C, H, W) float in 0–1 → (B, D) unit rows; ``rgb`` is the model's own tower's."""
        device = next(self.model.parameters()).device
        if sensor != "rgb":
            return F.normalize(cast("Tensor", self.others[sensor](pictures.to(device))), dim=-1)
        even = ((pictures - self.mean) / self.std).to(device, memory_format=torch.channels_last)
        return F.normalize(cast("Tensor", self.model.encode_image(even)), dim=-1)  # type: ignore[operator]

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Image towers that meanwhile neither learn nor move their batch norms' statistics."""
        modules = [module for tower in (cast("nn.Module", self.model.visual), self.others) for module in tower.modules()]
        moving = [module for module in modules if module.training]
        learning = [parameter for module in modules for parameter in module.parameters(recurse=False) if parameter.requires_grad]
        try:
            for module in moving:
                module.training = False
            for parameter in learning:
                parameter.requires_grad_(False)
            yield
        finally:
            for module in moving:
                module.training = True
            for parameter in learning:
                parameter.requires_grad_(True)

    @property
    def whole(self) -> nn.ModuleDict:
        """All that encodes, in one module."""
        return nn.ModuleDict({"model": self.model, "others": self.others})

    @property
    def width(self) -> int:
        """Numbers in a vector: D."""
        with torch.no_grad():
            return int(self.texts(["a"]).shape[1])

    def texts(self, words: Sequence[str]) -> Tensor:
        """B texts → (B, D) unit rows; equal texts are encoded once."""
        device = next(self.model.parameters()).device
        unique = sorted(set(words))
        at = {text: row for row, text in enumerate(unique)}
        tokens = cast("Tensor", self.tokenizer(unique))
        # dense products in bf16 where the processor has tiles for them, which took
        # a whole step from about 1.2 s to 0.9 s; accumulation and weights stay fp32
        with torch.autocast("cpu", torch.bfloat16, enabled=device.type == "cpu" and multiplies_bf16()):
            encoded = self._encoded(tokens[:, : int((tokens != 0).sum(dim=1).max())].to(device)).float()
        return F.normalize(encoded, dim=-1)[[at[text] for text in words]]

    def _encoded(self, tokens: Tensor) -> Tensor:
        """Encode tokens that were cut to the longest text, which saves half the work; the causal mask is cut for it."""
        holder = cast("nn.Module", getattr(self.model, "text", self.model))  # open_clip's two ways to hold the text tower
        whole = cast("Tensor", holder.attn_mask)
        holder.attn_mask = whole[: tokens.shape[1], : tokens.shape[1]]
        try:
            return cast("Tensor", self.model.encode_text(tokens))  # type: ignore[operator]
        finally:
            holder.attn_mask = whole

    @property
    def scale(self) -> Tensor:
        """() the inverse temperature."""
        return cast("Tensor", getattr(self.model, SCALE_NAME)).exp()


def multiplies_bf16() -> bool:
    """Whether this processor has matrix tiles for bf16 (AMX)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


@dataclass(slots=True)
class MovingAverage:
    """An exponential moving average of weights and batch-norm statistics: flatter minima, steadier figures.

    Attributes:
        decay: A step; the first steps forget faster, so that the random start leaves.
        weights: The averages, by name.
    """

    decay: float
    weights: dict[str, Tensor]

    @classmethod
    def of(cls, model: nn.Module, decay: float) -> MovingAverage:
        """Start from a model's weights."""
        return cls(decay, {name: value.detach().clone() for name, value in model.state_dict().items()})

    @torch.no_grad()
    def take(self, model: nn.Module, step: int) -> None:
        """Move towards a model's weights after a step, counted from 0."""
        rate = 1 - min(self.decay, (1 + step) / (10 + step))
        averages, values = [], []
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                averages.append(self.weights[name])
                values.append(value)
            else:
                self.weights[name].copy_(value)
        torch._foreach_lerp_(averages, values, rate)


def silence_unseen(weights: dict[str, Tensor], model: nn.Module, seen: Tensor) -> None:
    """Give every token that no text of the training had the mean vector of those that were seen.

    Left at their random start, unknown words push a query in a random direction.

    Args:
        weights: By name; changed in place.
        model: Whose weights they are.
        seen: (V,) bool.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and module.num_embeddings == len(seen):
            table = weights[f"{name}.weight"]
            table[~seen] = table[seen].mean(dim=0)


def export(weights: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write weights as float16 safetensors, at once or not at all; integer buffers keep their type."""
    save_weights({name: value.half() if value.is_floating_point() else value for name, value in weights.items()}, path, metadata)


def save_weights(weights: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write weights as safetensors, at once or not at all."""
    from safetensors.torch import save_file

    kept = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    with written(path) as partial:
        save_file(kept, partial, metadata={"format": "pt", **(metadata or {})})


def load_weights(model: nn.Module, path: Path, keep: tuple[str, ...] = ()) -> None:
    """Take all weights of a safetensors file.

    Args:
        model: Changed in place.
        path: The file; it must hold every weight of the model and no other.
        keep: How the names of those weights begin that stay the model's own.

    Raises:
        WeightsCorrupt: If the file can't be read or doesn't fit the model exactly.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        own = {name: value for name, value in model.state_dict().items() if name.startswith(keep)} if keep else {}
        model.load_state_dict(load_file(path) | own)
    except (OSError, SafetensorError, RuntimeError) as problem:
        raise WeightsCorrupt(path.name, f"{str(problem).splitlines()[0]} Start from weights of the recipe's own model.") from None
