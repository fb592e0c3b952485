from __future__ import annotations

import re
from pathlib import Path

import pytest

from components import frontend, vendor

IMPORT = re.compile(r'^import .* from "([^"]+)";$', re.MULTILINE)
SCRIPTS = sorted(path for path in frontend.COMPONENTS.rglob("*.js"))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, file, text in [
        ("map", "map.js", "one"),
        ("map", "hits.js", "two"),
        ("shared", "dom.js", "three"),
        ("gallery", "g.js", "four"),
    ]:
        (tmp_path / "components" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "components" / name / file).write_text(text)
    (tmp_path / "components" / "map" / "view.py").write_text("secret")
    (tmp_path / "vendor" / "leaflet").mkdir(parents=True)
    (tmp_path / "vendor" / "leaflet" / "leaflet.js").write_text("L")
    monkeypatch.setattr(frontend, "COMPONENTS", tmp_path / "components")
    monkeypatch.setattr(frontend, "VENDOR", tmp_path / "vendor")
    return tmp_path


def test_address_names_base_component_file_and_version(checkout: Path) -> None:
    assert re.fullmatch(r"/pharos/components/map/map\.js\?v=[0-9a-f]{10}", frontend.asset_url("/pharos", "map", "map.js"))
    assert re.fullmatch(r"/vendor/leaflet/leaflet\.js\?v=[0-9a-f]{10}", frontend.vendor_url("", "leaflet/leaflet.js"))


@pytest.mark.parametrize(("changed", "expected"), [("map/hits.js", True), ("shared/dom.js", True), ("gallery/g.js", False)])
def test_version_changes_with_what_the_component_imports(checkout: Path, changed: str, expected: bool) -> None:
    before = frontend.asset_url("", "map", "map.js")
    (checkout / "components" / changed).write_text("something else")
    assert (frontend.asset_url("", "map", "map.js") != before) is expected


@pytest.mark.parametrize(
    ("name", "file"),
    [("map", "view.py"), ("map", "../vendor.js"), ("..", "map.js"), ("map", "absent.js"), ("map", "a\0.js"), ("map", "x" * 300 + ".js")],
)
def test_only_scripts_and_styles_of_components_leave(checkout: Path, name: str, file: str) -> None:
    (checkout / "vendor.js").write_text("outside")
    assert frontend.asset_path(name, file) is None


def test_files_are_found(checkout: Path) -> None:
    assert frontend.asset_path("map", "hits.js") == checkout / "components" / "map" / "hits.js"
    assert frontend.vendor_path("leaflet/leaflet.js") == checkout / "vendor" / "leaflet" / "leaflet.js"


@pytest.mark.parametrize("path", ["../components/map/map.js", "/etc/hostname", "leaflet", "leaflet/../../components/map/map.js"])
def test_vendor_stays_inside_its_folder(checkout: Path, path: str) -> None:
    assert frontend.vendor_path(path) is None


def test_a_link_out_of_the_folder_is_not_followed(checkout: Path) -> None:
    (checkout / "outside.txt").write_text("secret")
    (checkout / "vendor" / "link.txt").symlink_to(checkout / "outside.txt")
    assert frontend.vendor_path("link.txt") is None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_import_only_what_is_served(script: Path) -> None:
    for target in IMPORT.findall(script.read_text()):
        path = (script.parent / target).resolve()
        assert frontend.asset_path(path.parent.name, path.name) == path


@pytest.mark.parametrize("file", [*SCRIPTS, *sorted(frontend.COMPONENTS.rglob("*.css"))], ids=lambda path: path.name)
def test_nothing_comes_from_another_host_and_data_never_becomes_markup(file: Path) -> None:
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert "://" not in text
    assert "innerHTML =" not in text
    assert "insertAdjacentHTML" not in text


def fill_node_modules(root: Path, content: str = "library") -> None:
    for source in vendor.FILES.values():
        path = root / "node_modules" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content} {source}")


def test_vendor_copies_once(tmp_path: Path) -> None:
    fill_node_modules(tmp_path)
    assert vendor.copy_vendor(tmp_path) == len(vendor.FILES)
    times = {target: (tmp_path / "vendor" / target).stat().st_mtime_ns for target in vendor.FILES}
    assert vendor.copy_vendor(tmp_path) == 0
    assert times == {target: (tmp_path / "vendor" / target).stat().st_mtime_ns for target in vendor.FILES}
    assert (tmp_path / "vendor/leaflet/leaflet.js").read_text() == "library leaflet/dist/leaflet.js"


def test_vendor_follows_a_new_version(tmp_path: Path) -> None:
    fill_node_modules(tmp_path)
    vendor.copy_vendor(tmp_path)
    (tmp_path / "node_modules/leaflet/dist/leaflet.js").write_text("newer")
    assert vendor.copy_vendor(tmp_path) == 1
    assert (tmp_path / "vendor/leaflet/leaflet.js").read_text() == "newer"
    assert not list(tmp_path.glob("vendor/**/*.new"))


def test_vendor_says_what_to_do_where_a_library_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="npm ci"):
        vendor.copy_vendor(tmp_path)


def test_lock_file_holds_no_address_of_a_registry() -> None:
    lock = (vendor.ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry." not in lock
    assert (vendor.ROOT / ".npmrc").read_text().splitlines()[0] == "omit-lockfile-registry-resolved=true"
