"""The text tower at work: a known opening is not computed again, nothing behind a text's end is computed at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

FEW: Final = 64
"""Tokens up to which one thread computes them."""


class TextTower:
    """Features of tokens, as ``encode_text`` of an open_clip model gives them, but sooner.

    Each token of a causal tower sees only those before it. So what the openings of the prompt templates ("a satellite photo
    of") leave behind in each layer is computed once; of a text only the tokens behind its opening are computed, up to the
    end-of-text token; and of the last layer only that token, whose output is the text's. A short query costs about half.
    On x86 processors its products read matrices in half precision, where those lose nothing by it: they come from memory
    anew for each query, since a search sweeps them out of the cache. Towers of another structure are computed whole.
    """

    def __init__(self, model: nn.Module, openings: Tensor) -> None:
        """Take a model's text tower.

        Args:
            model: An open_clip model; its weights keep their values, but may be laid out anew.
            openings: (K, L) int64 tokens of what texts begin with; one is empty, so that each text begins with one of them.
        """
        self._model = model
        self._tower: Any = getattr(model, "text", model)
        self._openings = openings
        self._lengths = openings.argmax(dim=-1)
        self._threads = torch.get_num_threads()
        self.plain = _is_plain(self._tower)
        if self.plain:
            _lay_out(self._tower.transformer)
            self._layers = [_products(block) for block in self._tower.transformer.resblocks]
            self._halved = [tuple(map(_halved, products)) for products in self._layers]

    def __call__(self, tokens: Tensor) -> Tensor:
        """The tower's output before normalising.

        Args:
            tokens: (N, L) int64, padded with 0.

        Returns:
            (N, D) float.
        """
        if not self.plain:
            whole: Tensor = self._model.encode_text(tokens)  # type: ignore[operator]
            return whole
        behind = torch.arange(tokens.shape[1], device=tokens.device) >= self._lengths[:, None]
        begins = ((tokens[:, None] == self._openings) | behind).all(dim=-1)
        chosen = (begins * self._lengths).argmax(dim=-1)
        lengths = self._lengths[chosen]
        longest = int(lengths.max())
        count = len(tokens) * int((tokens.argmax(dim=-1) - lengths).max() + 1)
        with self._threads_for(count):
            layers = self._layers if count > FEW else self._halved
            return self._project(self._run(tokens, lengths, self._known[:, chosen, :longest], layers)[0])

    @contextmanager
    def _threads_for(self, count: int) -> Iterator[None]:
        """Compute a few tokens on this thread alone: where cores are busy, waiting for a second one takes ten times as long."""
        if count > FEW:
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:  # to what held at the start: the number is also what new threads begin with
            torch.set_num_threads(self._threads)

    @cached_property
    def _known(self) -> Tensor:
        """Keys and values of the openings in each layer, (layers, K, L, 2 width)."""
        layers, width = len(self._tower.transformer.resblocks), self._tower.positional_embedding.shape[1]
        nothing = self._tower.positional_embedding.new_zeros(layers, len(self._openings), 0, 2 * width)
        return torch.stack(self._run(self._openings, torch.zeros_like(self._lengths), nothing, self._layers)[1])

    def _run(self, tokens: Tensor, lengths: Tensor, past: Tensor, layers: Sequence[tuple[Product, ...]]) -> tuple[Tensor, list[Tensor]]:
        """All layers for what stands behind the known beginnings.

        Args:
            tokens: (N, L) int64.
            lengths: (N,) int64, tokens of each that are known.
            past: Their keys and values, (layers, N, P, 2 width); those behind a length are not looked at.
            layers: The four products of each layer.

        Returns:
            The output at each end-of-text token, the greatest of its text: (N, width). For each layer the keys and values of
            past and text.
        """
        texts = torch.arange(len(tokens), device=tokens.device)
        ends = tokens.argmax(dim=-1) - lengths
        steps = torch.arange(int(ends.max()) + 1, device=tokens.device)
        places = (lengths[:, None] + steps).clamp(max=tokens.shape[1] - 1)
        known = torch.arange(past.shape[2], device=tokens.device) < lengths[:, None, None, None]
        before = (steps <= steps[:, None]).expand(len(tokens), 1, -1, -1)
        seen = torch.cat([known.expand(-1, -1, len(steps), -1), before], dim=-1)

        x = self._tower.token_embedding(tokens.gather(1, places)) + self._tower.positional_embedding[places]
        blocks, kept = self._tower.transformer.resblocks, []
        for block, earlier, (inward, outward, up, down) in zip(blocks, past, layers, strict=True):
            query, now = inward(block.ln_1(x)).tensor_split([x.shape[-1]], dim=-1)
            kept.append(torch.cat([earlier.to(now.dtype), now], dim=1))
            if block is blocks[-1]:
                x, query, seen = x[texts, ends][:, None], query[texts, ends][:, None], seen[texts, :, ends][:, :, None]
            parts, heads = (query, *kept[-1].chunk(2, dim=-1)), block.attn.num_heads
            query, keys, values = (part.view(*part.shape[:2], heads, part.shape[-1] // heads).transpose(1, 2) for part in parts)
            attended = scaled_dot_product_attention(query, keys, values, attn_mask=seen).transpose(1, 2).flatten(2)
            x = x + block.ls_1(outward(attended))
            x = x + block.ls_2(down(block.mlp.gelu(up(block.ln_2(x)))))
        return x[:, 0], kept

    def _project(self, x: Tensor) -> Tensor:
        x = self._tower.ln_final(x)
        projection = self._tower.text_projection
        if projection is None:
            return x
        return projection(x) if isinstance(projection, nn.Module) else x @ projection  # type: ignore[no-any-return]


class Product:
    """A matrix and an offset: x → x Wᵀ + b."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        """(…, K) float → (…, M) float."""
        return linear(x, self.weight, self.bias)


class HalvedProduct(Product):
    """The same with the matrix in half precision and sums in single: half as much to read, a few rows in half the time."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__(weight, bias)
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.contiguous(), bias)

    def __call__(self, x: Tensor) -> Tensor:
        """(…, K) float32 → (…, M) float32."""
        product: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self._packed)
        return product


def _products(block: Any) -> tuple[Product, ...]:  # noqa: ANN401 - open_clip ships no types
    """The products of a layer: to queries, keys and values; from what was attended to; up; down."""
    attention = Product(block.attn.in_proj_weight, block.attn.in_proj_bias)
    return attention, *(Product(part.weight, part.bias) for part in (block.attn.out_proj, block.mlp.c_fc, block.mlp.c_proj))


def _halved(product: Product) -> Product:
    """In half precision, if nothing is lost by it and this processor has the instructions (FBGEMM's)."""
    weight = product.weight.detach()
    possible = weight.device.type == "cpu" and weight.dtype == torch.float32 and "fbgemm" in torch.backends.quantized.supported_engines
    exact = possible and torch.equal(weight, weight.half().float())
    return HalvedProduct(weight, product.bias.detach()) if exact else product


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
