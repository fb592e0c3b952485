"""Distillation of similarities against a slow reference in float64, and its degenerate cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from engine.errors import DataMissing
from engine.learning.objectives import Batch
from engine.learning.objectives.teacher import Asked, TeacherPart, Teaching, agreement
from engine.learning.teacher import Teacher

Rows = Callable[[int, int, int], Tensor]


class Letters:
    """A teacher for whom a text is its letters."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Tensor:
        self.asked += texts
        return torch.nn.functional.normalize(torch.tensor([[float(text.count(letter)) for letter in "abcdef"] for text in texts]), dim=1)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Letters:
    """In the place of the sentence encoder, with an empty memory."""
    monkeypatch.setattr("engine.learning.objectives.teacher._memory", lambda: tmp_path / "cache" / "said.npz")
    teacher = Letters()
    monkeypatch.setattr(Teacher, "read", classmethod(lambda cls: teacher))
    return teacher


@pytest.mark.parametrize("masked", [False, True])
def test_it_and_its_gradient_agree_with_a_slow_reference(rows: Rows, compared: Callable[..., None], masked: bool) -> None:
    known, scale = rows(5, 3, 7), torch.tensor(6.0, dtype=torch.float64)
    alike = known @ known.T
    ignored = torch.zeros(5, 5, dtype=torch.bool)
    if masked:
        ignored[0, 1] = ignored[3, 2] = ignored[4, 4] = True  # the last one is a text's own picture and stays

    def slow(image: Tensor, text: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for first, second, out in ((image, text, ignored), (text, image, ignored.T)):
            for i in range(5):
                seen = [j for j in range(5) if j == i or not out[i, j]]
                wanted = [math.exp(float(alike[i, j]) / 0.2) for j in seen]
                mass = sum(torch.exp(scale * (first[i] * second[j]).sum()) for j in seen)
                for share, j in zip(wanted, seen, strict=True):
                    total = total - share / sum(wanted) * torch.log(torch.exp(scale * (first[i] * second[j]).sum()) / mass)
        return total / 10

    compared(lambda image, text: agreement(image, text, scale, alike, 0.2, ignored if masked else None), slow, rows(5, 4, 1), rows(5, 4, 2))


def test_a_cold_teacher_leaves_the_diagonal(rows: Rows) -> None:
    image, text, scale = rows(5, 4, 1), rows(5, 4, 2), torch.tensor(6.0, dtype=torch.float64)
    logits, target = scale * image @ text.T, torch.arange(5)
    clip = (torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(agreement(image, text, scale, torch.eye(5, dtype=torch.float64), 1e-3), clip)


def test_texts_are_asked_about_once(batch: Callable[..., Batch], letters: Letters) -> None:
    objective = Teaching(TeacherPart(kind="teacher"), 5)
    first = objective(batch(("a", "b", "ab")))
    assert torch.equal(objective(batch(("a", "b", "ab"))), first)
    assert letters.asked == ["a", "ab", "b"]


def test_what_was_said_is_remembered_by_the_next_training(batch: Callable[..., Batch], letters: Letters, tmp_path: Path) -> None:
    first = Teaching(TeacherPart(kind="teacher"), 5)(batch(("a", "b", "ab")))
    assert torch.equal(Teaching(TeacherPart(kind="teacher"), 5)(batch(("a", "b", "ab"))), first)
    assert len(letters.asked) == 3
    (tmp_path / "cache" / "said.npz").write_bytes(b"broken")
    assert torch.equal(Teaching(TeacherPart(kind="teacher"), 5)(batch(("a", "b", "ab"))), first)
    assert len(letters.asked) == 6


def test_an_epoch_is_asked_about_at_once(letters: Letters) -> None:
    training = SimpleNamespace(
        sources=(0, 1), drawn=lambda number, epoch: [SimpleNamespace(texts=[SimpleNamespace(words=f"{number}{epoch}{i}")]) for i in "ab"]
    )
    Teaching(TeacherPart(kind="teacher", sources=(1,)), 5).begin(2, training)  # type: ignore[arg-type]
    assert letters.asked == ["12a", "12b"]


def test_identical_captions_share_evenly(batch: Callable[..., Batch], letters: Letters) -> None:
    """Equal texts, equal pictures: the loss is the entropy of an even target and nothing is pulled."""
    same = batch(("a", "a", "a"), image=torch.ones(3, 5, dtype=torch.float64).div(5**0.5).requires_grad_())
    text = torch.ones(3, 5, dtype=torch.float64).div(5**0.5)
    loss = Teaching(TeacherPart(kind="teacher"), 5)(batch(("a", "a", "a"), image=same.image, text=text))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(3))
    assert same.image.grad is not None
    assert same.image.grad.abs().max() < 1e-9


def test_everything_else_ignored_leaves_nothing_to_learn(rows: Rows) -> None:
    image, text, scale = rows(4, 4, 9), rows(4, 4, 10), torch.tensor(6.0, dtype=torch.float64)
    loss = agreement(image, text, scale, torch.ones(4, 4, dtype=torch.float64), 0.1, torch.ones(4, 4, dtype=torch.bool))
    assert loss.item() == pytest.approx(0.0, abs=1e-12)


def test_a_batch_of_one_teaches_nothing(batch: Callable[..., Batch], letters: Letters) -> None:
    assert Teaching(TeacherPart(kind="teacher"), 5)(batch(("a",))).item() == pytest.approx(0.0)


def test_without_a_teacher_the_first_epoch_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.learning.teacher.PACKAGE", "no_such_package")
    with pytest.raises(DataMissing, match="sentence encoder"):
        Asked().ready()
