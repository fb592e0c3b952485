"""Text query to hits on 1,000,000 × 512 vectors with a 1 % region, against the bare FAISS call in the same process.

The whole path is what a person waits for: the text is encoded by the default encoder's text tower, the region selects tiles,
all of them are scored, hits are ranked, merged and described. The bare call is one flat FAISS index with the same bitmap
of selected tiles. Both are timed in turn, so that a busy machine slows both. Vectors, tiles and region are SYNTHETIC.

Run with: python -m engine bench search
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from engine import encoders
from engine.index import Collection, Filter, FlatStore, search
from engine.index.manifest import Manifest
from engine.index.table import TileTable, hilbert_order
from engine.types import Query, Ranking, Region, Scene

if TYPE_CHECKING:
    from engine.encoders import Encoder

Result = TypeVar("Result")
Vectors = NDArray[np.float32]

SIDE = 1000
DIM = 512
ROUNDS = 20
LIMIT = 12
STEP = 0.003
"""Side of a tile, degrees."""
CLUSTERS = 2000
CHUNK = 20_000

THINGS = ["lake", "river", "forest", "farm", "town", "harbour", "airport", "bridge", "road", "desert"]
MORE = ["beach", "island", "stadium", "quarry", "dam", "mountain", "glacier", "marsh", "pier", "field"]


class Widened:
    """The default encoder with vectors padded to 512 by zeros, which changes no cosine."""

    def __init__(self, inner: Encoder) -> None:
        self.inner, self.id, self.hash, self.calibration = inner, inner.id, inner.hash, inner.calibration
        self.neutral = self._wide(inner.neutral)

    def query(self, text: str) -> Vectors:
        """Vector of a query, (512,)."""
        return self._wide(self.inner.query(text))

    @staticmethod
    def _wide(vectors: Vectors) -> Vectors:
        return np.pad(vectors, [(0, 0)] * (vectors.ndim - 1) + [(0, DIM - vectors.shape[-1])])


def main() -> dict[str, Any]:
    """Measure and return the figures; the command prints them."""
    encoder = encoders.load(device="cpu")
    model: Any = encoder if encoder.dim == DIM else Widened(encoder)
    collection, flat = _collection(model)
    return _measure(collection, flat, model)


def _measure(collection: Collection, flat: Any, model: Any) -> dict[str, Any]:  # noqa: ANN401 - FAISS ships no types
    import faiss

    region = _region(0)
    rows = collection.select(Filter((region,))).rows
    bitmap = rows.bitmap
    times: dict[str, list[float]] = {}
    stages: dict[str, list[float]] = {}
    agree = []

    def ask(text: str, where: Region) -> Ranking:
        return search(collection, Query("bench", texts=(text,), regions=(where,), limit=LIMIT), model)

    ask("a warm-up", region)
    faiss.omp_set_num_threads(1)
    for turn in range(ROUNDS):
        text = f"a {THINGS[turn % 10]} near a {MORE[(turn // 10 + turn * 3) % 10]}"
        ranking = _timed(times, "new_text", lambda text=text: ask(text, region))
        _timed(times, "known_text", lambda text=text: ask(text, region))
        _timed(times, "known_text_new_region", lambda text=text, turn=turn: ask(text, _region(turn + 1)))
        vector = model.query(text)[None]
        _, found = _timed(times, "faiss", lambda vector=vector: _bare(flat, vector, bitmap))
        agree.append([hit.tile_id for hit in ranking.hits] == collection.table.ids_of(found[0]))
        for stage, took in ranking.timings_ms.items():
            stages.setdefault(stage, []).append(took)
    figures: dict[str, Any] = {f"{name}_ms": round(median(values), 3) for name, values in times.items()}
    figures |= {f"new_text_{stage}_ms": round(median(values), 3) for stage, values in stages.items() if stage != "total"}
    for name in ("new_text", "known_text", "known_text_new_region"):
        figures[f"{name}_ratio"] = round(median(times[name]) / median(times["faiss"]), 3)
    return figures | {
        "ratio": figures["new_text_ratio"],
        "limit": 1.5,
        "tiles": len(collection),
        "selected": len(rows),
        "same_hits_as_faiss": float(np.mean(agree)),
        "rounds": ROUNDS,
        "synthetic": True,
    }


def _bare(flat: Any, vector: Vectors, bitmap: NDArray[np.uint8]) -> tuple[Any, Any]:  # noqa: ANN401 - FAISS ships no types
    import faiss

    return flat.search(vector, LIMIT, params=faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bitmap)))


def _timed(times: dict[str, list[float]], name: str, work: Callable[[], Result]) -> Result:
    begin = time.perf_counter()
    result = work()
    times.setdefault(name, []).append((time.perf_counter() - begin) * 1e3)
    return result


def _region(turn: int) -> Region:
    """A square of 100 × 100 tiles, 1 % of the collection, each turn elsewhere."""
    west, south = -30 + STEP * (50.5 + 37 * turn), 30 + STEP * (60.5 + 29 * turn)
    return Region.from_like([west, south, west + 99 * STEP, south + 99 * STEP])


def _collection(model: Any) -> tuple[Collection, Any]:  # noqa: ANN401 - FAISS ships no types
    import faiss

    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    corners = np.column_stack([across.ravel(), down.ravel()]).astype(np.float64)
    lower = np.array([-30.0, 30.0]) + corners * STEP
    boxes = np.hstack([lower, lower + STEP])
    order = hilbert_order(boxes)
    boxes, corners = boxes[order], corners[order].astype(np.int32)
    blocks = (corners[:, 1] // 200 * 5 + corners[:, 0] // 200).astype(np.int32)
    windows = np.column_stack([corners * 64, np.full((len(corners), 2), 64)]).astype(np.int32)
    table = TileTable(
        ids=_ids(blocks, windows),
        scene=blocks,
        boxes=boxes,
        outlines=_outlines(boxes),
        windows=windows,
    )
    store = FlatStore(DIM, len(boxes))
    flat = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    flat.codes.resize(len(boxes) * DIM * 2)  # at once: growing would hold it twice
    flat.ntotal = len(boxes)
    codes = faiss.rev_swig_ptr(flat.codes.data(), len(boxes) * DIM * 2).view(np.float16).reshape(-1, DIM)
    for start, vectors in _clustered(len(boxes), model):
        store.write(np.arange(start, start + len(vectors)), vectors)
        codes[start : start + len(vectors)] = vectors
    scenes = {scene.id: scene for scene in _scenes()}
    return Collection(Manifest("bench", datetime.now(UTC), model.id, model.hash, DIM, {}, 8192, scenes), table, store), flat


def _outlines(boxes: NDArray[np.float64]) -> Any:  # noqa: ANN401 - a pyarrow.Array
    """WKB of the boxes, made in parts for the same reason."""
    parts = np.array_split(boxes, max(len(boxes) // CHUNK, 1))
    return pa.concat_arrays([pa.array(shapely.to_wkb(shapely.box(*part.T)), pa.binary()) for part in parts])


def _ids(blocks: NDArray[np.int32], windows: NDArray[np.int32]) -> Any:  # noqa: ANN401 - a pyarrow.Array
    """Tile ids, made by pyarrow: a million Python strings would take more memory than all else."""
    scene, column, row = (pc.cast(pa.array(part), pa.string()) for part in (blocks, windows[:, 0], windows[:, 1]))
    return pc.binary_join_element_wise(pc.binary_join_element_wise("block", scene, ""), pc.binary_join_element_wise(column, row, "-"), "/")


def _clustered(count: int, model: Any) -> Iterator[tuple[int, NDArray[np.float16]]]:  # noqa: ANN401 - the encoder or its wrapper
    """Unit vectors around 2,000 centres that lie as near to the neutral prompts as real tiles do."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLUSTERS, DIM)).astype(np.float32) / np.sqrt(DIM) + 0.5 * model.neutral.mean(axis=0)
    noise = rng.standard_normal((CHUNK, DIM), dtype=np.float32) * np.float32(0.6 / np.sqrt(DIM))
    for start in range(0, count, CHUNK):
        vectors = centres[(start + np.arange(CHUNK)) // 500 % CLUSTERS] + np.roll(noise, start // CHUNK, axis=1)
        vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        yield start, vectors.astype(np.float16)


def _scenes() -> Sequence[Scene]:
    return [
        Scene(
            f"block{n:02d}",
            "/synthetic",
            "rgb",
            datetime(2020 + n % 5, 6, 1, tzinfo=UTC),
            5.0,
            12800,
            12800,
            shapely.box(-30, 30, -27, 33),
            synthetic=True,
        )
        for n in range(25)
    ]
