"""A cube as one array (element, lat, lon, time), the form that M4Fog's networks are fed with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from engine.fog.cube import Cube

Key = int | slice


class Stack:
    """A view of a cube that reads on indexing: ``cube.stack()[:, 100:200, 100:200, 3]``.

    Values are float32 in each element's unit, NaN where there is none.

    Attributes:
        cube: What is viewed.
        elements: Names along the first axis.
    """

    def __init__(self, cube: Cube, elements: tuple[str, ...]) -> None:
        lacking = [name for name in elements if name not in cube.elements]
        if lacking:
            raise CubeInvalid(cube.name, f"it lacks {', '.join(lacking)}; it holds {', '.join(cube.elements) or 'none'}.")
        self.cube, self.elements = cube, elements

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Elements, rows, columns and frames."""
        return (len(self.elements), *self.cube.shape, len(self.cube.times))

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Of the values."""
        return np.dtype(np.float32)

    @property
    def ndim(self) -> int:
        """Four."""
        return 4

    def frame(self, index: int) -> NDArray[np.float32]:
        """(elements, n, m) float32 at one time."""
        return np.stack([self.cube.element(name, index) for name in self.elements])

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """One element after the other, each (n, m, frames)."""
        return (np.asarray(self[index]) for index in range(len(self.elements)))

    def __getitem__(self, key: Key | tuple[Key, ...]) -> NDArray[np.float32]:
        """Read a part; each axis takes an integer or a slice, and only the frames and elements that are asked for are read.

        Raises:
            IndexError: If the key does not fit.
        """
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > 4 or not all(isinstance(each, (int, np.integer, slice)) for each in keys):
            raise IndexError("a stack takes up to four integers or slices")
        keys = (*keys, *[slice(None)] * (4 - len(keys)))
        elements, frames = (np.atleast_1d(np.arange(self.shape[axis])[keys[axis]]) for axis in (0, 3))
        rows, columns = keys[1], keys[2]
        part = np.empty(0, np.float32)
        out: list[list[Any]] = [[self.cube.element(self.elements[e], int(t))[rows, columns] for t in frames] for e in elements]
        part = np.asarray(out, dtype=np.float32)
        part = np.moveaxis(part, 1, -1) if part.ndim > 1 else part
        if isinstance(keys[3], (int, np.integer)):
            part = part[..., 0]
        return part[0] if isinstance(keys[0], (int, np.integer)) else part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401 - numpy's protocol
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def save(self, path: Path) -> Path:
        """Write all of it as one ``.npy`` file, frame by frame, and the names of its axes beside it as ``.yaml``.

        Returns:
            The ``.npy`` file: float32 (element, lat, lon, time), NaN where there is no value.
        """
        import yaml

        path = path.with_suffix(".npy")
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=self.shape)
        for index in range(self.shape[3]):
            array[..., index] = self.frame(index)
        array.flush()
        bounds = self.cube.bounds
        about = {
            "axes": "element, lat, lon, time",
            "elements": list(self.elements),
            "times": [when.isoformat() for when in self.cube.times],
            "bounds": [bounds.west, bounds.south, bounds.east, bounds.north],
            "synthetic": self.cube.synthetic,
            "source": self.cube.title,
        }
        path.with_suffix(".yaml").write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path
