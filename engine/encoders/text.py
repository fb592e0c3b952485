"""The text tower at work: a known opening is not computed again, nothing behind a text's end is computed at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any, Final, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

Tokens = list[int]
"""Of one text, up to its end-of-text token, the greatest; what follows it is not read."""

Step = Callable[[Tensor], Tensor]

FEW: Final = 64
"""Tokens up to which one thread computes them."""

LAYOUTS: Final = 16
"""Layouts of few tokens that are remembered."""


class Layout(NamedTuple):
    """What depends on how texts begin and how long they are, not on their words.

    Attributes:
        places: (N, S, width) what the tower adds to the last S tokens for their places.
        past: For each layer keys and values of the tokens before, (N, P, 2 width).
        mask: (N, 1, S, P + S), 0 where a token sees another and -inf where it does not.
    """

    places: Tensor
    past: tuple[Tensor, ...]
    mask: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], known: Sequence[Tensor], positions: Tensor) -> Self:
        """A layout with as many tokens of each text as the one with most unknown tokens needs; a shorter one begins with nothing.

        Args:
            lengths: Tokens of each text.
            known: (layers, K, 2 width) keys and values of what each begins with.
            positions: (L, width) what the tower adds for places.
        """
        steps = max(length - opening.shape[1] for length, opening in zip(lengths, known, strict=True))
        starts = [max(length - steps, 0) for length in lengths]
        past = known[0].new_zeros(len(known[0]), len(known), max(starts), known[0].shape[-1])
        for text, (start, opening) in enumerate(zip(starts, known, strict=True)):
            past[:, text, :start] = opening[:, :start]
        places = torch.tensor(lengths, device=past.device)[:, None] + torch.arange(-steps, 0, device=past.device)
        before = torch.arange(past.shape[2], device=past.device) < torch.tensor(starts, device=past.device)[:, None]
        own = (places >= 0)[:, None] | torch.eye(steps, dtype=torch.bool, device=past.device)  # nothing sees itself: not a number else
        seen = torch.cat([before[:, None].expand(-1, steps, -1), own.tril()], dim=-1)
        mask = past.new_zeros(seen.shape).masked_fill(~seen, -torch.inf)[:, None]
        return cls(positions[places.clamp(min=0)], past.unbind(), mask)


class TextTower:
    """Features of tokens, as ``encode_text`` of an open_clip model gives them, but sooner.

    Each token of a causal tower sees only those before it. So what the openings of the prompt templates ("a satellite photo
    of") leave behind in each layer is computed once; of a text only the tokens behind its opening are computed, up to the
    end-of-text token; and of the last layer only that token, whose output is the text's. A short query costs about half.
    What depends on how a few texts begin and how long they are is laid out once. On x86 processors the products read
    matrices in half precision, where those lose nothing by it: they come from memory anew for each query, since a search
    sweeps them out of the cache. Towers of another structure are computed whole.
    """

    def __init__(self, model: nn.Module, openings: Sequence[Tokens]) -> None:
        """Take a model's text tower.

        Args:
            model: An open_clip model; its weights keep their values, but may be laid out anew.
            openings: What texts begin with; one is empty, so that each text begins with one of them.
        """
        self._model = model
        self._tower: Any = getattr(model, "text", model)
        self._openings = sorted((_read(tokens)[:-1] for tokens in openings), key=len, reverse=True)
        self._threads = torch.get_num_threads()
        self.plain = _is_plain(self._tower)
        if self.plain:
            _lay_out(self._tower.transformer)
            self._layers = [Layer.of(block) for block in self._tower.transformer.resblocks]
            self._halved = [layer.halved() for layer in self._layers]
            self._norm = _norm(self._tower.ln_final)
            self._projection = _projection(self._tower)
            self._remembered = lru_cache(LAYOUTS)(self._layout)

    def __call__(self, texts: Sequence[Tokens]) -> Tensor:
        """The tower's output before normalising.

        Args:
            texts: Tokens of each, within the context length.

        Returns:
            (N, D) float.
        """
        if not self.plain:
            return self._whole(texts)
        texts = [_read(tokens) for tokens in texts]
        shape = tuple((self._opening_of(tokens), len(tokens)) for tokens in texts)
        count = len(texts) * max(length - len(self._openings[opening]) for opening, length in shape)
        if count > FEW:
            return self._projection(self._run(texts, self._layout(shape), self._layers)[0])
        torch.set_num_threads(1)  # where cores are busy, waiting for a second one takes ten times as long
        try:
            return self._projection(self._run(texts, self._remembered(shape), self._halved)[0])
        finally:  # to what held at the start: the number is also what new threads begin with
            torch.set_num_threads(self._threads)

    def _whole(self, texts: Sequence[Tokens]) -> Tensor:
        length, device = self._tower.context_length, self._tower.token_embedding.weight.device
        padded = torch.tensor([[*tokens, *[0] * (length - len(tokens))] for tokens in texts], device=device)
        whole: Tensor = self._model.encode_text(padded)  # type: ignore[operator]
        return whole

    def _opening_of(self, tokens: Tokens) -> int:
        """Place of the longest opening that a text begins with."""
        return next(place for place, opening in enumerate(self._openings) if tokens[: len(opening)] == opening)

    @cached_property
    def _known(self) -> list[Tensor]:
        """Keys and values of each opening in each layer, (layers, tokens, 2 width)."""
        positions, layers = self._tower.positional_embedding, len(self._layers)
        nothing = positions.new_zeros(layers, 0, 2 * positions.shape[1])
        alone = ((opening, Layout.of([len(opening)], [nothing], positions)) for opening in self._openings)
        return [torch.cat(self._run([opening], layout, self._layers)[1]) for opening, layout in alone]

    def _layout(self, shape: tuple[tuple[int, int], ...]) -> Layout:
        """The layout of texts, given the opening and the length of each."""
        known = [self._known[opening] for opening, _ in shape]
        return Layout.of([length for _, length in shape], known, self._tower.positional_embedding)

    def _run(self, texts: Sequence[Tokens], layout: Layout, layers: Sequence[Layer]) -> tuple[Tensor, list[Tensor]]:
        """All layers for the last tokens of texts.

        Args:
            texts: Tokens of each.
            layout: Theirs.
            layers: The tower's, in one precision or the other.

        Returns:
            The output at each end-of-text token, normalised: (N, width). For each layer the keys and values of past and text.
        """
        steps, mask = layout.places.shape[1], layout.mask
        ends = torch.tensor([[0] * (steps - len(tokens)) + tokens[-steps:] for tokens in texts], device=mask.device)
        x, kept = torch.embedding(self._tower.token_embedding.weight, ends) + layout.places, []
        for layer, earlier in zip(layers, layout.past, strict=True):
            query, now = layer.inward(layer.first_norm(x)).tensor_split([x.shape[-1]], dim=-1)
            kept.append(torch.cat([earlier.to(now.dtype), now], dim=1))
            if layer is layers[-1]:
                x, query, mask = x[:, -1:], query[:, -1:], mask[:, :, -1:]
            size = x.shape[-1] // layer.heads
            parts = (query, *kept[-1].chunk(2, dim=-1))
            query, keys, values = (part.view(len(texts), -1, layer.heads, size).transpose(1, 2) for part in parts)
            attended = scaled_dot_product_attention(query, keys, values, attn_mask=mask.to(query.dtype)).transpose(1, 2).flatten(2)
            x = x + layer.outward(attended)
            x = x + layer.down(layer.activation(layer.up(layer.second_norm(x))))
        return self._norm(x[:, 0]), kept


@dataclass(frozen=True)
class Layer:
    """The functions of a layer, without their modules: what stands around a function takes longer to fetch than a norm to compute.

    Attributes:
        heads: Of the attention.
        first_norm, inward, outward: Before attention; to queries, keys and values; from what was attended to.
        second_norm, up, activation, down: The perceptron behind it.
    """

    heads: int
    first_norm: Step
    inward: Product
    outward: Product
    second_norm: Step
    up: Product
    activation: Step
    down: Product

    @classmethod
    def of(cls, block: Any) -> Self:  # noqa: ANN401 - open_clip ships no types
        """The functions of an ordinary block; a scale of its parts becomes one of their matrices."""
        attention, perceptron = block.attn, block.mlp
        return cls(
            attention.num_heads,
            _norm(block.ln_1),
            Product(attention.in_proj_weight, attention.in_proj_bias),
            _scaled(attention.out_proj, block.ls_1),
            _norm(block.ln_2),
            Product(perceptron.c_fc.weight, perceptron.c_fc.bias),
            perceptron.gelu.forward,
            _scaled(perceptron.c_proj, block.ls_2),
        )

    def halved(self) -> Self:
        """The same with its products in half precision, as far as nothing is lost by it."""
        inward, outward, up, down = map(_halved, (self.inward, self.outward, self.up, self.down))
        return replace(self, inward=inward, outward=outward, up=up, down=down)


def _read(tokens: Tokens) -> Tokens:
    """What is read of a text: up to its first end-of-text token."""
    return tokens[: tokens.index(max(tokens)) + 1]


class Product:
    """A matrix and, mostly, an offset: x → x Wᵀ + b."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        """(…, K) float → (…, M) float."""
        return linear(x, self.weight, self.bias)


class HalvedProduct(Product):
    """The same with the matrix in half precision and sums in single: half as much to read, a few rows in half the time."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__(weight, bias)
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.contiguous(), bias)

    def __call__(self, x: Tensor) -> Tensor:
        """(…, K) float32 → (…, M) float32; under autocast, which doesn't know this product, x has been shortened."""
        product: Tensor = torch.ops.quantized.linear_dynamic_fp16(x.float(), self._packed)
        return product


