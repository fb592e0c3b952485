"""A nowcast: the next hours of one field, with what it was worth on the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import NowcastInvalid, WeightsCorrupt, WeightsMissing
from engine.fog.nowcast.hindcast import UNMEASURED, Hindcast, Skill
from engine.fog.nowcast.history import GAP, Field, History, Quantity
from engine.fog.nowcast.methods import LEADS, REACH, Method, Parts, checked
from engine.fog.nowcast.motion import LEAST_SIDE
from engine.fog.scores.contingency import rounded
from engine.progress import Cancel, Progress, silent, stop_if

if TYPE_CHECKING:
    from engine.fog.nowcast.network.learned import Learned


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The forecast at one lead.

    Attributes:
        minutes: The lead.
        time: For when, UTC.
        values: (n, m) float32 in the quantity's unit; NaN where what arrives was hidden.
        reached: (n, m) bool; false where air came over the border, and the value is that of the place now.
        weight: Share of optical flow, 0–1; the rest is persistence.
        method: What was run at this lead: the network hands over to the blend after two hours.
        skill: How good the method was at this lead on the last frames; ``None`` where it could not be measured.
    """

    minutes: int
    time: datetime
    values: Field
    reached: NDArray[np.bool_]
    weight: float
    method: Method
    skill: Skill | None

    def record(self) -> dict[str, Any]:
        """As JSON; figures that could not be measured are ``None``."""
        blank = dict.fromkeys(("mae", "rmse", "ssim", "psnr", "csi", "n", "persistence", "skill"))
        measured = {**blank, "hindcasts": 0} if self.skill is None else self.skill.record()
        return {
            "minutes": self.minutes,
            "time": self.time.isoformat(),
            **measured,
            "method": self.method,
            "flow_weight": rounded(self.weight),
        }

    def words(self, quantity: Quantity) -> str:
        """The skill in a sentence."""
        if self.skill is None:
            return f"+{self.minutes} min: skill not measured"
        scores, other, unit = self.skill.scores, self.skill.persistence, f" {quantity.unit}" if quantity.unit else ""
        gain = self.skill.gain
        worth = "" if gain is None else f", {abs(gain):.0%} {'better' if gain >= 0 else 'worse'}"
        parts = [f"MAE {scores.mae:.3g}{unit} (persistence {other.mae:.3g}{unit}{worth})"]
        for name, one, two in (("SSIM", scores.ssim, other.ssim), ("CSI", scores.csi, other.csi)):
            if one is not None and two is not None:
                parts.append(f"{name} {one:.2f} ({two:.2f})")
        count = self.skill.hindcasts
        return f"+{self.minutes} min: {', '.join(parts)}, from {count} hindcast{'s' if count > 1 else ''}"


