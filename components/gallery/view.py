"""The hits as cards: verdict in words first, percentile second, raw figures last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, Self

from components import frontend
from engine.colours import score_colour, score_position
from engine.types import Hit, Verdict, spoken

THIN: str = "\u2009"
"""The space between a figure and its unit."""


def better_than(percentile: float) -> str:
    """A percentile as a person says it; never rounded up to all.

    Args:
        percentile: Share of tiles that score lower, 0 to 1.
    """
    percent = min(max(percentile, 0.0), 1.0) * 100
    if percent >= 99.9 and percent < 100:
        figure = f"{floor(percent * 100 + 1e-6) / 100:.2f}" if percent < 99.995 else "99.99"
    elif percent >= 99:
        figure = f"{floor(percent * 10 + 1e-6) / 10:.1f}".removesuffix(".0")
    else:
        figure = f"{floor(percent + 1e-6)}"
    return f"better than {figure}{THIN}% of all tiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One hit.

    Attributes:
        tile_id: Id of the tile; its outline on the map has the same.
        rank: 1 is best; the number on the outline.
        verdict: In words.
        percentile: Share of all tiles that score lower, 0 to 1.
        margin: Score over that of neutral prompts.
        colour: ``#rrggbb``, that of the outline.
        thumbnail: Address of a small picture.
        when: Time in words.
        merged: How many overlapping tiles it stands for; 1 is itself alone.
        relevant: Whether it passes the model's relevance cut; the others stand dimmed under the note.
    """

    tile_id: str
    rank: int
    verdict: Verdict | str
    percentile: float
    margin: float
    colour: str
    thumbnail: str = ""
    when: str = ""
    merged: int = 1
    relevant: bool = True

    @classmethod
    def of(cls, hit: Hit, thumbnail: str, *, relevant: bool = True) -> Self:
        """The card of a hit, in the colour of its percentile."""
        return cls(
            tile_id=hit.tile_id,
            rank=hit.rank,
            verdict=hit.verdict,
            percentile=hit.percentile,
            margin=hit.margin,
            colour=score_colour(hit.percentile),
            thumbnail=thumbnail,
            when=spoken(hit.datetime) if hit.datetime else "",
            merged=1 + len(hit.merged),
            relevant=relevant,
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands under the verdict."""
        margin = f"{self.margin:+.3f} over neutral".replace("-", "−")
        merged = f"merged from {self.merged} overlapping tiles" if self.merged > 1 else ""
        return tuple(line for line in (better_than(self.percentile), merged, " · ".join(filter(None, (margin, self.when)))) if line)

    def props(self) -> dict[str, Any]:
        """The card as the browser gets it."""
        return {
            "tile_id": self.tile_id,
            "rank": self.rank,
            "title": f"{self.rank} · {self.verdict}",
            "lines": list(self.lines),
            "colour": self.colour,
            "bar": round(score_position(self.percentile), 3),
            "thumbnail": self.thumbnail,
            "relevant": self.relevant,
        }


def gallery(
    *,
    cards: Sequence[Card],
    note: str = "",
    selected: str | None = None,
    height: int | None = None,
    base: str = "",
    key: str,
) -> str | None:
    """Show the cards and say which one was picked since the last run.

    Args:
        cards: Best first.
        note: Sentence under the last relevant card; alone where there is no card, it says what to do.
        selected: Tile id of the picked hit.
        height: Greatest height, pixels; the cards then scroll inside.
        base: Prefix of the app's own routes.
        key: Name of this gallery.

    Returns:
        Tile id of the card that was clicked or entered, or ``None``.
    """
    result = frontend.component("gallery")(
        key=key,
        data={
            "module": frontend.asset_url(base, "gallery", "gallery.js"),
            "style": frontend.asset_url(base, "gallery", "gallery.css"),
            "shared": frontend.asset_url(base, "shared", "shared.css"),
            "cards": [card.props() for card in cards],
            "note": note,
            "selected": selected,
            "height": height,
        },
        on_picked_change=_rerun,
    )
    return result.picked if isinstance(result.picked, str) else None


def _rerun() -> None:
    """A named trigger needs a callback; the rerun itself is all that is wanted."""
