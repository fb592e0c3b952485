"""What is measured on: pictures with classes, captions, label sets or counts, from the layouts in which they are published."""

from engine.evaluation.datasets.pictures import Picture, PictureFinder, Skipped, fingerprint

__all__ = ["Picture", "PictureFinder", "Skipped", "fingerprint"]
