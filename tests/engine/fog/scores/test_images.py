from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import metrics

from engine.errors import ScoresInvalid
from engine.fog.scores import Event, ImageScores, SequenceScores, ssim


def pair(rng: np.random.Generator, shape: tuple[int, ...] = (40, 56), span: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    truth = rng.random(shape) * span
    return np.clip(truth + rng.normal(0, 0.1 * span, shape), 0, span), truth


@pytest.mark.parametrize("span", [1.0, 100.0, 255.0])
def test_figures_are_those_of_scikit_image(span: float) -> None:
    a, b = pair(np.random.default_rng(3), span=span)
    scores = ImageScores.of(a, b, span, Event(span / 2))
    assert scores is not None
    assert scores.mse == pytest.approx(metrics.mean_squared_error(b, a))
    assert scores.psnr == pytest.approx(metrics.peak_signal_noise_ratio(b, a, data_range=span))
    gaussian: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert scores.ssim == pytest.approx(metrics.structural_similarity(a, b, data_range=span, **gaussian))
    assert ssim(a, b, span, window="uniform") == pytest.approx(metrics.structural_similarity(a, b, data_range=span))


def test_unknown_pixels_are_left_out_of_everything() -> None:
    """A corner that is not known must give what the rest gives alone."""
    a, b = pair(np.random.default_rng(4))
    holed, seen = a.copy(), np.ones(a.shape, bool)
    holed[:, 40:] = np.nan
    seen[:, 40:] = False
    cut = ImageScores.of(a[:, :40], b[:, :40], 1.0, Event(0.5))
    for scores in (ImageScores.of(holed, b, 1.0, Event(0.5)), ImageScores.of(a, b, 1.0, Event(0.5), seen)):
        assert scores is not None
        assert cut is not None
        assert scores.mae == pytest.approx(cut.mae)
        assert scores.csi == cut.csi
        assert scores.n == 40 * 40
        assert scores.ssim == pytest.approx(cut.ssim)


def test_events_below_a_threshold_count_the_cold() -> None:
    a, b = np.array([[260.0, 280.0], [265.0, np.nan]]), np.array([[262.0, 262.0], [290.0, 250.0]])
    scores = ImageScores.of(a, b, 130, Event(270, above=False))
    assert scores is not None
    assert scores.csi == pytest.approx(1 / 3)
    assert Event(270, above=False).words("BT1120", "K") == "BT1120 ≤ 270 K"


def test_one_pixel_has_an_error_and_no_structure() -> None:
    scores = ImageScores.of([[0.25]], [[0.5]], 1.0, Event(0.4))
    assert scores is not None
    assert (scores.mae, scores.ssim, scores.csi) == (0.25, None, 0.0)
    assert ImageScores.of([[np.nan]], [[0.5]], 1.0, Event(0.4)) is None


def test_a_perfect_forecast_has_no_finite_psnr_and_json_gets_none() -> None:
    field = np.random.default_rng(0).random((20, 20))
    scores = ImageScores.of(field, field, 1.0, Event(0.5))
    assert scores is not None
    assert scores.record()["psnr"] is None
    assert scores.record()["ssim"] == 1.0


def test_shapes_must_agree() -> None:
    with pytest.raises(ScoresInvalid, match=r"\(4, 4\).*\(4, 5\)"):
        ImageScores.of(np.zeros((4, 4)), np.zeros((4, 5)), 1.0, Event(0.5))


def test_summed_errors_are_the_published_loops() -> None:
    """M4Fog's track C prints OpenSTL's figures: a mean over samples and frames of sums over channels and pixels, done here by loops."""
    a, b = pair(np.random.default_rng(5), (2, 3, 3, 16, 16))
    scores = SequenceScores.of(a, b)
    mse = np.mean([[((a[n, t] - b[n, t]) ** 2).sum() for t in range(3)] for n in range(2)])
    mae = np.mean([[np.abs(a[n, t] - b[n, t]).sum() for t in range(3)] for n in range(2)])
    assert scores.mse == pytest.approx(mse)
    assert scores.mae == pytest.approx(mae)
    assert scores.mse_per_value == pytest.approx(((a - b) ** 2).mean())
    similar = np.mean(
        [[metrics.structural_similarity(a[n, t], b[n, t], channel_axis=0, data_range=1.0) for t in range(3)] for n in range(2)]
    )
    assert scores.ssim == pytest.approx(similar)
    decibels = np.mean([[metrics.peak_signal_noise_ratio(b[n, t], a[n, t], data_range=1.0) for t in range(3)] for n in range(2)])
    assert scores.psnr == pytest.approx(decibels)


def test_grey_levels_are_refused_where_fractions_are_needed() -> None:
    with pytest.raises(ScoresInvalid, match="divide grey levels by 255"):
        SequenceScores.of(np.zeros((1, 1, 3, 8, 8)), np.full((1, 1, 3, 8, 8), 200))
    with pytest.raises(ScoresInvalid, match="N, T, C"):
        SequenceScores.of(np.zeros((1, 3, 8, 8)), np.zeros((1, 3, 8, 8)))
