"""Evaluations of a process: begun behind the page, followed, stopped, and kept until others have taken their place."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from engine.errors import Cancelled, CollectionNotFound, DataMissing, EvaluationFailed, EvaluationInvalid, PharosError
from engine.progress import Cancel, Progress, stop_if
from engine.serving.evaluation.archive import MOST as MOST_KEPT
from engine.serving.evaluation.archive import Archive, Ended, Outcome
from engine.serving.evaluation.found import Found, Part
from engine.serving.evaluation.trial import COLLECTION, FOLDER, ISLAND, Trial
from engine.serving.job import Job
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.evaluation.report import Report
    from engine.serving.evaluation.labelled import Labelled

log = logging.getLogger(__name__)

Value = TypeVar("Value")

AT_ONCE: Final = 2
"""Evaluations that compute at the same time; more would only slow one another, so they wait."""
BATCH: Final = 32
"""Pictures at once: small, so that progress is told and a stop heard often."""
SEED: Final = 7
SECONDS_SEEN: Final = 60.0
ISLAND_NAME: Final = "SYNTHETIC-island"
INSIDE: Final = ("", "images", "image", "data", "Images", "Image", "Data")
"""Lone folders between a data set's root and its class folders."""


class Run:
    """One evaluation that runs or has run.

    Args:
        trial: What is measured.
        work: Called with the run, a progress and a cancel on a thread of its own.

    Attributes:
        id: Names it in addresses.
        trial: What is measured.
        outcomes: One for each step that is over, in order.
        begun: When, UTC.
        data: Name of the data, once they are found.
        pictures: Folder below which its pictures lie, once they are found.
        job: The work itself.
    """

    def __init__(self, trial: Trial, work: Callable[[Run, Progress, Cancel], str]) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.trial = trial
        self.outcomes: tuple[Outcome, ...] = ()
        self.begun = datetime.now(UTC).replace(microsecond=0)
        self.data = _data_words(trial)
        self.pictures: Path | None = None
        self.job = Job(f"Measuring {trial.kind.title.lower()}", lambda progress, cancel: work(self, progress, cancel))

    @classmethod
    def restored(cls, ended: Ended) -> Run:
        """One that ended before this process began."""

        def over(run: Run, progress: Progress, cancel: Cancel) -> str:
            if ended.failed:
                raise EvaluationFailed(ended.words)
            return ended.words

        run = cls(ended.trial, over)
        run.job.wait()
        run.id = ended.id
        run.outcomes, run.begun, run.data = ended.outcomes, ended.begun, ended.data
        run.pictures = Path(ended.pictures) if ended.pictures else None
        return run

    def ended(self, words: str, *, failed: bool) -> Ended:
        """What is kept of it."""
        pictures = str(self.pictures) if self.pictures else ""
        return Ended(self.id, self.trial, self.outcomes, self.begun, self.data, pictures, words, failed)

    @property
    def reports(self) -> tuple[Report, ...]:
        """What was found so far."""
        return tuple(each.report for each in self.outcomes if each.report is not None)

    @property
    def title(self) -> str:
        """Suite and data, for a person."""
        return f"{self.trial.kind.title} on {self.data}"


def _data_words(trial: Trial) -> str:
    """Name of the data before they are looked at."""
    if trial.data == FOLDER:
        return Path(trial.folder).name or trial.folder
    return ISLAND_NAME if trial.data == ISLAND else trial.data.removeprefix(COLLECTION)


