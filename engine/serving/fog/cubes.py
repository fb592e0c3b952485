"""Opened cubes: the few that were asked last, each opened once and opened again when it was replaced; and what is known of all."""

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
        self._cards: dict[str, tuple[str, CubeCard]] = {}
        self._lock = Lock()

    def names(self) -> tuple[str, ...]:
        """Names of the fog cubes."""
        from engine.fog import cubes

        return tuple(cubes(self._config))

    def version(self, name: str) -> str:
        """Of a cube's pictures: changes with the store and with the code and recipes that draw, for addresses that a browser keeps."""
        return _pictures(self.get(name)[0])

    def cards(self) -> tuple[CubeCard, ...]:
        """All cubes at a glance; one that can't be opened says why. Stores are opened only when new or changed, and closed again."""
        found, names = [], self.names()
        for name in names:
            try:
                found.append(self._card(name))
            except (CubeNotFound, OSError):
                continue  # gone meanwhile
        with self._lock:
            self._cards = {name: self._cards[name] for name in names if name in self._cards}
        return tuple(found)

    def card(self, name: str) -> CubeCard:
        """A cube at a glance.

        Raises:
            CubeNotFound: If there is none.
            CubeInvalid: If it is damaged.
        """
        return self._described(name, *self.get(name))

    def _card(self, name: str) -> CubeCard:
        """The same from what is known of the store; one that can't be opened says why."""
        from engine.fog import open_cube
        from engine.fog.cube import version_of

        version = version_of(self._config.cubes_dir / f"{name}.zarr")
        stamp = _pictures(version)
        with self._lock:
            known = self._cards.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            with open_cube(name, self._config) as cube:
                card = self._described(name, version, cube)
        except CubeNotFound:
            raise
        except PharosError as error:
            card = CubeCard(name, name, broken=str(error))
        with self._lock:
            self._cards[name] = (stamp, card)
        return card

    def _described(self, name: str, version: str, cube: Cube) -> CubeCard:
        from engine.fog.moments import spacing

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
            version=_pictures(version),
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


def _pictures(version: str) -> str:
    """Of a store's pictures."""
    return hashlib.sha256(f"{version} {fingerprint()}".encode()).hexdigest()[:12]
