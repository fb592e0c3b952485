"""Where the browser finds the components' own files and the libraries, and how a component is announced to Streamlit.

The app serves two groups of files, whose addresses are made here: ``{base}/components/{name}/{file}`` for the scripts and
styles beside the components and ``{base}/vendor/{path}`` for the libraries. An address with ``?v=`` names its content and may be
cached for ever; one without must be revalidated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

ROOT: Final = Path(__file__).resolve().parent.parent
COMPONENTS: Final = ROOT / "components"
VENDOR: Final = ROOT / "vendor"
STATIC: Final = frozenset({".js", ".css"})
"""Only files of these kinds leave the component folders."""

# Streamlit sends a component's script again with every rerun, so it is only this line; the real module is fetched once and cached.
LOADER: Final = """export default async (component) =>
  (await import(new URL(component.data.module, location.origin).href)).default(component);
"""


def asset_path(name: str, file: str) -> Path | None:
    """The file behind ``{base}/components/{name}/{file}``, or ``None`` where there is nothing to serve.

    Args:
        name: Folder of the component, or ``shared``.
        file: A script or style in it.
    """
    return _inside(COMPONENTS, f"{name}/{file}") if Path(file).suffix in STATIC else None


def vendor_path(path: str) -> Path | None:
    """The file behind ``{base}/vendor/{path}``, or ``None`` where there is nothing to serve.

    Args:
        path: Path below ``vendor/``, like ``leaflet/leaflet.js``.
    """
    return _inside(VENDOR, path)


def _inside(folder: Path, relative: str) -> Path | None:
    try:
        path = (folder / relative).resolve()
        return path if path.is_file() and path.is_relative_to(folder) else None
    except (OSError, ValueError):  # a name too long, or with a null character
        return None


def asset_url(base: str, name: str, file: str) -> str:
    """Versioned address of a script or style of a component.

    The version covers the component's whole folder and ``shared/``, so that a change in an imported module is seen too.

    Args:
        base: Prefix of the app's own routes, without a slash at the end; empty at the root.
        name: Folder of the component.
        file: A script or style in it.
    """
    folders = {COMPONENTS / name, COMPONENTS / "shared"}
    files = sorted(path for folder in folders for path in folder.glob("*") if path.suffix in STATIC)
    return f"{base}/components/{name}/{file}?v={_version(files)}"


def own_files(base: str, name: str) -> dict[str, str]:
    """What a component with a script and a style of its name needs in its ``data``.

    Args:
        base: Prefix of the app's own routes, without a slash at the end; empty at the root.
        name: Folder of the component.
    """
    return {
        "module": asset_url(base, name, f"{name}.js"),
        "style": asset_url(base, name, f"{name}.css"),
        "shared": asset_url(base, "shared", "shared.css"),
    }


def news(key: str, sent: object) -> tuple[str, object] | None:
    """What a component told since the last time it was looked at: its kind and value; ``None`` if nothing new.

    A state with a revision, not a trigger: a trigger is lost where another part of the page starts the script anew before it is read.

    Args:
        key: Name of the component's instance.
        sent: The state ``{revision, kind, value}`` that its script sets.
    """
    import streamlit as st

    if not isinstance(sent, Mapping):
        return None
    memory, revision, kind = f"_{key}_seen", sent.get("revision"), sent.get("kind")
    if not isinstance(revision, int) or not isinstance(kind, str) or revision == st.session_state.get(memory):
        return None
    st.session_state[memory] = revision
    return kind, sent.get("value")


def vendor_url(base: str, path: str) -> str:
    """Versioned address of a library file.

    Args:
        base: Prefix of the app's own routes, without a slash at the end; empty at the root.
        path: Path below ``vendor/``.
    """
    return f"{base}/vendor/{path}?v={_version([VENDOR / path])}"


def _version(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode())
        if path.is_file():
            stat = path.stat()
            digest.update(_content_hash(path, stat.st_mtime_ns, stat.st_size))
    return digest.hexdigest()[:10]


@lru_cache(maxsize=64)
def _content_hash(path: Path, changed_ns: int, size: int) -> bytes:  # the last two make an edited file a new entry
    return hashlib.sha256(path.read_bytes()).digest()


@lru_cache(maxsize=16)
def component(name: str) -> ComponentRenderer:
    """Announce a component to Streamlit, once.

    Its ``data`` must hold ``module``, the address of the script whose default export mounts it. It lives in the page
    itself, not in a shadow root: Leaflet, Streamlit's shortcuts and the focus then work as in any page; all class names start
    with ``ph-``.

    Args:
        name: Folder of the component.
    """
    import streamlit as st

    return st.components.v2.component(f"pharos_{name}", js=LOADER, isolate_styles=False)
