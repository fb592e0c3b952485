"""Evaluations behind the page: what can be measured on which data, running it, keeping what was found."""

from engine.serving.evaluation.evaluations import Evaluations, Outcome, Run
from engine.serving.evaluation.found import Found, Part
from engine.serving.evaluation.trial import ISLAND, SUITES, Suite, Trial

__all__ = ["ISLAND", "SUITES", "Evaluations", "Found", "Outcome", "Part", "Run", "Suite", "Trial"]
