"""Why a route does not answer: errors of HTTP itself, each with its status."""

from __future__ import annotations

from typing import ClassVar

from engine.errors import PharosError


class Refusal(PharosError):
    """A request that is not answered, whatever it asks.

    Attributes:
        status: HTTP status.
        headers: What the reply carries beside it.
    """

    status: ClassVar[int] = 422
    headers: ClassVar[dict[str, str]] = {}


class Overloaded(Refusal):
    """More is asked for than can be rendered."""

    status, headers = 503, {"Retry-After": "1"}


class ForeignOrigin(Refusal):
    """A page of another site posts here."""

    status = 403


class TooLarge(Refusal):
    """A body that is not read to its end."""

    status = 413


class Nothing(Refusal):
    """What the address names is not, or no longer, here."""

    status = 404


class Gone(Refusal):
    """The browser has left: nobody reads the reply."""

    status = 499