@dataclass(frozen=True, slots=True, eq=False)
class Nowcast:
    """Forecasts of one quantity.

    Attributes:
        quantity: What.
        asked: The method that was asked for.
        method: The method that was run; persistence where motion can't be seen, the blend where the network is not offered.
        issued: Time of the newest frame that was used, UTC.
        steps: One a lead, rising.
        notes: What the reader should know.
        source: Name of the cube.
        synthetic: Whether it is made up.
        why: Why the network that was asked for was not run; empty where it was, or nobody asked for it.
    """

    quantity: Quantity
    asked: Method
    method: Method
    issued: datetime
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    source: str
    synthetic: bool
    why: str = ""

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract), with more."""
        return {
            "leads": [step.record() for step in self.steps],
            "method": self.method,
            "asked": self.asked,
            "quantity": self.quantity.name,
            "unit": self.quantity.unit,
            "event": self.quantity.words,
            "issued": self.issued.isoformat(),
            "notes": list(self.notes),
            "synthetic": self.synthetic,
        }


def nowcast(
    history: History,
    leads: Sequence[int] = LEADS,
    method: Method = "blend",
    *,
    network: Learned | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Nowcast:
    """Forecast up to three hours and measure the method on the last frames of the series.

    Args:
        history: The series; its newest frame is the start.
        leads: Minutes, 1 to 180.
        method: Persistence keeps the newest frame; flow carries it along the motion of the last ones; blend mixes both by the
            weights that would have been best on the last frames. Clouds neither grow nor vanish in those. The network says how they
            change, up to two hours; it is run only where it beat both flow and blend on the last frames, and else the blend is.
        network: Other weights than those that ship.
        progress: Told of each hindcast.
        cancel: Stops between two.

    Raises:
        NowcastInvalid: If the leads are unusable, or the newest frame is empty.
        ExtraMissing: If pysteps or OpenCV is not installed and flow is asked for.
        Cancelled: If it was stopped.
    """
    leads = checked(leads)
    if not np.isfinite(history.frame(history.last)).any():
        raise NowcastInvalid(
            f"{history.quantity.name} holds no value at {history.now:%Y-%m-%d %H:%M} UTC. Pick an earlier time or another element."
        )
    progress("tracking motion", 0, 1)
    network, why = ready(history, network) if method == "network" else (None, "")
    parts = Parts.of(history, history.last, leads, flow=method != "persistence", network=network)
    progress("tracking motion", 1, 1)
    stop_if(cancel, "The forecast")
    network, why = (None, why or parts.why) if parts.learned is None else (network, why)
    past = Hindcast.run(history, leads, flow=parts.carried is not None, network=network, progress=progress, cancel=cancel)
    done: Method = "persistence" if parts.carried is None else method
    if done == "network":
        why = why or (past.objection() if network else f"it looks {REACH} minutes ahead, and no lead is so near")
        done = "blend" if why else done
    weights = past.weights(done)
    steps = tuple(
        Step(
            lead,
            history.now + timedelta(minutes=lead),
            _within(parts.said(number, way, weight), history.quantity),
            parts.reached[number],
            1.0 if way == "network" else weight,
            way,
            skill,
        )
        for number, (lead, weight) in enumerate(zip(leads, weights, strict=True))
        for way in ["blend" if done == "network" and lead > REACH else done]
        for skill in [past.skill(number, way)]
    )
    notes = _notes(history, method, done, why, past, steps)
    if method == "network" and done == "persistence":
        why = "there is no motion to be seen"
    return Nowcast(history.quantity, method, done, history.now, steps, notes, history.source, history.synthetic, why)


def ready(history: History, network: Learned | None = None) -> tuple[Learned | None, str]:
    """The network, if it can be asked about a series, and why not."""
    try:
        network = network or shipped()
    except (WeightsMissing, WeightsCorrupt) as error:
        return None, str(error).rstrip(".")
    why = network.unfit(history)
    return (None, why) if why else (network, "")


@lru_cache(maxsize=1)
def shipped() -> Learned:
    """The weights that ship.

    Raises:
        WeightsMissing, WeightsCorrupt: If they can't be used.
    """
    from engine.fog.nowcast.network.learned import Learned

    return Learned()


def _within(values: Field, quantity: Quantity) -> Field:
    return np.asarray(np.clip(values, *quantity.limits), dtype=np.float32)  # NaN stays


def _notes(history: History, asked: Method, done: Method, why: str, past: Hindcast, steps: Sequence[Step]) -> tuple[str, ...]:
    notes = []
    if done == "network":
        notes.append("The network is experimental: it has learned how clouds change from simulated weather alone.")
        if steps[-1].method != done:
            notes.append(f"It looks {REACH} minutes ahead; beyond, the blend is shown.")
    elif asked == "network" and done == "blend":
        notes.append(f"The blend is shown in place of the network: {why}.")
    elif asked != done:
        notes.append(f"Persistence is shown in place of {asked}: {_still(history)}")
    missing = [step.minutes for step in steps if step.skill is None]
    if missing:
        words = ", ".join(str(minutes) for minutes in missing)
        notes.append(
            f"No skill is given at {words} minutes: no frame stands so long after an earlier one. The figures need a longer series."
        )
    if done == "blend" and all(past.weight(number) is None for number in range(len(steps))):
        notes.append(f"Nothing could be measured, so the blend is {UNMEASURED:.0%} optical flow.")
    worse = [step.minutes for step in steps if step.skill is not None and step.skill.gain is not None and step.skill.gain < 0]
    if worse:
        notes.append(
            f"At {', '.join(str(minutes) for minutes in worse)} minutes the {done} was no better than persistence on the last frames."
        )
    known, last = np.isfinite(steps[-1].values), steps[-1].minutes
    inflow = float((known & ~steps[-1].reached).sum() / max(int(known.sum()), 1))
    if inflow > 0.005:
        notes.append(f"After {last} minutes {inflow:.0%} of the area is reached by air from beyond the border; persistence is kept there.")
    return tuple(notes)


def _still(history: History) -> str:
    if len(history) < 2:
        return "the series has a single frame."
    shape = history.frame(history.last).shape
    if min(shape) < LEAST_SIDE:
        return f"{shape[0]} × {shape[1]} cells are too few to see motion; {LEAST_SIDE} × {LEAST_SIDE} are needed."
    if len(history.trail(history.last)) < 2:
        apart = (history.now - history.times[-2]).total_seconds() / 60
        return f"no earlier frame lies 15 to {GAP.total_seconds() / 60:.0f} minutes back (the last before it is {apart:.0f} minutes older)."
    return "the last frames show nothing whose motion can be followed."
