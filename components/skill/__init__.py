"""What a forecast is worth, in words."""

from components.skill.view import skill

__all__ = ["skill"]
