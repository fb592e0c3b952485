"""The one Engine object of a process: what views and routes talk to."""

from engine.serving.engine import Engine, State, engine
from engine.serving.job import Job
from engine.serving.summary import Summary

__all__ = ["Engine", "Job", "State", "Summary", "engine"]
