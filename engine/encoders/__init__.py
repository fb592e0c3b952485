"""Dual encoders: pictures and words to vectors of one space; registry, weights, prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.encoders.registry import Calibration, ModelCard, Preprocess, Source, model_card, registry

if TYPE_CHECKING:
    from engine.encoders.encoder import Encoder, load
    from engine.encoders.own import add_model

__all__ = ["Calibration", "Encoder", "ModelCard", "Preprocess", "Source", "add_model", "load", "model_card", "registry"]

_LATER = {"Encoder": "encoder", "load": "encoder", "add_model": "own"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - torch is imported only when an encoder is asked for
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
