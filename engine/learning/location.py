"""Where on the Earth, as a vector: real spherical harmonics and a small network of sines."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FIRST_FREQUENCY = 30.0
"""ω₀ of the first layer, as SIREN and SatCLIP have it."""


def spherical_harmonics(lonlat: Tensor, degrees: int) -> Tensor:
    r"""Real, orthonormal spherical harmonics without the Condon–Shortley phase.

    .. math::
        Y_{l,m} = \begin{cases}
            \sqrt 2\,\bar P_l^{|m|}(\sin\varphi) \sin(|m|\lambda) & m < 0 \\
            \bar P_l^0(\sin\varphi) & m = 0 \\
            \sqrt 2\,\bar P_l^m(\sin\varphi) \cos(m\lambda) & m > 0
        \end{cases}, \qquad \int Y_{l,m} Y_{l',m'}\,d\Omega = \delta_{ll'} \delta_{mm'}

    They are smooth on the whole sphere: nothing jumps at ±180°, and at a pole the longitude has no say.

    Args:
        lonlat: (..., 2) longitude λ and latitude φ in degrees, in this order.
        degrees: Number L of degrees l = 0 … L − 1, at least 1; the finest pattern is about 180°/L wide.

    Returns:
        (..., L²) in the dtype of ``lonlat``, ordered by l, then m from −l to l; worked out in float64.

    Source: Holmes and Featherstone 2002, "A unified approach to the Clenshaw summation", eqs. 11–13 (the recursions in the degree
        that stay accurate near the poles); as a location encoding: Rußwurm et al. 2024, "Geographic Location Encoding with
        Spherical Harmonics and Sinusoidal Representation Networks".
    """
    lon, lat = torch.deg2rad(lonlat.double()).unbind(-1)
    legendre = _legendre(lat.sin(), lat.cos(), degrees)
    waves = {m: ((m * lon).sin() * math.sqrt(2), (m * lon).cos() * math.sqrt(2)) for m in range(1, degrees)}
    rows = []
    for degree in range(degrees):
        rows += [legendre[degree, m] * waves[m][0] for m in range(degree, 0, -1)]
        rows.append(legendre[degree, 0])
        rows += [legendre[degree, m] * waves[m][1] for m in range(1, degree + 1)]
    return torch.stack(rows, dim=-1).to(lonlat.dtype)


def _legendre(x: Tensor, u: Tensor, degrees: int) -> dict[tuple[int, int], Tensor]:
    """Associated Legendre functions of x = sin φ, u = cos φ, by degree and order, normalised over the sphere."""
    found = {(0, 0): torch.full_like(x, math.sqrt(1 / (4 * math.pi)))}
    for m in range(1, degrees):
        found[m, m] = math.sqrt((2 * m + 1) / (2 * m)) * u * found[m - 1, m - 1]
    for m in range(degrees - 1):
        found[m + 1, m] = math.sqrt(2 * m + 3) * x * found[m, m]
        for degree in range(m + 2, degrees):
            a = math.sqrt((4 * degree**2 - 1) / (degree**2 - m**2))
            b = math.sqrt(((degree - 1) ** 2 - m**2) / (4 * (degree - 1) ** 2 - 1))
            found[degree, m] = a * (x * found[degree - 1, m] - b * found[degree - 2, m])
    return found


class LocationEncoder(nn.Module):
    r"""A place on the Earth as a unit vector.

    .. math:: f(\lambda, \varphi) = W \sin(W_n \dots \sin(\omega_0 (W_1 Y(\lambda, \varphi) + b_1)) \dots), \text{ then normalised}

    Args:
        dim: Length D of the vectors.
        degrees: Degrees of the harmonics; 10 tells places about 18° apart from one another, not quarters of a town.
        width: Of the hidden layers.
        layers: Hidden layers, at least 1.

    Source: SatCLIP (Klemmer et al. 2025): harmonics L = 10, a SIREN of two layers of 512; used so by GeoCLOSP. Initial weights:
        Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation Functions", §3.2.
    """

    def __init__(self, dim: int, degrees: int = 10, width: int = 512, layers: int = 2) -> None:
        super().__init__()
        self.degrees = degrees
        widths = [degrees**2] + [width] * layers
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(widths))
        self.last = nn.Linear(width, dim)
        for number, layer in enumerate([*self.hidden, self.last]):
            bound = 1 / layer.in_features if number == 0 else math.sqrt(6 / layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.uniform_(layer.bias, -bound, bound)

    def forward(self, lonlat: Tensor) -> Tensor:
        """(B, 2) longitude and latitude in degrees → (B, D) unit rows."""
        held = spherical_harmonics(lonlat, self.degrees).to(self.last.weight.dtype)
        for number, layer in enumerate(self.hidden):
            held = torch.sin((FIRST_FREQUENCY if number == 0 else 1.0) * layer(held))
        return F.normalize(self.last(held), dim=-1)
