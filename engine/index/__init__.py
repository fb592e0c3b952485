"""Tile embeddings: built as GeoParquet shards, opened as collections, searched exactly."""

from engine.index.collection import Collection
from engine.index.pipeline import BuildReport, build
from engine.index.ranking import search
from engine.index.selection import Filter, Selection
from engine.index.vectors import FlatStore, VectorStore

__all__ = ["BuildReport", "Collection", "Filter", "FlatStore", "Selection", "VectorStore", "build", "search"]
