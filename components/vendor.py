"""Copies the front-end libraries from ``node_modules/`` to ``vendor/``, from where the app serves them: ``python -m components.vendor``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

FILES: Final[Mapping[str, str]] = {
    "leaflet/leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet/leaflet.css": "leaflet/dist/leaflet.css",
    "leaflet/LICENSE": "leaflet/LICENSE",
    "geoman/leaflet-geoman.js": "@geoman-io/leaflet-geoman-free/dist/leaflet-geoman.min.js",
    "geoman/leaflet-geoman.css": "@geoman-io/leaflet-geoman-free/dist/leaflet-geoman.css",
    "geoman/LICENSE": "@geoman-io/leaflet-geoman-free/LICENSE",
    "world-atlas/land-50m.json": "world-atlas/land-50m.json",
    "world-atlas/LICENSE": "world-atlas/LICENSE",
}
"""Path below ``vendor/`` → path below ``node_modules/``."""

log = logging.getLogger(__name__)


def copy_vendor(root: Path = ROOT) -> int:
    """Bring ``vendor/`` up to date; files that are the same already are not touched.

    Args:
        root: The checkout, which holds ``node_modules/``.

    Returns:
        How many files were written.

    Raises:
        FileNotFoundError: If a library is not installed; the message says how to install it.
    """
    written = 0
    for target, source in FILES.items():
        origin, copy = root / "node_modules" / source, root / "vendor" / target
        if not origin.is_file():
            raise FileNotFoundError(f"“{source}” is not in node_modules. Run “npm ci” in {root}, then this again.")
        content = origin.read_bytes()
        if copy.is_file() and copy.read_bytes() == content:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        fresh = copy.with_name(copy.name + ".new")
        fresh.write_bytes(content)
        os.replace(fresh, copy)  # the app may be serving the old one
        written += 1
    return written


def main() -> int:
    """Run the copy; 0 on success, 2 with one clear line where a library is missing."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        written = copy_vendor()
    except FileNotFoundError as error:
        log.error("%s", error)
        return 2
    log.info("vendor/: %s", f"{written} of {len(FILES)} files written" if written else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
