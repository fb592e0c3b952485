"""Ended evaluations on disk, so that a link still shows one after the server was started anew."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.errors import EvaluationInvalid
from engine.serving.evaluation.trial import Trial

if TYPE_CHECKING:
    from engine.evaluation.report import Report

log = logging.getLogger(__name__)

MOST: Final = 24
_ID: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step of an evaluation.

    Attributes:
        model: Id of the encoder; empty for published embeddings.
        report: What was found; None if it went wrong.
        failed: Why, in words.
    """

    model: str
    report: Report | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """An evaluation that is over.

    Attributes:
        id: Names it.
        trial: What was measured.
        outcomes: One for each step that was over, in order.
        begun: When, UTC.
        data: Name of the data.
        pictures: Folder below which its pictures lie; empty if it was never found.
        words: How it ended, in words.
        failed: Whether nothing could be measured.
    """

    id: str
    trial: Trial
    outcomes: tuple[Outcome, ...]
    begun: datetime
    data: str
    pictures: str
    words: str
    failed: bool = False


class Archive:
    """A folder of ended evaluations, one file each; the oldest make room.

    Args:
        folder: Made where there is none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, ended: Ended) -> None:
        """Write one, whole or not at all; a disk that refuses costs only the keeping."""
        part = self._folder / f".{ended.id}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(asdict(ended), default=_plain, ensure_ascii=False, allow_nan=False), encoding="utf-8")
            os.replace(part, self._folder / f"{ended.id}.json")
            for old in self._files()[MOST:]:
                old.unlink(missing_ok=True)
        except (OSError, ValueError, TypeError):
            log.warning("the evaluation %s could not be kept", ended.id, exc_info=True)
            part.unlink(missing_ok=True)

    def all(self) -> tuple[Ended, ...]:
        """Everything that can be read, oldest first."""
        return tuple(ended for path in reversed(self._files()) if (ended := _read(path)) is not None)

    def _files(self) -> list[Path]:
        """Newest first."""
        found = [path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem)]
        return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def _read(path: Path) -> Ended | None:
    """An evaluation, or None where another version wrote it or it is damaged."""
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        trial = Trial(**{**stored["trial"], "models": tuple(stored["trial"]["models"])})
        _ = trial.kind  # refuses a suite that is no longer known
        outcomes = tuple(Outcome(each["model"], _report(each["report"]), each["failed"]) for each in stored["outcomes"])
        return Ended(
            **{
                **stored,
                "trial": trial,
                "outcomes": outcomes,
                "begun": datetime.fromisoformat(stored["begun"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EvaluationInvalid) as error:
        log.info("%s is not read: %s", path.name, error)
        return None


def _report(stored: Mapping[str, Any] | None) -> Report | None:
    from engine.evaluation.published import Table
    from engine.evaluation.report import Provenance, Report

    if stored is None:
        return None
    source = dict(stored["provenance"])
    return Report(
        **{
            **stored,
            "provenance": Provenance(
                **{**source, "prompts": tuple(source["prompts"]), "measured": datetime.fromisoformat(source["measured"])}
            ),
            "names": tuple(stored["names"]),
            "published": tuple(Table(**{**table, "figures": tuple(table["figures"])}) for table in stored["published"]),
            "skipped": tuple((name, why) for name, why in stored["skipped"]),
        }
    )
