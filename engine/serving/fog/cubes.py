"""Opened cubes: the few that were asked last, each opened once and opened again when it was replaced."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

from engine.errors import CubeNotFound, PharosError
from engine.serving.fog.shelf import fingerprint
from engine.serving.fog.strip import CubeCard
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.fog import Cube

MOST_CUBES: Final = 8


class Cubes:
    """The cubes of a data folder, thread-safe.

    Args:
        config: Where they are.
    """

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._opened: OrderedDict[str, tuple[str, Cube]] = OrderedDict()
        self._lock = Lock()

    def names(self) -> tuple[str, ...]:
        """Names of the fog cubes."""
        from engine.fog import cubes

        return tuple(cubes(self._config))

    def version(self, name: str) -> str:
        """Of a cube's pictures: changes with the store and with the code and recipes that draw, for addresses that a browser keeps."""
        return hashlib.sha256(f"{self.get(name)[0]} {fingerprint()}".encode()).hexdigest()[:12]

    def cards(self) -> tuple[CubeCard, ...]:
        """All cubes at a glance; one that can't be opened says why."""
        found = []
        for name in self.names():
            try:
                found.append(self.card(name))
            except CubeNotFound:
                continue  # gone meanwhile
            except PharosError as error:
                found.append(CubeCard(name, name, broken=str(error)))
        return tuple(found)

    def card(self, name: str) -> CubeCard:
        """A cube at a glance."""
        from engine.fog.moments import spacing

        cube = self.get(name)[1]
        about = cube.provenance
        return CubeCard(
            name=name,
            title=cube.title,
            synthetic=cube.synthetic,
            region=about.region,
            bounds=cube.bounds,
            shape=cube.shape,
            frames=len(cube.times),
            first=cube.times[0],
            last=cube.times[-1],
            step_minutes=round(spacing(cube.times).total_seconds() / 60),
            elements=cube.elements,
            labelled=cube.labelled,
            time_known=cube.time_known,
            place_known=cube.place_known,
            instrument=about.instrument,
            notes=tuple(about.notes),
            version=self.version(name),
        )

    def get(self, name: str) -> tuple[str, Cube]:
        """Version of the store, and the opened cube; one that was replaced on disk is opened again.

        Raises:
            CubeNotFound: If there is none.
            CubeInvalid: If it is damaged.
        """
        from engine.fog import open_cube

        with self._lock:
            known = self._opened.get(name)
        if known is None or not known[1].path.is_dir() or known[1].version != known[0]:
            opened = open_cube(name, self._config)
            known = (opened.version, opened)
        with self._lock:
            self._opened[name] = known
            self._opened.move_to_end(name)
            while len(self._opened) > MOST_CUBES:
                self._opened.popitem(last=False)
        return known