class Evaluations:
    """Evaluations of a process and those that it found on disk, thread-safe.

    Args:
        config: Where data live and which folders may be looked into.
        encoder: Gives an encoder; called with id, cancel and progress, and waits until it is there.
    """

    def __init__(self, config: Settings, encoder: Callable[[str, Cancel, Progress], Encoder]) -> None:
        self._config, self._encoder = config, encoder
        self._lock = threading.Lock()
        self._archive = Archive(config.data_dir / "evaluation" / "runs")
        self._known: OrderedDict[str, Run] | None = None
        self._turns = threading.Semaphore(AT_ONCE)
        self._making = threading.Lock()
        self._seen: dict[str, tuple[float, Any]] = {}

    # --- data --------------------------------------------------------------------------------------------------------

    def collections(self) -> tuple[str, ...]:
        """Names of the collections whose scenes have label rasters beside them; the made-up island is not among them."""
        from engine.index import Collection

        names = Collection.names(self._config)
        return tuple(name for name in names if name != ISLAND and self._lately(f"collection {name}", partial(self._has_labels, name)))

    def find(self, data: str, folder: str = "") -> Found:
        """What can be measured on.

        Args:
            data: As in a trial.
            folder: As in a trial.

        Raises:
            PharosError: If there is nothing, or it may not be looked into.
        """
        from engine.serving.evaluation import labelled
        from engine.serving.evaluation.survey import survey

        if data == FOLDER:
            return self._lately(f"folder {folder}", lambda: survey(folder, self._config))
        name = self._named(data)
        if name == ISLAND:
            return self._told(ISLAND_NAME)
        scenes = self._labelled(name)
        if not scenes:
            raise DataMissing("A label raster", f"any scene of “{name}” ({{scene}}_truth.tif with classes.json)")
        return self._told(labelled.title(name, synthetic=all(each.scene.synthetic for each in scenes)))

    def _told(self, called: str) -> Found:
        """What was cut of a collection; looked at anew when it has been cut anew."""
        from engine.serving.evaluation.labelled import made, made_at

        home = self._home(called)
        return self._lately(f"{home} {made_at(home)}", lambda: made(home, called))

    def _lately(self, key: str, look: Callable[[], Value]) -> Value:
        """What was found a moment ago, or now: a page is drawn often, and a folder may be large."""
        known = self._seen.get(key)
        if known is None or time.monotonic() - known[0] > SECONDS_SEEN:
            known = (time.monotonic(), look())
            self._seen[key] = known
            for old in [old for old, (when, _) in list(self._seen.items()) if time.monotonic() - when > SECONDS_SEEN]:
                self._seen.pop(old, None)
        value: Value = known[1]
        return value

    def look_again(self) -> None:
        """Forget what was found in folders and collections."""
        self._seen.clear()

    def _named(self, data: str) -> str:
        if data == ISLAND:
            return ISLAND
        if data.startswith(COLLECTION):
            return data.removeprefix(COLLECTION)
        raise EvaluationInvalid(f"there are no data “{data[:60]}”. Choose the island, a collection with labels, or a folder.")

    def _home(self, name: str) -> Path:
        return self._config.data_dir / "evaluation" / name

    def _has_labels(self, name: str) -> bool:
        return bool(self._labelled(name))

    def _labelled(self, name: str) -> tuple[Labelled, ...]:
        """Scenes of a collection that have label rasters."""
        from engine.index.collection import folder_of
        from engine.index.manifest import FILE, Manifest
        from engine.serving.evaluation.labelled import labelled

        folder = folder_of(name, self._config)
        if not (folder / FILE).is_file():
            raise CollectionNotFound(name, self.collections())
        try:
            return labelled(tuple(Manifest.read(folder).scenes.values()))
        except PharosError as error:
            log.info("“%s” has no labels that can be used: %s", name, error)
            return ()

    def _made(self, data: str, progress: Progress, cancel: Cancel) -> Found:
        """The pictures of a collection with labels, made where they are not yet; two don't make them at once."""
        from engine.serving.evaluation.labelled import cut, title

        name = self._named(data)
        while not self._making.acquire(timeout=0.2):
            stop_if(cancel, "Making the pictures")
        try:
            scenes = self._island(progress, cancel) if name == ISLAND else self._labelled(name)
            called = title(name, synthetic=all(each.scene.synthetic for each in scenes))
            return cut(self._home(called), called, scenes, progress=progress, cancel=cancel)
        finally:
            self._making.release()

    def _island(self, progress: Progress, cancel: Cancel) -> tuple[Labelled, ...]:
        """The demo's scenes, or those of an island of its own where there is no demo."""
        from engine.imagery import find_scenes
        from engine.serving.demo import scenes_dir
        from engine.serving.evaluation.labelled import labelled
        from engine.world import make_world

        scenes = scenes_dir(self._config)
        if not self._has_demo(progress, cancel):
            world = self._home("world")
            scenes = world / "scenes"
            if not (world / ".made").is_file():
                make_world(world, SEED, fog=False, progress=progress)
                (world / ".made").touch()
        return labelled(find_scenes([scenes]).scenes)

    def _has_demo(self, progress: Progress, cancel: Cancel) -> bool:
        """Whether the demo's island is there; one that is being made is waited for."""
        from engine.index.lock import is_written
        from engine.serving.demo import demo_dir, demo_is_made

        while not demo_is_made(self._config) and is_written(demo_dir(self._config)):
            progress("waiting for the island, which is being made", 0, 0)
            cancel.wait(0.5)
            stop_if(cancel, "The evaluation")
        return demo_is_made(self._config)

    # --- runs --------------------------------------------------------------------------------------------------------

    @property
    def _runs(self) -> OrderedDict[str, Run]:
        """By id, oldest first; read from disk when they are first asked for. The lock must be held."""
        if self._known is None:
            self._known = OrderedDict((ended.id, Run.restored(ended)) for ended in self._archive.all())
        return self._known

    def runs(self) -> tuple[Run, ...]:
        """Evaluations that run or have ended of late, newest first."""
        with self._lock:
            return tuple(reversed(self._runs.values()))

    def run(self, identity: str) -> Run | None:
        """An evaluation, or None where it is no longer kept."""
        with self._lock:
            return self._runs.get(identity)

    def begin(self, trial: Trial) -> Run:
        """Measure behind the page.

        Raises:
            EvaluationInvalid: If the trial can't be run as it stands.
        """
        if not trial.steps:
            raise EvaluationInvalid("no model was chosen. Choose one or more.")
        run = Run(trial, self._work)
        with self._lock:
            self._runs[run.id] = run
            ended = [each.id for each in self._runs.values() if not each.job.running]
            for identity in ended[: max(0, len(self._runs) - MOST_KEPT)]:
                del self._runs[identity]
        return run

    def stop(self) -> tuple[Job, ...]:
        """Tell everything to end; gives what was still running."""
        with self._lock:
            running = tuple(run.job for run in (self._known or {}).values() if run.job.running)
        for job in running:
            job.cancel()
        return running

    def _work(self, run: Run, progress: Progress, cancel: Cancel) -> str:
        try:
            words = self._measure(run, progress, cancel)
        except PharosError as error:
            self._archive.keep(run.ended(str(error), failed=not isinstance(error, Cancelled)))
            raise
        self._archive.keep(run.ended(words, failed=False))
        return words

    def _measure(self, run: Run, progress: Progress, cancel: Cancel) -> str:
        with self._turn(progress, cancel):
            part = self._part(run, progress, cancel)
            for place in range(len(run.trial.steps)):
                run.outcomes = (*run.outcomes, self._outcome(run, place, part, progress, cancel))
        if not run.reports:
            raise EvaluationFailed(" ".join(dict.fromkeys(each.failed for each in run.outcomes)))
        return f"{len(run.reports)} of {len(run.outcomes)} measured."

    @contextmanager
    def _turn(self, progress: Progress, cancel: Cancel) -> Iterator[None]:
        """Wait until few enough others compute."""
        while not self._turns.acquire(timeout=0.2):
            progress("waiting for other evaluations", 0, 0)
            stop_if(cancel, "The evaluation")
        try:
            yield
        finally:
            self._turns.release()

    def _part(self, run: Run, progress: Progress, cancel: Cancel) -> Part:
        """What to measure on."""
        from engine.serving.evaluation.survey import survey, wanting

        trial = run.trial
        progress("looking at the data", 0, 0)
        found = survey(trial.folder, self._config) if trial.data == FOLDER else self._made(trial.data, progress, cancel)
        part = found.chosen(trial.kind.forms, trial.part)
        if part is None:
            raise EvaluationInvalid(wanting(found, *trial.kind.forms))
        run.data, run.pictures = found.name, part.pictures
        return part

    def _outcome(self, run: Run, place: int, part: Part, progress: Progress, cancel: Cancel) -> Outcome:
        """One step; what goes wrong with one model costs the others nothing."""
        from engine.evaluation.suites import Bench, embeddings

        trial, steps = run.trial, run.trial.steps
        model = steps[place]

        def tell(stage: str, done: int, total: int) -> None:
            progress(f"{model}: {stage}" if len(steps) == 1 else f"{model} ({place + 1} of {len(steps)}): {stage}", done, total)

        try:
            stop_if(cancel, "The evaluation")
            if not trial.kind.modelled:
                return Outcome("", embeddings(part.path))
            encoder = self._encoder(model, cancel, tell)
            return Outcome(model, trial.measure(Bench(encoder, BATCH, tell, cancel), part))
        except Cancelled:
            kept = f"{len(run.reports)} of {len(steps)} models are measured." if run.reports else ""
            raise Cancelled("The evaluation", kept) from None
        except PharosError as error:
            return Outcome(model, failed=str(error))
        except Exception:
            log.exception("measuring %s failed", model)
            return Outcome(model, failed=f"Measuring {model} failed inside; the log says where.")

    # --- pixels ------------------------------------------------------------------------------------------------------

    def picture(self, identity: str, report: int, confusion: int, place: int, size: int) -> bytes | None:
        """A picture of a confusion as WebP, or None where no report names one; no address can name another file.

        Args:
            identity: Of the evaluation.
            report: Which of its reports, from 0.
            confusion: Which of its worst confusions, from 0.
            place: Which of the confusion's pictures, from 0.
            size: Longer side, pixels.

        Raises:
            ImageUnreadable: If it can't be read any more.
        """
        import numpy as np

        from engine.evaluation.datasets.pictures import read_picture
        from engine.imagery.preview import TileImage

        run = self.run(identity)
        name = None if run is None else _named_picture(run, report, confusion, place)
        if run is None or run.pictures is None or name is None:
            return None
        path = next((path for inner in INSIDE if (path := run.pictures / inner / name).is_file()), run.pictures / name)
        pixels = read_picture(path)
        return TileImage(pixels, np.ones(pixels.shape[:2], dtype=bool)).encode("webp", size)


def _named_picture(run: Run, report: int, confusion: int, place: int) -> str | None:
    try:
        name = run.reports[report].figures["worst"][confusion]["pictures"][place]
    except (IndexError, KeyError):
        return None
    return str(name)
