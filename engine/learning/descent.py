"""How weights move: groups of parameters, their rates and the course of a training."""

from __future__ import annotations

import math

import torch
from torch import nn

from engine.learning.recipe import Optimiser
from engine.learning.towers import Towers


def one_cycle(step: int, steps: int, warm_up: float) -> float:
    """Share of the peak learning rate: linear up, cosine down to zero; step from 0."""
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def adamw(towers: Towers, objectives: nn.Module, how: Optimiser) -> torch.optim.AdamW:
    """AdamW in groups: image towers and objectives, or text tower, × with or without weight decay."""
    held = _held(towers.model, how.text_layers)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    own = [
        *towers.others.named_parameters(prefix="visual"),
        *objectives.named_parameters(prefix="visual"),
    ]  # they learn as fast as pictures
    for name, parameter in [*towers.model.named_parameters(), *own]:
        if name in held or not parameter.requires_grad:
            parameter.requires_grad_(False)
            continue
        rate = how.image_rate if name.startswith("visual.") else how.text_rate
        decays = parameter.ndim > 1 and "embedding" not in name
        groups.setdefault((rate, how.weight_decay if decays else 0.0), []).append(parameter)
    parts = [{"params": parameters, "peak": rate, "lr": rate, "weight_decay": decay} for (rate, decay), parameters in groups.items()]
    return torch.optim.AdamW(parts, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _held(model: nn.Module, text_layers: int | None) -> set[str]:
    """Names of the text tower's parameters that don't learn."""
    if text_layers is None:
        return set()
    names = [name for name, _ in model.named_parameters() if not name.startswith("visual.")]
    layers = 1 + max(int(name.split("resblocks.")[1].split(".")[0]) for name in names if "resblocks." in name)
    early = tuple(f"resblocks.{layer}." for layer in range(layers - text_layers))
    return {name for name in names if "_embedding" in name or any(part in name for part in early)}
