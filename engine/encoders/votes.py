"""An image tower in which every place of a picture counts alike, however much there is to see at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

CONFIG_KEY = "places_vote"
"""Key of an architecture's JSON that asks for it; open_clip doesn't know it."""

_FAINT = 0.1
"""Length below which a place's vector says little and has little of a vote; untaught networks have such places, and their gradients."""


class Votes(nn.Linear):
    """A linear head on a map of features in which each place has one vote.

    An average of features is ruled by the places with large ones: a small dark pond outweighs a wide even lake. Here each
    place is projected and brought to unit length before the average, so that a score against a unit text vector grows with
    the mean of the places' cosines: with how much of the picture shows a thing.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, h, w) float features → (B, D) float, the mean of h · w vectors of unit length."""
        places = super().forward(input.flatten(2).transpose(1, 2))
        return (places / (places.square().sum(dim=-1, keepdim=True) + _FAINT**2).sqrt()).mean(dim=1)


def let_places_vote(model: nn.Module) -> None:
    """Put :class:`Votes` in the place of pooling and head of an open_clip model with a timm trunk; weights keep their names.

    Raises:
        AttributeError: If the model has no trunk with a linear classifier.
    """
    trunk = model.get_submodule("visual").get_submodule("trunk")
    head = cast("nn.Linear", trunk.get_submodule("classifier"))
    votes = Votes(head.in_features, head.out_features)
    votes.load_state_dict(head.state_dict())
    trunk.global_pool, trunk.classifier = nn.Identity(), votes
