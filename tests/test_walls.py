"""The walls of the house: imports point down only, app → components → engine."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"engine": {"engine"}, "components": {"components", "engine"}, "app": {"app", "components", "engine"}}
FOREIGN_TO_ENGINE = {"streamlit", "folium", "leafmap", "pydeck", "starlette", "uvicorn"}


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_down(floor: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / floor).rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in FLOORS and name.split(".")[0] not in FLOORS[floor]
    ]
    assert not wrong


def test_components_use_only_the_engines_nouns() -> None:
    allowed = {"engine", "engine.types", "engine.geometry", "engine.errors", "engine.settings", "engine.colours"}
    wrong = [
        f"{path.name}: {name}"
        for path in (ROOT / "components").rglob("*.py")
        for name in imports(path)
        if name.startswith("engine") and name not in allowed
    ]
    assert not wrong


def test_engine_knows_nothing_of_the_browser() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "engine").rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in FOREIGN_TO_ENGINE
    ]
    assert not wrong


def test_importing_the_whole_engine_loads_no_streamlit() -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "engine").rglob("*.py") if path.name != "__main__.py"
    )
    code = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name.removesuffix('.__init__'))\n"
        f"loaded = {sorted(FOREIGN_TO_ENGINE)!r}\nprint([name for name in loaded if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_starting_the_command_line_loads_nothing_heavy() -> None:
    heavy = ["torch", "open_clip", "faiss", "rasterio", "xarray", "pyarrow", "scipy"]
    code = f"import sys, engine.cli\nprint([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
