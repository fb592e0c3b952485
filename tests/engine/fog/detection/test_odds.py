"""Tables of evidence: read, looked up, explained and fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import DetectorUnavailable, RecipeInvalid
from engine.fog import detect
from engine.fog.detection import available, detector, explain
from engine.fog.detection.fitting import FitRecipe, newton
from engine.fog.detection.judging import Judge
from engine.fog.detection.odds import Curve, Lookup, light_shares, questions, sunlit_share
from engine.fog.detection.physics import look
from engine.world.weather import HELD_OUT, REGIMES

from .series import coast, series


def test_a_curve_is_straight_between_knots_and_knows_where_it_turns() -> None:
    curve = Curve("droplets", (0.0, 4.0, 8.0), (-2.0, 2.0, 3.0))
    assert curve.weigh(1.0) == pytest.approx(-1.0)
    assert curve.weigh(99.0) == 3.0
    assert curve.threshold(7.0) == pytest.approx(2.0)
    assert Curve("droplets", (0.0, 1.0), (1.0, 2.0)).threshold(0.5) is None


def test_tables_give_what_curves_and_sheets_give() -> None:
    fog = questions()["fog"]
    lookup = Lookup([fog])
    rng = np.random.default_rng(3)
    sun = np.ones(200, dtype=np.float32)
    for light in ("day", "night"):
        evidence = fog.lights[light]
        values = {curve.quantity: rng.uniform(curve.at[0], curve.at[-1], 200).astype(np.float32) for curve in evidence.curves}
        found = lookup.weigh("fog", light, lookup.places(values), sun)
        exact = [
            sum(curve.weigh(float(values[curve.quantity][n])) for curve in evidence.curves)
            + sum(sheet.weigh(float(values[sheet.first][n]), float(values[sheet.second][n])) for sheet in evidence.sheets)
            for n in range(200)
        ]
        assert np.abs(found - exact).mean() < 0.1  # steps of the tables
    absent = lookup.places({name: np.full(3, np.nan, np.float32) for name in lookup.quantities})
    assert (lookup.weigh("fog", "night", absent, sun[:3]) == 0).all()


def test_light_hands_over_smoothly_and_sums_to_one() -> None:
    zenith = np.linspace(0, 180, 1801, dtype=np.float32)
    shares = light_shares(zenith)
    assert sum(shares.values()) == pytest.approx(np.ones_like(zenith), abs=1e-6)
    for share in (*shares.values(), sunlit_share(zenith)):
        assert np.abs(np.diff(share)).max() < 0.03
    assert shares["day"][zenith <= 74].min() == 1
    assert shares["night"][zenith >= 92].min() == 1


def test_the_explanation_adds_up_to_the_odds(tmp_path: Path) -> None:
    cube = series(coast(tmp_path, 170.0), "GS", 5, REGIMES["training"].at_rate(0.3, foggy=1.0), frames=1)
    seen = look(cube, 0)
    judge = Judge({name: question for name, question in questions().items()})
    plain = judge(seen.features, context=False).odds
    mask = detect(cube, 0)
    for row, column in ((5, 5), (30, 40), (60, 11)):
        found = explain(cube, 0, row, column)
        weights = sum(finding.weight or 0.0 for finding in found.findings)
        shares = {light: float(share[0]) for light, share in light_shares(seen.features.sight.zenith[row : row + 1, column]).items()}
        fog = questions()["fog"]
        base = sum(shares[light] * (each.base + each.imagers.get("ABI", 0.0)) for light, each in fog.lights.items())
        held = any(finding.words.startswith("too few droplets") for finding in found.findings)
        assert base + weights > float(plain[row, column]) - 0.6
        assert held or base + weights == pytest.approx(float(plain[row, column]), abs=0.6)  # steps of the tables
        assert found.state == mask.state[row, column]


def test_tables_that_are_broken_are_an_error_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    for text in ("", "knots: {}", "knots: {droplets: [0, 1]}\nquestions: [{name: fog, lights: {day: {base: 0, alone: {droplets: [1]}}}}]"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecipeInvalid, match=r"bad\.yaml"):
            questions(path)
        questions.cache_clear()
    questions.cache_clear()


def test_nothing_that_is_held_out_is_fitted_on() -> None:
    recipe = FitRecipe.read()
    used = {region for regions in recipe.regions.values() for region in regions}
    assert not used & {"GA", "GS", "NS", "AG", "CE"}
    assert "training" not in HELD_OUT


def test_newton_finds_what_a_made_up_logistic_was_made_of() -> None:
    rng = np.random.default_rng(0)
    matrix = np.column_stack([np.ones(20_000), rng.normal(size=20_000)]).astype(np.float32)
    odds = matrix @ np.array([-1.0, 2.0])
    target = rng.random(20_000) < 1 / (1 + np.exp(-odds))
    assert newton(matrix, target, np.ones(20_000), np.zeros((2, 2))) == pytest.approx([-1.0, 2.0], abs=0.1)


def test_detectors_are_found_by_name_and_others_refused() -> None:
    assert detector() is detector("physics")
    assert not detector("physics").experimental
    assert available()["physics"]
    with pytest.raises(DetectorUnavailable, match="no such method"):
        detector("guess")


def test_a_fit_finds_what_the_samples_say_and_reads_back(tmp_path: Path) -> None:
    """Fog where droplets are many; the imager and what is absent say nothing."""
    from dataclasses import replace

    import yaml

    from engine.fog.detection.fitting import Asked, Samples, fit, written
    from engine.fog.detection.odds import read_questions

    rng = np.random.default_rng(2)
    size = 6000
    droplets = rng.uniform(-5, 15, size).astype(np.float32)
    odds = 0.8 * (droplets - 6)
    hidden = rng.random(size) < 0.2
    droplets_known = droplets.copy()
    droplets_known[::10] = np.nan
    samples = Samples(
        {"droplets": droplets_known, "bright": rng.uniform(0, 60, size).astype(np.float32)},
        rng.uniform(0, 130, size).astype(np.float32),
        rng.random(size) < 1 / (1 + np.exp(-odds)),
        hidden,
        hidden,
        np.ones(size, dtype=np.float32),
        (np.arange(size) % 2).astype(np.int16),
        ("ABI", "AHI"),
    )
    asked = Asked(("droplets", "bright"), (("droplets", "bright"),))
    recipe = replace(FitRecipe.read(), questions={"fog": asked, "cover": asked, "visible": Asked(("bright",))})
    path = written(tmp_path / "physics.yaml", fit(recipe, samples))
    fog = read_questions(yaml.safe_load(path.read_text(encoding="utf-8")))["fog"]
    for light in ("day", "night"):
        curve = next(each for each in fog.lights[light].curves if each.quantity == "droplets")
        assert curve.weigh(12) - curve.weigh(0) > 4
        assert curve.threshold(6) == pytest.approx(6, abs=3)
        assert abs(fog.lights[light].imagers["ABI"]) < 0.5
    assert "bright" not in {each.quantity for each in fog.lights["night"].curves}
    assert "SYNTHETIC" in path.read_text(encoding="utf-8").splitlines()[0]
