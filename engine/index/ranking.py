"""Search: which tiles answer a query best, and how well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.index.overlap import Group, group
from engine.index.question import Question
from engine.index.selection import Filter, Selection
from engine.index.table import Index
from engine.index.vectors import FloatVectors, leading
from engine.types import Hit, Query, Ranking, Verdict

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.index.collection import Collection

EXACT_UP_TO: Final = 50_000
"""Tiles up to which percentiles are counted over the whole collection; beyond, over its fixed sample of 2,048."""


def search(collection: Collection, query: Query, encoder: Encoder) -> Ranking:
    """Rank the tiles of a collection.

    Every tile inside region, time and sensor is scored, exactly; nothing is cut before. Hits are ordered by score (ties by
    tile id). The margin, which takes off what the tile scores for neutral prompts, does not order them: it measures whether a
    hit is an answer at all. ``relevant`` counts the searched tiles whose margin passes the model's calibration, so it may be
    0 while hits are still returned, as “weak”.

    The percentile is the share of the collection's tiles that score lower: counted over all up to 50,000 tiles, else over a
    fixed sample of 2,048, with a standard error of :math:`\\sqrt{p(1-p)/2048}`, at most 1.1 %.

    Args:
        collection: An open collection.
        query: What is asked; its ``collection`` is not looked at.
        encoder: The encoder that the collection was indexed with.

    Raises:
        QueryInvalid: If it is empty, too long or asks for no hit.
        ModelMismatch: If the encoder has other weights.
        TileNotFound, ImageUnreadable: If a like can't be found or read.
        RegionOutsideCollection, NothingThen, NothingOfSensor: If region, time or sensor leave nothing.
    """
    clock = _Clock()
    with clock.stage("encode"):
        question = Question.of(query, collection, encoder)
    with clock.stage("select"):
        selection = collection.select(Filter(query.regions, query.span, query.sensor))
    with clock.stage("search"):
        scores, others = _scored(collection, selection, question)
        margins = _margins(collection, selection, question, scores)
        relevant = int(np.count_nonzero(margins >= question.fair))
        groups, places = _ranked(collection, selection, scores, query)
    with clock.stage("read"):
        hits = _hits(collection, selection, question, groups, places, scores, margins, others)
    return Ranking(hits, relevant, len(selection), len(collection), collection.model, clock.timings)


def _scored(collection: Collection, selection: Selection, question: Question) -> tuple[FloatVectors, FloatVectors]:
    """Scores of the selected tiles, and those that percentiles are counted over."""
    if len(collection) <= EXACT_UP_TO:
        every = collection.store.scores(question.vector)
        return every[selection.rows.index], every
    return collection.store.scores(question.vector, selection.rows), collection.sample.scores(question.vector)


def _margins(collection: Collection, selection: Selection, question: Question, scores: FloatVectors) -> FloatVectors:
    margins = scores * np.float32(question.scale)
    for weight, reference in question.references:
        margins -= np.float32(weight) * selection.bias(reference, collection.store)
    return margins


def _ranked(collection: Collection, selection: Selection, scores: FloatVectors, query: Query) -> tuple[list[Group], Index]:
    """Groups of hits, and the ranked places in the selection that they refer to."""
    depth = query.limit
    if not query.merge:
        places = _best(collection, selection, scores, depth)
        return [Group(place) for place in range(len(places))], places
    depth = max(4 * depth, 64)
    while True:  # go deeper until there are enough hits that do not overlap
        places = _best(collection, selection, scores, depth)
        groups = group(selection.rows.index[places], collection.table, query.limit)
        if len(groups) == query.limit or len(places) == len(scores):
            return groups, places
        depth *= 4


def _best(collection: Collection, selection: Selection, scores: FloatVectors, count: int) -> Index:
    """Places of the best scores in the selection, best first, ties by tile id."""
    places = leading(scores, count)
    places = places[np.argsort(-scores[places])]
    best = scores[places]
    if (best[1:] == best[:-1]).any():  # else ids, which take longer than all the rest, decide nothing
        ids = np.array(collection.table.ids_of(selection.rows.index[places]), dtype=str)
        places = places[np.lexsort((ids, -best))]
    return places[:count]


def _hits(
    collection: Collection,
    selection: Selection,
    question: Question,
    groups: list[Group],
    places: Index,
    scores: FloatVectors,
    margins: FloatVectors,
    others: FloatVectors,
) -> tuple[Hit, ...]:
    ranked = selection.rows.index[places].tolist()
    chosen = places[[each.place for each in groups]] if groups else places[:0]
    lower = _share_below(others, scores[chosen])
    hits = []
    for rank, (each, place) in enumerate(zip(groups, chosen, strict=True), start=1):
        row = ranked[each.place]
        scene = collection.scene_at(row)
        hits.append(
            Hit(
                tile_id=collection.table.id_of(row),
                rank=rank,
                score=float(scores[place]),
                percentile=float(lower[rank - 1]),
                margin=float(margins[place]),
                verdict=_verdict(question, float(margins[place])),
                bounds=collection.bounds_at(row),
                datetime=scene.datetime,
                scene=scene.id,
                merged=tuple(collection.table.id_of(ranked[other]) for other in each.merged),
            )
        )
    return tuple(hits)


def _verdict(question: Question, margin: float) -> Verdict:
    return "strong" if margin >= question.strong else "fair" if margin >= question.fair else "weak"


def _share_below(others: FloatVectors, scores: FloatVectors) -> NDArray[np.float64]:
    """For each score the share of the others that is lower."""
    if len(scores) <= 32:
        below = np.array([np.count_nonzero(others < score) for score in scores], dtype=np.float64)
    else:
        below = np.searchsorted(np.sort(others), scores, side="left").astype(np.float64)
    return np.asarray(below / max(len(others), 1))


class _Clock:
    """Milliseconds of each stage."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        now = time.perf_counter()
        self.timings[name] = (now - begin) * 1e3
        self.timings["total"] = (now - self._start) * 1e3
