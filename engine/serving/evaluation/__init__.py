"""Evaluations behind the page: what can be measured on which data, running it, keeping what was found."""

from engine.serving.evaluation.archive import Outcome
from engine.serving.evaluation.evaluations import Evaluations, Run
from engine.serving.evaluation.found import FORM_TITLES, Found, Part
from engine.serving.evaluation.trial import COLLECTION, FOLDER, ISLAND, SUITES, Suite, Trial

__all__ = ["COLLECTION", "FOLDER", "FORM_TITLES", "ISLAND", "SUITES", "Evaluations", "Found", "Outcome", "Part", "Run", "Suite", "Trial"]
