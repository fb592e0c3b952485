"""The hits as numbered cards, best first."""

from components.gallery.view import Card, better_than, gallery

__all__ = ["Card", "better_than", "gallery"]