def _scaled(part: nn.Linear, scale: nn.Module) -> Product:
    """A product and the scale behind it as one."""
    if isinstance(scale, nn.Identity):
        return Product(part.weight, part.bias)
    gamma: Tensor = scale.gamma.detach()  # type: ignore[operator]
    return Product(part.weight.detach() * gamma[:, None], part.bias.detach() * gamma)


def _norm(norm: nn.LayerNorm) -> Step:
    return partial(torch.layer_norm, normalized_shape=norm.normalized_shape, weight=norm.weight, bias=norm.bias, eps=norm.eps)


def _halved(product: Product) -> Product:
    """In half precision, if nothing is lost by it and this processor has the instructions (FBGEMM's)."""
    weight = product.weight.detach()
    possible = weight.device.type == "cpu" and weight.dtype == torch.float32 and "fbgemm" in torch.backends.quantized.supported_engines
    exact = possible and torch.equal(weight, weight.half().float())
    return HalvedProduct(weight, None if product.bias is None else product.bias.detach()) if exact else product


def _projection(tower: Any) -> Step:  # noqa: ANN401 - open_clip ships no types
    """From the width of the tower to the length of a vector; nothing where both are one."""
    projection = tower.text_projection
    if projection is None:
        return nn.Identity()
    return _halved(Product(projection.weight, projection.bias) if isinstance(projection, nn.Linear) else Product(projection.T, None))


def _lay_out(layers: nn.Module) -> None:
    """Keep matrices column by column: the products of few rows are a third quicker on the CPU, to the same digits nearly."""
    for name, weight in layers.named_parameters():
        if name.endswith("weight") and weight.ndim == 2:
            weight.data = weight.data.t().contiguous().t()


def _is_plain(tower: Any) -> bool:  # noqa: ANN401 - open_clip ships no types
    """Whether this is CLIP's text transformer: causal, ordinary blocks, read at the end-of-text token."""
    from open_clip.transformer import ResidualAttentionBlock

    causal = isinstance(getattr(tower, "attn_mask", None), Tensor) and getattr(tower, "cls_emb", None) is None
    pooled_at_end = getattr(tower, "text_pool_type", getattr(tower, "pool_type", "")) == "argmax"
    if not causal or not pooled_at_end or getattr(tower, "use_pad_mask", False):
        return False
    return all(type(block) is ResidualAttentionBlock and block.attn.in_proj_bias is not None for block in tower.transformer.resblocks)
