"""Made-up weather over real seas: fog, cloud and what an imager sees of them, with exact labels."""

from engine.world.weather.regime import DEMO, HELD_OUT, REGIMES, TRAINING, Regime
from engine.world.weather.scenario import Scenario
from engine.world.weather.simulation import ELEMENTS, Simulation, simulate

__all__ = ["DEMO", "ELEMENTS", "HELD_OUT", "REGIMES", "TRAINING", "Regime", "Scenario", "Simulation", "simulate"]
