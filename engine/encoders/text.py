"""The text tower at work: a known opening is not computed again, nothing behind a text's end is computed at all."""

from __future__ import annotations

from collections.abc import Iterator
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
    Towers of another structure are computed whole.
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
        with self._threads_for(len(tokens) * int((tokens.argmax(dim=-1) - lengths).max() + 1)):
            return self._project(self._run(tokens, lengths, self._known[:, chosen, :longest])[0])

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
        return torch.stack(self._run(self._openings, torch.zeros_like(self._lengths), nothing)[1])

    def _run(self, tokens: Tensor, lengths: Tensor, past: Tensor) -> tuple[Tensor, list[Tensor]]:
        """All layers for what stands behind the known beginnings.

        Args:
            tokens: (N, L) int64.
            lengths: (N,) int64, tokens of each that are known.
            past: Their keys and values, (layers, N, P, 2 width); those behind a length are not looked at.

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
        for block, earlier in zip(blocks, past, strict=True):
            query, now = linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias).tensor_split([x.shape[-1]], dim=-1)
            kept.append(torch.cat([earlier.to(now.dtype), now], dim=1))
            if block is blocks[-1]:
                x, query, seen = x[texts, ends][:, None], query[texts, ends][:, None], seen[texts, :, ends][:, :, None]
            parts, heads = (query, *kept[-1].chunk(2, dim=-1)), block.attn.num_heads
            query, keys, values = (part.view(*part.shape[:2], heads, part.shape[-1] // heads).transpose(1, 2) for part in parts)
            attended = scaled_dot_product_attention(query, keys, values, attn_mask=seen).transpose(1, 2).flatten(2)
            x = x + block.ls_1(block.attn.out_proj(attended))
            x = x + block.ls_2(block.mlp(block.ln_2(x)))
        return x[:, 0], kept

    def _project(self, x: Tensor) -> Tensor:
        x = self._tower.ln_final(x)
        projection = self._tower.text_projection
        if projection is None:
            return x
        return projection(x) if isinstance(projection, nn.Module) else x @ projection  # type: ignore[no-any-return]


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
