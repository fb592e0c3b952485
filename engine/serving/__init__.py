"""The one Engine object of a process: what views and routes talk to."""

from engine.serving.engine import Engine, State, engine

__all__ = ["Engine", "State", "engine"]
