"""Writers of files in other people's layouts: shapes, names, types and units as published, values made up."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 24
"""Cells a side; M4Fog's own is 1024."""

H8_MEANS = (123.89, 116.86, 104.82, 111.66, 91.36, 75.79, 87.90, 35.65, 44.84, 52.52, 73.86, 50.67, 75.92, 75.39, 73.20, 60.67)
FY4A_MEANS = (0.228, 0.191, 0.227, 0.042, 0.167, 0.108, 291.984, 291.662, 237.677, 249.9, 274.902, 276.679, 275.362, 249.906)
GOES_MEANS = (22.34, 15.97, 19.19, 2.45, 12.46, 10.44, 280.95, 233.36, 241.85, 248.96, 267.05, 244.76, 269.13, 268.76, 267.07, 254.86)


def himawari(folder: Path, stamps: list[str], size: int = SIZE, seed: int = 0) -> Path:
    """Himawari-8: (H, W, 16) uint8 grey levels, the label, and SST and land beside."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for stamp in stamps:
        cube = np.clip(rng.normal(H8_MEANS, 12, (size, size, 16)), 1, 255).astype(np.uint8)
        np.save(folder / f"{stamp}.npy", cube)
        label(folder / f"conn_{stamp}_300_sp.png", size)
    for day in {stamp[:8] for stamp in stamps}:
        sea_surface(folder, day, size)
    np.save(folder / "land_mask.npy", land(size)[None].astype(np.float32))
    return folder


def fengyun(folder: Path, stamps: list[str], size: int = SIZE, seed: int = 0) -> Path:
    """FY-4A: (14, H, W) float32, reflectance 0–1 and kelvin; a corner without data is 0."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    means = np.array(FY4A_MEANS)[:, None, None]
    for stamp in stamps:
        cube = (means * rng.uniform(0.95, 1.05, (14, size, size))).astype(np.float32)
        cube[:, :2, :2] = 0
        np.save(folder / f"{stamp}.npy", cube)
        label(folder / f"conn_{stamp}_300_sp.png", size)
    return folder


def goes(folder: Path, ids: list[str], size: int = SIZE, seed: int = 0, *, ancillary: bool = False) -> Path:
    """GOES-16: (16, H, W) float32, reflectance in per cent and kelvin; with SST / 32 and land as channels 16 and 17."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    means = np.array(GOES_MEANS)[:, None, None]
    for name in ids:
        cube = (means * rng.uniform(0.95, 1.05, (16, size, size))).astype(np.float32)
        if ancillary:
            sst = np.where(land(size), -1, (celsius(size) + 2) / 32)
            cube = np.concatenate([cube, sst[None], land(size)[None]]).astype(np.float32)
        np.save(folder / f"{name}.npy", cube)
        label(folder / f"{name}.png", size)
    return folder


def sequences(path: Path, count: int = 2, steps: int = 8, size: int = SIZE) -> Path:
    """Track C: (N, 8, 3, H, W) uint8 in the order blue, green, red: here 10, 20 and 30 more than the step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros((count, steps, 3, size, size), dtype=np.uint8)
    for band in range(3):
        array[:, :, band] = 10 * (band + 1) + np.arange(steps, dtype=np.uint8)[None, :, None, None]
    if steps == 16:
        array[:, 8:] = 0
        array[:, 8:, :, : size // 2] = 255
    np.save(path, array)
    return path


def land(size: int = SIZE) -> np.ndarray:
    """The west quarter is land."""
    out = np.zeros((size, size), dtype=bool)
    out[:, : size // 4] = True
    return out


def celsius(size: int = SIZE) -> np.ndarray:
    """Sea surface temperature from 4 to 27 °C."""
    return np.linspace(4, 27, size)[:, None] * np.ones((1, size))


def sea_surface(folder: Path, day: str, size: int = SIZE) -> Path:
    path = folder / f"sst_{day}.npz"
    np.savez(path, data=celsius(size), mask=land(size))
    return path


def fog(size: int = SIZE) -> np.ndarray:
    """The south half is fog."""
    out = np.zeros((size, size), dtype=bool)
    out[size // 2 :] = True
    return out


def label(path: Path, size: int = SIZE) -> Path:
    Image.fromarray(fog(size).astype(np.uint8) * 255).save(path)
    return path


def stamp(when: datetime) -> str:
    return f"{when:%Y%m%d_%H%M}"
