"""Networks that read metadata: as words (BERT-like) or as a table (FT-Transformer)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.learning.metadata.record import FIELDS, SEASONS, Field, Metadata
from engine.learning.metadata.sentence import sentence
from engine.learning.metadata.table import WIDTHS, Table

LONGEST = 256
"""Bytes of a text that are read; all fields together take about 190."""


class TextualEncoder(nn.Module):
    """Metadata written as a list of “field: value” and read byte by byte; a field that is unknown has no line.

    Bytes instead of word pieces: the texts are numbers and a dozen words, and 256 tokens are learned from a few thousand records.

    Args:
        dim: Length D of the vectors.
        fields: What is read.
        width: Of the tokens; SatMIP has 512.
        layers: SatMIP has 3.
        heads: SatMIP has 8.

    Source: SatMIP (ECCV 2024): BERT-like, three layers, feed-forward ×4, first token.
    """

    def __init__(self, dim: int, fields: Sequence[Field] = FIELDS, width: int = 512, layers: int = 3, heads: int = 8) -> None:
        super().__init__()
        self.fields = tuple(fields)
        self.tokens = nn.Embedding(256 + 2, width, padding_idx=0)  # padding, the first token, bytes
        self.places = nn.Parameter(torch.randn(LONGEST + 1, width) * 0.02)
        nn.init.normal_(self.tokens.weight, std=0.02)
        self.body = _body(width, layers, heads, 4 * width)
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim))

    def forward(self, records: Sequence[Metadata]) -> Tensor:
        """B records → (B, D) unit rows."""
        texts = [sentence(record, self.fields).encode()[:LONGEST] for record in records]
        longest = max(len(text) for text in texts)
        rows = [[1, *(byte + 2 for byte in text), *[0] * (longest - len(text))] for text in texts]
        read = torch.tensor(rows, device=self.places.device)
        held = self.body(self.tokens(read) + self.places[: longest + 1], src_key_padding_mask=read == 0)
        return F.normalize(self.last(held[:, 0]), dim=-1)


class TabularEncoder(nn.Module):
    r"""Metadata as a table: number j is a token :math:`x_j w_j + b_j`, the season one of a few; the unknown has tokens of its own.

    Args:
        dim: Length D of the vectors.
        fields: What is read.
        width: Of the tokens; SatMIP has 192.
        layers: SatMIP has 3.
        heads: SatMIP has 8.

    Source: SatMIP (ECCV 2024): FT-Transformer (Gorishniy et al. 2021, §3.3), three layers, feed-forward ×4/3, first token.
    """

    def __init__(self, dim: int, fields: Sequence[Field] = FIELDS, width: int = 192, layers: int = 3, heads: int = 8) -> None:
        super().__init__()
        self.fields = tuple(field for field in FIELDS if field in fields)
        numbers = sum(WIDTHS[field] for field in self.fields)
        bound = width**-0.5
        self.first, self.weight, self.bias, self.unknown = (
            nn.Parameter(torch.empty(count, width).uniform_(-bound, bound)) for count in (1, numbers, numbers, numbers)
        )
        self.season = nn.Embedding(len(SEASONS) + 1, width) if "season" in self.fields else None
        self.body = _body(width, layers, heads, round(width * 4 / 3))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, dim))

    def forward(self, records: Sequence[Metadata]) -> Tensor:
        """B records → (B, D) unit rows."""
        table = Table.of(records, self.fields).to(self.weight.device)
        tokens = torch.where(table.known[..., None], table.values[..., None] * self.weight + self.bias, self.unknown)
        parts = [self.first.expand(len(records), 1, -1), tokens]
        if self.season is not None:
            parts.append(self.season(table.season)[:, None])
        return F.normalize(self.last(self.body(torch.cat(parts, dim=1))[:, 0]), dim=-1)


def _body(width: int, layers: int, heads: int, hidden: int) -> nn.Module:
    """A pre-norm transformer without drop-out: a step repeated is the same step."""
    layer = nn.TransformerEncoderLayer(width, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
