"""Prototypes against slow references in float64, and the published degenerate cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.errors import DataMissing
from engine.learning.objectives import Batch
from engine.learning.objectives.clusters import grouped, principal
from engine.learning.objectives.protoclip import (
    Episode,
    Head,
    ProtoCLIP,
    ProtoCLIPPart,
    Prototypes,
    back_translated,
    prototypical,
    soft_targets,
)

Rows = Callable[[int, int, int], Tensor]
PART = ProtoCLIPPart(kind="protoclip", clusters=3, hidden=8, projected=4, plain=1, frozen=1)


def test_back_translation_is_the_mean_of_the_members_and_zero_for_an_empty_group(rows: Rows) -> None:
    features, labels = rows(5, 4, 1), torch.tensor([0, 2, 0, 2, 2])
    carried, filled = back_translated(features, labels, 4)
    torch.testing.assert_close(carried[0], (features[0] + features[2]) / 2)
    torch.testing.assert_close(carried[2], (features[1] + features[3] + features[4]) / 3)
    assert filled.tolist() == [True, False, True, False]
    assert not carried[[1, 3]].any()


def test_soft_targets_by_hand(rows: Rows) -> None:
    """Shares are exponentials of cosines over τ; an empty group has none, and its own row is shared by the others."""
    centroids, filled = rows(4, 3, 2), torch.tensor([True, False, True, True])
    found = soft_targets(centroids, filled, 0.3)
    for row in range(4):
        wanted = [math.exp(float(centroids[row] @ centroids[k]) / 0.3) if filled[k] else 0.0 for k in range(4)]
        assert found[row].tolist() == pytest.approx([share / sum(wanted) for share in wanted])


@pytest.mark.parametrize("empty", [False, True])
def test_it_and_its_gradient_agree_with_a_slow_reference(rows: Rows, compared: Callable[..., None], empty: bool) -> None:
    carried, target = rows(4, 3, 3) * 0.7, torch.rand(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    filled = torch.tensor([True, not empty, True, True])
    target = target * filled
    target = target / target.sum(dim=1, keepdim=True)

    def slow(student: Tensor, scale: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for i in range(5):
            groups = [k for k in range(4) if filled[k]]
            mass = sum(torch.exp(scale * (student[i] * carried[k]).sum()) for k in groups)
            for k in groups:
                total = total - target[i, k] * torch.log(torch.exp(scale * (student[i] * carried[k]).sum()) / mass)
        return total / 5

    scale = torch.tensor(9.0, dtype=torch.float64)
    compared(lambda student, s: prototypical(student, carried, s, target, filled), slow, rows(5, 3, 4), scale)


def episode(count: int, rows: Rows, *, external: bool = False) -> Episode:
    """Groups of ``count`` pairs in two spaces of four dimensions."""
    image, text = rows(count, 4, 5), rows(count, 4, 6)
    texts, images = grouped(text, 3, unit=True), grouped(image, 3, unit=True)
    other = (Prototypes.of(texts, image, None), Prototypes.of(texts, text, None)) if external else None
    return Episode((0,), Prototypes.of(texts, image, 0.2), Prototypes.of(images, text, 0.2), other)


@pytest.mark.parametrize("external", [False, True])
def test_the_whole_loss_and_its_gradient_agree_with_a_slow_reference(
    rows: Rows, compared: Callable[..., None], batch: Callable[..., Batch], external: bool
) -> None:
    """Both students, soft targets of the other modality's groups, hard ones of the external groups with weight 2."""
    objective = ProtoCLIP(PART.model_copy(update={"external": 2.0}), 5).double()
    objective.episode = running = episode(12, rows, external=external)
    pairs = [3, 0, 7, 7, 11, 5]

    def slow(image: Tensor, text: Tensor) -> Tensor:
        students = objective.image_head(image), objective.text_head(text)

        def one(student: Tensor, way: Prototypes) -> Tensor:
            total = torch.zeros((), dtype=torch.float64)
            for row, pair in zip(student, pairs, strict=True):
                logits = [objective.scale * (row * way.carried[k]).sum() for k in range(len(way.carried))]
                mass = sum(torch.exp(logit) for logit in logits)
                total = total - sum(
                    share * torch.log(torch.exp(logit) / mass) for share, logit in zip(way.targets[way.labels[pair]], logits, strict=True)
                )
            return total / 6

        loss = (one(students[0], running.by_text) + one(students[1], running.by_image)) / 2
        if running.by_other:
            loss = loss + 2.0 * (one(students[0], running.by_other[0]) + one(students[1], running.by_other[1])) / 2
        return loss

    compared(
        lambda image, text: objective(batch(image=image, text=text, order=torch.tensor(pairs))),
        slow,
        rows(6, 5, 1),
        rows(6, 5, 2),
    )


