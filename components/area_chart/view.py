"""The chart of fog area; the browser asks for its figures and goes to the frame that is clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components import frontend


def area_chart(
    *,
    url: str,
    stamps: Sequence[str],
    labels: Sequence[str],
    lights: Sequence[str],
    index: int,
    body: Mapping[str, Any] | None = None,
    base: str = "",
    key: str,
) -> None:
    """Show the area of fog over time as a curve and as a table.

    Args:
        url: Where the figures are; asked again while some are still being worked out.
        stamps: Time of each frame of the time strip as it stands in addresses.
        labels: The same in words.
        lights: Light at each of them: ``day``, ``twilight``, ``night`` or anything else.
        index: Frame that is marked first; from then on the timeline says which.
        body: What is posted to ``url``; without it, it is only fetched.
        base: Prefix of the app's own routes.
        key: Name of this chart.
    """
    frontend.component("area_chart")(
        key=key,
        data={
            **frontend.own_files(base, "area_chart"),
            "url": url,
            "body": None if body is None else dict(body),
            "stamps": list(stamps),
            "labels": list(labels),
            "lights": list(lights),
            "index": index,
        },
    )
