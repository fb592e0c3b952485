"""Evaluations behind the page, on coloured squares whose right answers are known. SYNTHETIC."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine import imagery, index
from engine.errors import DataMissing, EvaluationInvalid, WeightsCorrupt
from engine.progress import Cancel, Progress
from engine.serving.evaluation import FOLDER, Evaluations, Run, Trial
from engine.serving.evaluation.evaluations import AT_ONCE, BATCH
from engine.settings import Settings
from engine.world import make_world
from tests.engine.evaluation.squares import write_folders, write_square
from tests.engine.index.colour_encoder import ColourEncoder
from tests.engine.serving.evaluation.labelled_scene import write_labelled
from tests.scenes import write_scene

SECONDS = 240


class SlowEncoder(ColourEncoder):
    """Waits in its first batch until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.go = threading.Event(), threading.Event()

    def images(self, batch: Any) -> Any:
        self.inside.set()
        assert self.go.wait(SECONDS)
        return super().images(batch)


def encoders(**known: Any) -> Callable[[str, Cancel, Progress], Any]:
    def encoder(model: str, cancel: Cancel, progress: Progress) -> Any:
        found = known.get(model, ColourEncoder())
        if isinstance(found, Exception):
            raise found
        found.id = model
        return found

    return encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two of three pictures in the blue folder are red."""
    return write_folders(tmp_path / "squares", {"red": ["red", "red", "red"], "blue": ["blue", "red", "red"]})


def evaluations(config: Settings, **known: Any) -> Evaluations:
    return Evaluations(config, encoders(**known))


def trial(folder: Path, *models: str, **parts: Any) -> Trial:
    return Trial(models=models or ("colours",), data=FOLDER, folder=str(folder), **parts)


def ended(run: Run) -> Run:
    run.job.wait(SECONDS)
    assert not run.job.running
    return run


def test_models_stand_beside_one_another_in_their_order(own_data: Settings, folder: Path) -> None:
    run = ended(evaluations(own_data).begin(trial(folder, "one", "two")))
    assert [report.provenance.model for report in run.reports] == ["one", "two"]
    assert run.reports[0].figures["accuracy"] == pytest.approx(4 / 6, abs=1e-6)
    assert (run.job.failed, run.job.outcome) == ("", "2 of 2 measured.")
    assert run.title == "Zero-shot classification on squares"


def test_a_model_that_fails_costs_the_others_nothing(own_data: Settings, folder: Path) -> None:
    broken = ColourEncoder()
    broken.images = lambda batch: 1 / 0  # type: ignore[method-assign]
    known = {"bad": WeightsCorrupt("bad", "they are no weights."), "broken": broken}
    run = ended(evaluations(own_data, **known).begin(trial(folder, "bad", "broken", "good")))
    assert [bool(each.failed) for each in run.outcomes] == [True, True, False]
    assert "they are no weights" in run.outcomes[0].failed
    assert run.outcomes[1].failed == "Measuring broken failed inside; the log says where."
    assert run.job.failed == ""
    assert len(run.reports) == 1


def test_nothing_measured_is_a_failure_in_words(own_data: Settings, folder: Path) -> None:
    run = ended(evaluations(own_data, bad=WeightsCorrupt("bad", "they are no weights.")).begin(trial(folder, "bad")))
    assert run.job.failed == "The weights “bad” can't be used: they are no weights."
    gone = ended(evaluations(own_data).begin(trial(folder / "nowhere")))
    assert "is not at" in gone.job.failed
    without = ended(evaluations(own_data).begin(trial(folder, suite="counting")))
    assert "It needs a list with the columns file, caption, count." in without.job.failed


def test_a_trial_without_model_or_with_an_unknown_suite_is_refused(own_data: Settings, folder: Path) -> None:
    with pytest.raises(EvaluationInvalid, match="no model was chosen"):
        evaluations(own_data).begin(Trial(data=FOLDER, folder=str(folder)))
    with pytest.raises(EvaluationInvalid, match="no suite “poetry”"):
        evaluations(own_data).begin(trial(folder, suite="poetry"))


@pytest.fixture
def two_batches(tmp_path: Path) -> Path:
    return write_folders(tmp_path / "many", {"red": ["red"] * BATCH, "blue": ["blue"]})


def test_cancel_keeps_the_models_that_were_measured(own_data: Settings, two_batches: Path) -> None:
    slow = SlowEncoder()
    run = evaluations(own_data, slow=slow).begin(trial(two_batches, "quick", "slow", "never"))
    assert slow.inside.wait(SECONDS)
    run.job.cancel()
    slow.go.set()
    ended(run)
    assert run.job.outcome == "The evaluation was cancelled. 1 of 3 models are measured."
    assert [each.model for each in run.outcomes] == ["quick"]
    assert run.job.failed == ""


def test_two_run_at_once_and_a_third_waits_and_can_be_stopped(own_data: Settings, folder: Path) -> None:
    slow = [SlowEncoder() for _ in range(AT_ONCE)]
    many = evaluations(own_data, **{f"slow{place}": each for place, each in enumerate(slow)})
    running = [many.begin(trial(folder, f"slow{place}")) for place in range(AT_ONCE)]
    assert all(each.inside.wait(SECONDS) for each in slow)
    waiting = many.begin(trial(folder, "quick"))
    end = time.monotonic() + SECONDS
    while waiting.job.stage != "waiting for other evaluations" and time.monotonic() < end:
        time.sleep(0.02)
    assert waiting.job.stage == "waiting for other evaluations"
    waiting.job.cancel()
    assert ended(waiting).job.outcome == "The evaluation was cancelled."
    for each in slow:
        each.go.set()
    assert [ended(run).reports[0].figures["n"] for run in running] == [6, 6]
    assert many.runs() == (waiting, *reversed(running))


def test_every_suite_of_class_folders_runs(own_data: Settings, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "squares", {"red": ["red"] * 4, "blue": ["blue"] * 4})
    many = evaluations(own_data)
    for suite in ("zeroshot", "calibration", "knn", "linear", "fewshot", "ndcg"):
        run = ended(many.begin(trial(root, suite=suite, shots="1,2", seeds=1)))
        assert run.job.failed == "", suite
        assert run.reports[0].figures["ndcg" if suite == "ndcg" else "accuracy"] == 1.0


def test_captions_and_counts_are_found_and_measured(own_data: Settings, tmp_path: Path) -> None:
    rows = []
    for place, colour in enumerate(["red", "blue", "green", "red"]):
        write_square(tmp_path / "pictures" / f"{place}.png", colour)
        rows.append({"file": f"{place}.png", "captions": [f"a {colour} roof to the left of a road ."]})
    (tmp_path / "captions.json").write_text(json.dumps(rows))
    counts = [{"file": "0.png", "caption": "there are {} red roofs", "count": 2}]
    (tmp_path / "pictures" / "counts.json").write_text(json.dumps(counts))
    many = evaluations(own_data)
    first, second = (ended(many.begin(trial(tmp_path, suite=f"retrieval-{each}"))).reports[0].figures for each in ("p1", "p2"))
    assert (first["protocol"], first["n_captions"]) == ("P1", 4)
    assert (second["protocol"], second["n_captions"]) == ("P2", 3)
    assert second["t2i"]["r1"] == 1.0
    order = ended(many.begin(trial(tmp_path, suite="word-order"))).reports[0].figures
    assert (order["accuracy"], order["n"]) == (0.5, 4)
    assert ended(many.begin(trial(tmp_path, suite="counting"))).reports[0].figures["n"] == 1


def test_only_pictures_that_a_report_names_can_be_seen(own_data: Settings, folder: Path, tmp_path: Path) -> None:
    many = evaluations(own_data)
    run = ended(many.begin(trial(folder)))
    assert run.reports[0].figures["worst"][0]["pictures"] == ["blue/01.png", "blue/02.png"]
    body = many.picture(run.id, 0, 0, 1, 32)
    assert body is not None
    assert body[8:12] == b"WEBP"
    assert many.picture(run.id, 0, 0, 2, 32) is None
    assert many.picture(run.id, 0, 1, 0, 32) is None
    assert many.picture(run.id, 1, 0, 0, 32) is None
    assert many.picture("0" * 12, 0, 0, 0, 32) is None


def test_pictures_below_a_lone_images_folder_are_found(own_data: Settings, tmp_path: Path) -> None:
    write_folders(tmp_path / "set" / "images", {"red": ["red", "red"], "blue": ["red", "blue"]})
    many = evaluations(own_data)
    run = ended(many.begin(trial(tmp_path / "set")))
    assert many.picture(run.id, 0, 0, 0, 32) is not None


def test_what_ended_is_there_after_a_restart(own_data: Settings, folder: Path) -> None:
    before = evaluations(own_data, bad=WeightsCorrupt("bad", "they are no weights."))
    good = ended(before.begin(trial(folder, "bad", "good", templates="plain")))
    bad = ended(before.begin(trial(folder, "bad")))
    after = evaluations(own_data)
    assert [run.id for run in after.runs()] == [bad.id, good.id]
    again = after.run(good.id)
    assert again is not None
    assert (again.trial, again.title, again.outcomes) == (good.trial, good.title, good.outcomes)
    assert again.reports[0].json() == good.reports[0].json()
    assert again.reports[0].html() == good.reports[0].html()
    assert after.picture(good.id, 0, 0, 0, 32) is not None
    failed = after.run(bad.id)
    assert failed is not None
    assert failed.job.failed == bad.job.failed


def test_a_damaged_file_costs_the_others_nothing(own_data: Settings, folder: Path) -> None:
    run = ended(evaluations(own_data).begin(trial(folder)))
    kept = own_data.data_dir / "evaluation" / "runs"
    (kept / "0123456789ab.json").write_text("{")
    (kept / "0123456789ac.json").write_text('{"trial": {}}')
    stranger = (kept / f"{run.id}.json").read_text().replace('"zeroshot"', '"of another version"')
    (kept / "0123456789ad.json").write_text(stranger)
    assert [each.id for each in evaluations(own_data).runs()] == [run.id]


def test_closing_stops_what_runs(own_data: Settings, two_batches: Path) -> None:
    slow = SlowEncoder()
    many = evaluations(own_data, slow=slow)
    run = many.begin(trial(two_batches, "slow"))
    assert slow.inside.wait(SECONDS)
    (job,) = many.stop()
    slow.go.set()
    job.wait(SECONDS)
    assert "cancelled" in ended(run).job.outcome


def test_a_collection_with_labels_beside_its_scenes_is_measured(own_data: Settings, tmp_path: Path) -> None:
    plain, labelled = write_scene(tmp_path / "a" / "plain.tif"), write_labelled(tmp_path / "world", tile=64)
    for name, path in (("plain", plain), ("fields", labelled)):
        encoder: Any = ColourEncoder()
        index.build(name, imagery.find_scenes([path]).scenes, encoder, spec=imagery.TileSpec(), settings=own_data)
    many = evaluations(own_data)
    assert many.collections() == ("fields",)
    assert many.find("collection:fields").parts[0].count == 0
    run = ended(many.begin(Trial(models=("colours",), data="collection:fields")))
    assert run.job.failed == ""
    assert run.data == "fields"
    assert sorted(run.reports[0].names) == ["forest", "lake", "town"]
    found = many.find("collection:fields").chosen(("classes",))
    assert found is not None
    assert found.count == run.reports[0].figures["n"]
    with pytest.raises(DataMissing, match="A label raster"):
        many.find("collection:plain")
    with pytest.raises(EvaluationInvalid, match="there are no data"):
        many.find("elsewhere")


def test_without_a_demo_an_island_is_made_and_marked(own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.world.make_world", partial(make_world, size=320))
    many = evaluations(own_data)
    run = ended(many.begin(Trial(models=("colours",), suite="ndcg")))
    assert run.job.failed == ""
    report = run.reports[0]
    assert report.provenance.synthetic
    assert "SYNTHETIC" in run.title
    assert many.find("island").synthetic


def test_only_what_a_recipe_kept_from_training_is_measured(own_data: Settings, tmp_path: Path) -> None:
    """The default model's recipe holds out a tenth of a set in a folder named aid_rsicd."""
    root = write_folders(tmp_path / "aid_rsicd" / "images", {"red": ["red"] * 20, "blue": ["blue"] * 20}).parent
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    (root / "captions.json").write_text(json.dumps([{"file": name, "captions": [f"a {name.split('/')[1]} one"]} for name in names]))
    many = evaluations(own_data)
    assert "pharos-small" in many.find(FOLDER, str(root)).parts[0].recipes
    run = ended(many.begin(trial(root, held="pharos-small")))
    assert run.job.failed == ""
    assert run.reports[0].figures["n"] == 4
    other = ended(many.begin(trial(root, held="island-phrases")))
    assert "keeps nothing of these data back" in other.job.failed
