"""Networks without weights: built from an open_clip name or JSON config, and guessed from a state dict's shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from engine.encoders.registry import MODELS, read_config
from engine.errors import ArchitectureUnknown

if TYPE_CHECKING:
    from torch import Tensor, nn

REMEMBERED_WORDS: Final = 8192

Tokenize = Callable[[Sequence[str]], list[list[int]]]
"""Texts → the tokens of each, from start-of-text to end-of-text."""


def config_of(architecture: str, folder: Path | None = None) -> dict[str, Any]:
    """The open_clip config of an architecture: a fresh dictionary.

    Args:
        architecture: A name that open_clip knows, or a JSON file in the folder or in ``assets/models``.
        folder: The model's own folder.

    Raises:
        ArchitectureUnknown: If there is none, or it needs parts from the network.
    """
    import open_clip

    try:
        config = read_config(architecture, folder)
    except ValueError as error:
        raise ArchitectureUnknown(architecture, f"{error}.") from None
    if config is None:
        known = open_clip.list_models()
        if architecture not in known:  # get_model_config would also fetch from a hub by prefix
            raise ArchitectureUnknown(
                architecture, f"open_clip has none of this name; it has {len(known)}, such as {', '.join(known[:3])}."
            )
        config = dict(open_clip.get_model_config(architecture))
    text = config["text_cfg"]
    if text.get("hf_model_name") or text.get("hf_tokenizer_name") or "multimodal_cfg" in config or "siglip" in architecture.lower():
        raise ArchitectureUnknown(architecture, "its text tower or tokenizer is fetched from a hub, which Pharos does not do.")
    return config


def build(config: Mapping[str, Any], *, quick_gelu: bool = False) -> nn.Module:
    """The network with random weights, on the CPU in float32; nothing is fetched.

    Args:
        config: From :func:`config_of`.
        quick_gelu: Force the quick-GELU activation; a config that asks for it gets it anyway.

    Raises:
        ArchitectureUnknown: If open_clip can't build it.
    """
    import open_clip

    from engine.encoders.votes import CONFIG_KEY, let_places_vote

    parts = {key: config[key] for key in config if key not in ("custom_text", "preprocess_cfg", "quick_gelu", CONFIG_KEY)}
    parts["vision_cfg"] = {**config["vision_cfg"], "timm_model_pretrained": False}
    parts["quick_gelu"] = quick_gelu or bool(config.get("quick_gelu"))
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    try:
        model = cast("nn.Module", kind(**parts))
        if config.get(CONFIG_KEY):
            let_places_vote(model)
        return model
    except (AttributeError, TypeError, ValueError, RuntimeError, AssertionError, KeyError) as error:
        raise ArchitectureUnknown("the config", f"open_clip can't build it ({type(error).__name__}: {error}).") from None


def input_size(config: Mapping[str, Any]) -> int:
    """Side of the square picture that the network takes, pixels."""
    size = config["vision_cfg"].get("image_size", 224)
    return int(size if isinstance(size, int) else size[0])


def tokenizer_of(config: Mapping[str, Any]) -> Tokenize:
    """The tokenizer of an architecture: CLIP's byte pairs, cut to its context length."""
    import open_clip

    text = config["text_cfg"]
    tokenizer = open_clip.SimpleTokenizer(context_length=text.get("context_length", 77), **(text.get("tokenizer_kwargs") or {}))
    repair = tokenizer.clean_fn
    if not text.get("tokenizer_kwargs"):  # plain letters need no repair of encodings and entities, which takes half the time
        tokenizer.clean_fn = lambda words: " ".join(words.split()).lower() if _is_plain(words) else repair(words)
    if tokenizer.reduction_fn:
        return lambda texts: cast("list[list[int]]", tokenizer(list(texts)).tolist())
    word = lru_cache(REMEMBERED_WORDS)(tokenizer.encode)  # the sentences around a text share its words

    def tokens_of(text: str) -> list[int]:
        plain = _is_plain(text)
        parts = (word(part) for part in tokenizer.pat.findall(tokenizer.clean_fn(text))) if plain else (tokenizer.encode(text),)
        tokens = list(chain.from_iterable(parts))[: tokenizer.context_length - 2]
        return [tokenizer.sot_token_id, *tokens, tokenizer.eot_token_id]

    return lambda texts: [tokens_of(text) for text in texts]


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and "&" not in text


def guess(state: Mapping[str, Tensor], name: str) -> str:
    """The architecture whose shapes a state dict has.

    Args:
        state: From :func:`engine.encoders.weights.read_state`.
        name: The file's name, for the message.

    Returns:
        An open_clip name, or a JSON config of ``assets/models``. Quick-GELU leaves no trace in shapes.

    Raises:
        ArchitectureUnknown: If no architecture, or no single one, has these shapes.
    """
    import open_clip

    for path in sorted(MODELS.glob("*.json")):
        if _shapes_of(path.name) == {key: tuple(value.shape) for key, value in state.items()}:
            return path.name
    seen = _signature_of_state(state)
    if seen is None:
        raise ArchitectureUnknown(name, "its keys are not those of a CLIP model of open_clip with a plain text tower.")
    plain = [n for n in open_clip.list_models() if "quickgelu" not in n and _signature_of_config(open_clip.get_model_config(n)) == seen]
    if not plain:
        raise ArchitectureUnknown(name, f"no architecture of open_clip has its shapes ({', '.join(map(str, seen))}).")
    return str(min(plain, key=len))


def _shapes_of(architecture: str) -> dict[str, tuple[int, ...]]:
    import torch

    try:
        with torch.device("meta"):
            model = build(config_of(architecture))
    except ArchitectureUnknown:
        return {}
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


Signature = tuple[Any, ...]
"""Embedding width; vision layers, width, patch, picture side; text layers, width, context, vocabulary."""


def _signature_of_config(config: Mapping[str, Any]) -> Signature | None:
    vision, text = config["vision_cfg"], config["text_cfg"]
    if config.get("custom_text") or "timm_model_name" in vision or "hf_model_name" in text or "multimodal_cfg" in config:
        return None
    layers = vision.get("layers", 12)
    residual = isinstance(layers, list)
    return (
        config["embed_dim"],
        tuple(layers) if residual else layers,
        vision.get("width", 768),
        None if residual else vision.get("patch_size", 16),
        vision.get("image_size", 224),
        text.get("layers", 12),
        text.get("width", 512),
        text.get("context_length", 77),
        text.get("vocab_size", 49408),
    )


def _signature_of_state(state: Mapping[str, Tensor]) -> Signature | None:
    try:
        vision = _residual_part(state) if "visual.layer1.0.conv1.weight" in state else _transformer_part(state)
        text = (
            _count(state, "transformer.resblocks."),
            state["token_embedding.weight"].shape[1],
            state["positional_embedding"].shape[0],
            state["token_embedding.weight"].shape[0],
        )
        return (state["text_projection"].shape[1], *vision, *text)
    except (KeyError, IndexError):
        return None


def _transformer_part(state: Mapping[str, Tensor]) -> Signature:
    width, _, patch, _ = state["visual.conv1.weight"].shape
    grid = round((state["visual.positional_embedding"].shape[0] - 1) ** 0.5)
    return (_count(state, "visual.transformer.resblocks."), width, patch, grid * patch)


def _residual_part(state: Mapping[str, Tensor]) -> Signature:
    layers = tuple(_count(state, f"visual.layer{stage}.") for stage in range(1, 5))
    grid = round((state["visual.attnpool.positional_embedding"].shape[0] - 1) ** 0.5)
    return (layers, state["visual.layer1.0.conv1.weight"].shape[0], None, grid * 32)


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)})
