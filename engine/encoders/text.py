"""The text tower at work: a known opening is not computed again, nothing behind a text's end is computed at all."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

KeysValues = list[tuple[Tensor, Tensor]]
"""Of each layer what attention looks at: keys and values, each (N, heads, L, width / heads)."""


class TextTower:
    """Features of tokens, as ``encode_text`` of an open_clip model gives them, but sooner.

    Each token of a causal tower sees only those before it. So what the openings of the prompt templates ("a satellite photo
    of") leave behind in each layer is computed once; of a text only the tokens behind its opening are computed, up to the
    end-of-text token; and of the last layer only that token, whose output is the text's. A short query costs about a third.
    Towers of another structure are computed whole.
    """

    def __init__(self, model: nn.Module, openings: Tensor) -> None:
        """Take a model's text tower.

        Args:
            model: An open_clip model.
            openings: (K, L) int64 tokens of what texts begin with; one is empty, so that each text begins with one of them.
        """
        self._model = model
        self._tower: Any = getattr(model, "text", model)
        self._openings = openings
        self._lengths = openings.argmax(dim=-1)
        self.plain = _is_plain(self._tower)

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
        past = [(keys[chosen, :, :longest], values[chosen, :, :longest]) for keys, values in self._known]
        return self._project(self._run(tokens, lengths, past)[0])

    @cached_property
    def _known(self) -> KeysValues:
        """Keys and values of the openings."""
        heads = self._tower.transformer.resblocks[0].attn.num_heads
        nothing = self._tower.positional_embedding.new_zeros(len(self._openings), heads, 0, self._tower.width // heads)
        return self._run(self._openings, torch.zeros_like(self._lengths), [(nothing, nothing)] * len(self._tower.transformer.resblocks))[1]

    def _run(self, tokens: Tensor, lengths: Tensor, past: KeysValues) -> tuple[Tensor, KeysValues]:
        """Each text's last token (its greatest) after all layers, (N, width), and the keys and values of past and text."""
        texts = torch.arange(len(tokens), device=tokens.device)
        ends = tokens.argmax(dim=-1) - lengths
        steps = torch.arange(int(ends.max()) + 1, device=tokens.device)
        places = (lengths[:, None] + steps).clamp(max=tokens.shape[1] - 1)
        known = torch.arange(past[0][0].shape[2], device=tokens.device) < lengths[:, None]
        seen = torch.cat([known[:, None].expand(-1, len(steps), -1), (steps <= steps[:, None]).expand(len(tokens), -1, -1)], dim=-1)[
            :, None
        ]

        x = self._tower.token_embedding(tokens.gather(1, places)) + self._tower.positional_embedding[places]
        blocks, kept = self._tower.transformer.resblocks, []
        for block, (keys, values) in zip(blocks, past, strict=True):
            query, key, value = _heads(block, x)
            keys, values = torch.cat([keys.to(key.dtype), key], dim=2), torch.cat([values.to(value.dtype), value], dim=2)
            kept.append((keys, values))
            if block is blocks[-1]:
                x, query, seen = x[texts, ends][:, None], query[texts, :, ends][:, :, None], seen[texts, :, ends][:, :, None]
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


def _heads(block: Any, x: Tensor) -> list[Tensor]:  # noqa: ANN401 - open_clip ships no types
    """Query, key and value, each (N, heads, L, width / heads)."""
    joint = linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias)
    return [
        part.view(len(x), -1, block.attn.num_heads, part.shape[-1] // block.attn.num_heads).transpose(1, 2)
        for part in joint.chunk(3, dim=-1)
    ]


def _is_plain(tower: Any) -> bool:  # noqa: ANN401 - open_clip ships no types
    """Whether this is CLIP's text transformer: causal, ordinary blocks, read at the end-of-text token."""
    from open_clip.transformer import ResidualAttentionBlock

    causal = isinstance(getattr(tower, "attn_mask", None), Tensor) and getattr(tower, "cls_emb", None) is None
    pooled_at_end = getattr(tower, "text_pool_type", getattr(tower, "pool_type", "")) == "argmax"
    if not causal or not pooled_at_end or getattr(tower, "use_pad_mask", False):
        return False
    return all(type(block) is ResidualAttentionBlock and block.attn.in_proj_bias is not None for block in tower.transformer.resblocks)
