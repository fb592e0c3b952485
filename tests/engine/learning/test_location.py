"""Places as vectors: harmonics against SciPy, orthonormality by quadrature, no seam and no preferred longitude at a pole."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from engine.learning.location import LocationEncoder, spherical_harmonics


def scipy_harmonics(lon: np.ndarray, lat: np.ndarray, degrees: int) -> np.ndarray:
    """Real harmonics of the complex ones, whose Condon–Shortley phase is taken out again."""
    rows = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            held = sph_harm_y(degree, abs(order), np.deg2rad(90 - lat), np.deg2rad(lon)) * (-1) ** order
            rows.append(held.real if order == 0 else math.sqrt(2) * (held.imag if order < 0 else held.real))
    return np.stack(rows, axis=-1)


@pytest.mark.parametrize("degrees", [1, 2, 10, 24])
def test_harmonics_agree_with_scipy(degrees: int) -> None:
    random = np.random.default_rng(0)
    lon, lat = random.uniform(-180, 180, 50), np.concatenate([random.uniform(-90, 90, 46), [-90, 90, 0, 89.9999]])
    found = spherical_harmonics(torch.tensor(np.stack([lon, lat], -1)), degrees)
    assert found.shape == (50, degrees**2)
    np.testing.assert_allclose(found.numpy(), scipy_harmonics(lon, lat, degrees), atol=1e-12)


def test_harmonics_are_orthonormal_on_the_sphere() -> None:
    """Gauss–Legendre in latitude × an even grid in longitude is exact for these polynomials."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    lon = np.arange(32) * 360 / 32 - 180
    places = np.stack(np.meshgrid(lon, np.rad2deg(np.arcsin(nodes))), -1)
    rows = spherical_harmonics(torch.tensor(places), 10).numpy()
    product = np.einsum("yxi,yxj,y->ij", rows, rows, weights * 2 * np.pi / 32)
    np.testing.assert_allclose(product, np.eye(100), atol=1e-12)


def test_the_antimeridian_is_no_seam() -> None:
    encoder = LocationEncoder(8, width=16)
    sides = torch.tensor([[180.0, 12.0], [-180.0, 12.0], [540.0, 12.0]], dtype=torch.float64)
    rows = spherical_harmonics(sides, 10)
    torch.testing.assert_close(rows[0], rows[1], atol=1e-12, rtol=0)
    torch.testing.assert_close(rows[0], rows[2], atol=1e-12, rtol=0)
    near = encoder(torch.tensor([[179.999, 12.0], [-179.999, 12.0]]))
    torch.testing.assert_close(near[0], near[1], atol=1e-3, rtol=0)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_a_pole_is_one_place(pole: float) -> None:
    rows = spherical_harmonics(torch.tensor([[lon, pole] for lon in (-170.0, 0.0, 33.0, 180.0)], dtype=torch.float64), 10)
    assert rows.isfinite().all()
    torch.testing.assert_close(rows, rows[:1].expand_as(rows), atol=1e-12, rtol=0)


def test_longitude_comes_first() -> None:
    """Y₁,₀ ∝ sin of the latitude."""
    rows = spherical_harmonics(torch.tensor([[80.0, 0.0], [0.0, 80.0]], dtype=torch.float64), 2)
    assert rows[0, 2] == pytest.approx(0, abs=1e-12)
    assert rows[1, 2] == pytest.approx(math.sqrt(3 / (4 * math.pi)) * math.sin(math.radians(80)))


def test_vectors_are_unit_and_places_differ() -> None:
    torch.manual_seed(0)
    encoder = LocationEncoder(12)
    rows = encoder(torch.tensor([[-31.5, 43.5], [-31.5, 43.5], [100.0, -20.0]]))
    assert rows.shape == (3, 12)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
    assert torch.equal(rows[0], rows[1])
    assert (rows[0] - rows[2]).norm() > 0.05


def test_the_network_can_learn_where_land_is() -> None:
    """Two caps on the sphere, told apart by a few steps of a gradient."""
    torch.manual_seed(0)
    encoder = LocationEncoder(2, degrees=4, width=32)
    random = np.random.default_rng(0)
    places = torch.tensor(random.uniform((-180, -80), (180, 80), (200, 2)), dtype=torch.float32)
    north = (places[:, 1] > 10).long()
    optimiser = torch.optim.Adam(encoder.parameters(), 1e-2)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(8 * encoder(places), north)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (encoder(places).argmax(dim=1) == north).float().mean() > 0.95
