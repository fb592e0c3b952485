"""How good masks, probabilities and forecasts of fog are."""

from __future__ import annotations

from engine.fog.scores.contingency import Contingency
from engine.fog.scores.events import events
from engine.fog.scores.images import Event, ImageScores, SequenceScores, psnr_of, ssim
from engine.fog.scores.neighbourhood import Fractions, useful_scale
from engine.fog.scores.pairs import Pair, Said, Truth
from engine.fog.scores.probability import Reliability
from engine.fog.scores.scorecard import Scorecard, scorecard

__all__ = [
    "Contingency",
    "Event",
    "Fractions",
    "ImageScores",
    "Pair",
    "Reliability",
    "Said",
    "Scorecard",
    "SequenceScores",
    "Truth",
    "events",
    "psnr_of",
    "scorecard",
    "ssim",
    "useful_scale",
]
