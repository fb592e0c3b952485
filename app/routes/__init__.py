"""Our own routes beside Streamlit's: pixels by URL, a small JSON API, health, front-end files.

Streamlit does not prefix custom routes with its base path and answers an unknown address with its own page, so each
group is prefixed here and ends with a JSON 404.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from app.routes import api, assets, fog, health, pixels


def routes(base: str) -> list[BaseRoute]:
    """Every route of ours.

    Args:
        base: Path prefix behind a proxy, such as ``/pharos``, or empty.
    """
    return [*health.routes(base), *pixels.routes(base), *fog.routes(base), *api.routes(base), *assets.routes(base)]
