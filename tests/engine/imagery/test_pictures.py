"""Plain pictures of every make become one upright 8-bit tile on a neat grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from engine.errors import ImageTooLarge, ImageUnreadable
from engine.geometry import Window
from engine.imagery import TileImage, TileSpec, find_scenes, open_scene
from engine.settings import settings

from .rasters import scenery

RGB = np.ascontiguousarray(np.moveaxis(scenery(3, 40, 60), 0, -1))


def seen(path: Path) -> TileImage:
    (scene,) = find_scenes([path]).scenes
    with open_scene(scene) as reader:
        return reader.read(Window(0, 0, scene.width, scene.height))


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.jpg", "a.jpeg"])
def test_formats(tmp_path: Path, name: str) -> None:
    Image.fromarray(RGB).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {"quality": 95} if "j" in name else {}))
    image = seen(tmp_path / name)
    assert np.abs(image.rgb.astype(int) - RGB).max() <= (0 if "j" not in name else 24)
    assert image.valid.all()


def test_modes_become_colours(tmp_path: Path) -> None:
    base = Image.fromarray(RGB)
    for mode in ("P", "L", "1", "CMYK", "RGBA", "LA", "I;16"):
        picture = Image.fromarray(RGB[..., 0].astype(np.uint16) * 200) if mode == "I;16" else base.convert(mode)
        path = tmp_path / f"{mode.replace(';', '')}.{'jpg' if mode == 'CMYK' else 'png'}"
        picture.save(path)
        image = seen(path)
        assert image.rgb.shape == (40, 60, 3), mode
        assert image.rgb.std() > 30, mode
        against = RGB[..., 0] if mode == "I;16" else np.asarray(base.convert("L"))
        assert np.corrcoef(image.rgb.mean(axis=2).ravel(), against.ravel())[0, 1] > 0.85 or mode == "1", mode


def test_transparency_is_a_mask(tmp_path: Path) -> None:
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:, :30] = 0
    Image.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "a.png")
    assert seen(tmp_path / "a.png").valid_share == 0.5
    palette = Image.fromarray(RGB).quantize(8)
    palette.save(tmp_path / "b.png", transparency=int(np.asarray(palette)[0, 0]))
    assert not seen(tmp_path / "b.png").valid[0, 0]


def test_exif_orientation_is_respected(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    exif.get_ifd(0x8769)[36867] = "2014:07:20 10:30:00"
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif, quality=95)
    (scene,) = find_scenes([tmp_path / "a.jpg"]).scenes
    assert (scene.width, scene.height) == (40, 60)
    assert scene.datetime is not None
    assert scene.datetime.isoformat() == "2014-07-20T10:30:00+00:00"
    assert np.abs(seen(tmp_path / "a.jpg").rgb.astype(int) - np.rot90(RGB, -1)).mean() < 5


def test_class_folders_keep_their_paths_on_a_neat_grid(tmp_path: Path) -> None:
    for name in ("harbour/1.png", "airport/1.png", "airport/2.png", "airport/sub/3.jpg", "pond/1.webp"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RGB if "2" not in name else np.ascontiguousarray(RGB[:, :20])).save(path)
    found = find_scenes([tmp_path / "set"])
    assert [scene.id for scene in found.scenes] == ["airport/1.png", "airport/2.png", "airport/sub/3.jpg", "harbour/1.png", "pond/1.webp"]
    boxes = [scene.footprint for scene in found.scenes]
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    assert shapely.union_all(boxes).distance(shapely.Point(0, 0)) < 0.02
    for scene, box in zip(found.scenes, boxes, strict=True):
        assert not scene.georeferenced
        assert (scene.gsd_m, scene.crs) == (None, "")
        west, south, east, north = box.bounds
        assert (east - west) / (north - south) == pytest.approx(scene.width / scene.height)
        assert max(east - west, north - south) == pytest.approx(0.01)
    assert boxes[0].centroid.y > boxes[-1].centroid.y  # row by row from the north-west
    assert boxes[0].centroid.x < boxes[1].centroid.x


def test_one_tile_a_picture_unless_pixels_are_asked_for(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (scene,) = find_scenes([tmp_path / "a.png"]).scenes
    with open_scene(scene) as reader:
        (tile,) = reader.tiles(TileSpec())
        assert (tile.id, tile.window) == ("a.png", Window(0, 0, 60, 40))
        assert reader.tiles(TileSpec(640, "m")) == [tile]
        parts = reader.tiles(TileSpec(20))
        assert len(parts) == 6
        assert shapely.union_all([part.footprint for part in parts]).symmetric_difference(scene.footprint).area < 1e-12
        assert reader.read(parts[1].window).rgb.tolist() == RGB[:20, 20:40].tolist()
        assert reader.read(tile.window, 30).rgb.shape == (20, 30, 3)
        assert reader.read(Window(50, 30, 20, 20)).valid.sum() == 100


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_cut_picture_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(np.ascontiguousarray(np.moveaxis(scenery(3, 300, 400), 0, -1))).save(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ImageUnreadable, match="damaged or cut short"):
        find_scenes([path])


def test_a_bomb_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    monkeypatch.setenv("PHAROS_MAX_PICTURE_PIXELS", "1000")
    settings.cache_clear()
    with pytest.raises(ImageTooLarge, match="2,400 pixels; at most 1,000"):
        find_scenes([tmp_path / "a.png"])


def test_a_bomb_beyond_pillows_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageTooLarge):
        find_scenes([tmp_path / "a.png"])
