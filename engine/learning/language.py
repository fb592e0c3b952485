"""The first lesson: the text tower learns words from an external sentence encoder, before it sees a picture.

A tower that starts from nothing learns its words from a few thousand captions, slowly, and knows no others. Here it learns to
say what the teacher says, of sentences about pictures and of a broad English vocabulary, within any template.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import DataMissing
from engine.learning.dictionary import entries
from engine.learning.phrases import PhraseTable, files
from engine.learning.recipe import Language, located
from engine.learning.teacher import Teacher
from engine.learning.towers import Towers
from engine.progress import Cancel, Progress, silent, stop_if


def corpus(files: Sequence[Path], never: frozenset[str]) -> tuple[str, ...]:
    """The distinct sentences of text files, one a line, without the ones that must not be seen.

    Args:
        files: Relative paths start at the checkout.
        never: Sentences of the held-out part, as :func:`plain` writes them.

    Raises:
        DataMissing: If a file can't be read.
    """
    lines: set[str] = set()
    for file in files:
        try:
            lines |= {plain(line) for line in located(file).read_text(encoding="utf-8").splitlines()}
        except (OSError, UnicodeDecodeError):
            raise DataMissing("A file of sentences", str(file)) from None
    return tuple(sorted(lines - never - {""}))


def plain(sentence: str) -> str:
    """A sentence in lower case with single spaces and no closing full stop."""
    return " ".join(sentence.lower().replace(".", " ").split())


def projection(vectors: Tensor, dim: int) -> Tensor:
    """The directions in which vectors vary most: (N, D) → (D, dim), orthonormal columns, signs fixed.

    Uncentred, so that cosines are kept as far as ``dim`` directions can.
    """
    _, basis = torch.linalg.eigh((vectors.T @ vectors).double())
    best: Tensor = basis.flip(1)[:, :dim]
    signs = best[best.abs().argmax(dim=0), torch.arange(dim)].sign()
    return (best * signs).float()


def teach(
    towers: Towers,
    how: Language,
    phrases: PhraseTable,
    never: frozenset[str],
    seed: int,
    tell: Progress = silent,
    cancel: Cancel | None = None,
) -> None:
    r"""Teach the text tower, in place.

    .. math:: L = 1 - \cos(f(\text{template}(x)), P^\top g(x)), \quad P \text{ the teacher's main directions}

    A template around a word changes nothing in its target: templates say how, not what.

    Args:
        towers: Only the text tower changes.
        how: Sentences, steps, batch and rate.
        phrases: Class words and templates that are learned as well.
        never: Sentences of the held-out part.
        seed: Decides the batches.
        tell: Progress.
        cancel: Stops between steps.

    Raises:
        DataMissing: If the teacher or the sentences are not there.
        Cancelled: If the person stopped it.
    """
    teacher = Teacher.read()
    sentences = _some(corpus(how.sentences, never), how.most, seed)
    defined = entries(located(how.dictionary)) if how.dictionary else ()
    words = teacher.words()
    names = tuple(sorted({phrase.words for own in phrases.by_class for phrase in own}))
    lessons: list[tuple[Sequence[str], float, Sequence[str]]] = [
        (sentences, 1.0, ("{}", "{}.")),
        (defined, 1.0, ("{}", "{}", "{}.", *phrases.templates)),
        (words, 1.0, ("{}", "a {}", *phrases.templates)),
        (names, 0.25, ("{}", *phrases.templates)),
    ]
    lessons = [lesson for lesson in lessons if lesson[0]]
    known = teacher.vectors([text for texts, _, _ in lessons for text in texts], tell)
    basis = projection(known, _dim(towers))
    targets = torch.split(F.normalize(known @ basis, dim=-1), [len(texts) for texts, _, _ in lessons])
    _start_tokens(towers, teacher, basis, tell)
    share = how.batch / sum(part for _, part, _ in lessons if part == 1)
    parts = [(texts, wanted, max(1, round(part * share)), forms) for (texts, part, forms), wanted in zip(lessons, targets, strict=True)]
    learner = [value for name, value in towers.model.named_parameters() if not name.startswith(("visual.", "logit_"))]
    optimiser = torch.optim.AdamW(learner, lr=how.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps, pct_start=0.1, cycle_momentum=False)
    for step in range(how.steps):
        stop_if(cancel, "The lesson in words")
        random = np.random.default_rng([seed, 77, step])
        drawn = [_batch(texts, wanted, count, templates, random) for texts, wanted, count, templates in parts]
        said = torch.cat([towers.texts(batch) for batch, _ in drawn])  # each part by itself: words needn't be padded to sentences
        loss = (1 - (said * torch.cat([wanted for _, wanted in drawn])).sum(dim=1)).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learner, 1.0)
        optimiser.step()
        schedule.step()
        tell(f"learning words, distance {float(loss.detach()):.3f}", step + 1, how.steps)


@torch.no_grad()
def _start_tokens(towers: Towers, teacher: Teacher, basis: Tensor, tell: Progress) -> None:
    """Begin the vector of each token with what the teacher says of its letters: words that are alike start alike."""
    pieces = towers.tokenizer.decoder
    texts = [pieces[number].replace("</w>", "") for number in range(len(pieces))]
    rows = F.normalize(teacher.vectors(texts, tell) @ basis, dim=-1)
    for module in towers.model.modules():
        if isinstance(module, torch.nn.Embedding) and module.weight.shape == rows.shape:
            module.weight.copy_(rows * module.weight.norm(dim=1).mean())


def lesson_name(model: Path, how: Language, phrases: Path, seed: int) -> str:
    """The file name of a finished lesson; it changes with all that decides it."""
    digest = hashlib.sha256(f"{how.model_dump_json()}|{seed}".encode())
    for path in (located(model), *files(located(phrases))):
        digest.update(path.read_bytes())
    return f"language-{digest.hexdigest()[:12]}.safetensors"


def _some(texts: tuple[str, ...], most: int, seed: int) -> tuple[str, ...]:
    """At most so many of the texts, chosen by the seed."""
    if len(texts) <= most:
        return texts
    return tuple(texts[index] for index in np.sort(np.random.default_rng([seed, 78]).choice(len(texts), most, replace=False)))


def _batch(
    texts: Sequence[str], wanted: Tensor, count: int, templates: Sequence[str], random: np.random.Generator
) -> tuple[list[str], Tensor]:
    """Random texts in random templates, and what the teacher says of them."""
    chosen: NDArray[np.int64] = random.integers(len(texts), size=count)
    forms = random.integers(len(templates), size=count)
    filled = [templates[form].replace("{}", texts[index]) for form, index in zip(forms, chosen, strict=True)]
    return filled, wanted[torch.from_numpy(chosen)]


def _dim(towers: Towers) -> int:
    """Width of the towers' common space."""
    with torch.no_grad():
        return int(towers.texts(["a"]).shape[1])
