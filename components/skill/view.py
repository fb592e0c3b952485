"""The skill of a forecast; the browser asks for it, since making one takes a while."""

from __future__ import annotations

from components import frontend


def skill(*, url: str, base: str = "", key: str) -> None:
    """Show a sentence for each lead of a forecast.

    Args:
        url: Where the forecast is; its ``words`` and ``notes`` are shown.
        base: Prefix of the app's own routes.
        key: Name of this panel.
    """
    frontend.component("skill")(key=key, data={**frontend.own_files(base, "skill"), "url": url})