def test_heads_start_as_one_and_an_episode_without_prototypes_only_settles_their_statistics(batch: Callable[..., Batch]) -> None:
    objective = ProtoCLIP(PART, 5).double()
    before = objective.state_dict()["image_head.norm.running_mean"].clone()
    assert all(torch.equal(a, b) for a, b in zip(objective.image_head.parameters(), objective.text_head.parameters(), strict=True))
    loss = objective(batch())
    assert loss.item() == 0.0
    assert not loss.requires_grad
    assert not torch.equal(objective.state_dict()["image_head.norm.running_mean"], before)


def test_a_batch_of_one_is_normed_by_the_statistics_so_far(rows: Rows, batch: Callable[..., Batch]) -> None:
    head = Head(5, 8, 4).double()
    for seed in range(3):
        head(rows(6, 5, seed))
    alone = head(rows(1, 5, 9))
    torch.testing.assert_close(alone, head.eval()(rows(1, 5, 9)))
    objective = ProtoCLIP(PART, 5).double()
    objective.episode = episode(12, rows)
    assert torch.isfinite(objective(batch(("a",))))


def test_identical_captions_are_one_group() -> None:
    """No more groups than distinct texts; then every picture has the same target, which says nothing."""
    texts = torch.eye(4)[[0, 0, 0, 0, 0, 0]]
    clusters = grouped(texts, 5, unit=True)
    assert clusters.centroids.shape == (1, 4)
    assert clusters.labels.tolist() == [0] * 6
    way = Prototypes.of(clusters, torch.nn.functional.normalize(torch.arange(24.0).view(6, 4) + 1, dim=1), 0.01)
    student = torch.eye(4)[[1, 2]].requires_grad_()
    loss = way.loss(student, torch.tensor(10.0), torch.tensor([0, 5]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert student.grad is not None
    assert not student.grad.any()


def test_groups_are_found_and_the_same_for_the_same_seed() -> None:
    centres = torch.eye(6)[[0, 2, 4]]
    random = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(centres.repeat_interleave(20, 0) + 0.05 * torch.randn(60, 6, generator=random), dim=1)
    first, again = grouped(vectors, 3, unit=True, seed=3), grouped(vectors, 3, unit=True, seed=3)
    assert torch.equal(first.centroids, again.centroids)
    assert [len(set(first.labels[at : at + 20].tolist())) for at in (0, 20, 40)] == [1, 1, 1]
    assert len(set(first.labels.tolist())) == 3
    torch.testing.assert_close(first.centroids.norm(dim=1), torch.ones(3))


def test_principal_components_are_those_of_the_covariance() -> None:
    vectors = torch.randn(50, 6, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 5, 1, 3, 1, 1])
    found = principal(vectors, 2)
    variance = np.sort(np.linalg.eigvalsh(np.cov(vectors.double().numpy().T, bias=True)))[::-1][:2]
    assert found.double().var(dim=0, correction=0).tolist() == pytest.approx(variance.tolist(), rel=1e-5)


class _Training(SimpleNamespace):
    """Two sources, of which the second has a shorter batch; vectors tell source, step and row."""

    def __init__(self, epochs: int = 4) -> None:
        super().__init__(
            sources=(0, 1),
            steps_per_epoch=3,
            recipe=SimpleNamespace(epochs=epochs, seed=5, size_at=lambda epoch: 4),
            device=torch.device("cpu"),
        )
        self.asked: list[tuple[int, int]] = []
        encode = nn.Linear(3, 5)
        whole = nn.ModuleDict({"model": nn.Dropout(0.5), "others": encode})
        self.towers = SimpleNamespace(
            whole=whole,
            images=lambda pictures, sensor: torch.nn.functional.normalize(encode(pictures.mean(dim=(2, 3))), dim=1),
            texts=lambda words: torch.nn.functional.normalize(torch.tensor([[float(ord(c)) for c in word] for word in words]), dim=1),
        )

    def drawn(self, number: int, epoch: int) -> list[SimpleNamespace]:
        return [self.draw(number, step) for step in range(3 * epoch, 3 * epoch + 3)]

    def draw(self, number: int, step: int) -> SimpleNamespace:
        self.asked.append((number, step))
        count = (4, 2)[number]
        random = torch.Generator().manual_seed(10 * step + number)
        texts = [SimpleNamespace(words=f"{number}{step:02d}{row:02d}") for row in range(count)]
        return SimpleNamespace(
            pictures=torch.randint(255, (count, 3, 6, 6), generator=random, dtype=torch.uint8), texts=texts, sensor="rgb"
        )


def test_an_episode_groups_the_pairs_that_the_epoch_will_show() -> None:
    objective, training = ProtoCLIP(PART, 5), _Training()
    objective.begin(0, training)  # type: ignore[arg-type]
    assert objective.episode is None
    assert not training.asked
    objective.begin(1, training)  # type: ignore[arg-type]
    assert training.asked == [(0, 3), (0, 4), (0, 5), (1, 3), (1, 4), (1, 5)]
    running = objective.episode
    assert running is not None
    assert running.starts == (0, 12)
    assert len(running.by_text.labels) == len(running.by_image.labels) == 18
    assert training.towers.whole["model"].training  # evaluation was for the episode alone
    first = running.by_text.carried.clone()
    objective.begin(1, training)  # type: ignore[arg-type]
    assert torch.equal(objective.episode.by_text.carried, first)
    objective.begin(3, training)  # type: ignore[arg-type]
    assert objective.episode is None  # the frozen one
    assert [objective.freezes(epoch, 4) for epoch in range(4)] == [False, False, False, True]


def test_a_source_that_is_left_out_is_not_grouped() -> None:
    objective, training = ProtoCLIP(PART.model_copy(update={"sources": (1,)}), 5), _Training()
    objective.begin(1, training)  # type: ignore[arg-type]
    assert {number for number, _ in training.asked} == {1}
    assert objective.episode is not None
    assert objective.episode.starts == (-1, 0)


def test_a_running_episode_is_kept_with_the_parameters(rows: Rows, batch: Callable[..., Batch], tmp_path: object) -> None:
    one, other = ProtoCLIP(PART, 5).double(), ProtoCLIP(PART, 5).double()
    one.episode = episode(12, rows, external=True)
    other.load_state_dict(one.state_dict())
    one.eval(), other.eval()
    assert torch.equal(one(batch()), other(batch()))
    one.episode = None
    other.load_state_dict(one.state_dict())
    assert other.episode is None


def test_an_external_encoder_that_is_missing_is_said_before_the_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.learning.teacher.PACKAGE", "no_such_package")
    with pytest.raises(DataMissing, match="pip install"):
        ProtoCLIP(PART.model_copy(update={"external": 1.0}), 5).begin(0, _Training())  # type: ignore[arg-type]
