"""A recipe: everything that decides the outcome of a training, as one YAML file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

import yaml
from pydantic import Field, SerializeAsAny, ValidationError, model_validator

from engine.errors import RecipeInvalid
from engine.learning.objectives.registry import AnyPart
from engine.learning.part import Part, Positive, Share
from engine.settings import ROOT

SIDE: Final = 1344
"""Side of an island's scene, pixels of 10 m."""


class ViewsPart(Part):
    """Views in a recipe: what is known of parts of pictures whose classes were given to the whole, see :mod:`engine.learning.views`.

    Attributes:
        package: Image weights of a package, whose first stages tell water from land by its look.
        water: Classes with inland water in every picture: as much of the class is in a part as there is water.
        perhaps: Classes of which some pictures have such water.
        beside: Classes that the land beside the water may be.
        beds: Classes of dry land on whose pictures water of others may be laid, see :mod:`engine.learning.objectives.shares`.
        alike: Groups of classes that a small part doesn't tell apart: one field without its neighbours, water without its shores.
        small: Share of a picture below which that is so.
        infrared: Share of the pictures that are seen as if near infrared had been mixed into their colours, as it is where a scene has
            that band; it is guessed from their colours and their water, see :mod:`engine.learning.infrared`.
    """

    package: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    water: Annotated[tuple[str, ...], Field(min_length=1)]
    perhaps: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    beds: tuple[str, ...] = ()
    alike: tuple[tuple[str, ...], ...] = ()
    small: Share = 0.4
    infrared: Share = 0.0


class CaptionedPictures(Part):
    """Class folders of pictures with sentences, as AID with the RSICD captions.

    Attributes:
        kind: Tells the sources apart.
        root: Folder with ``captions.json``; relative to the checkout.
        phrases: YAML file of class words, see :mod:`engine.learning.phrases`; relative to the checkout.
        weight: Share of each batch that comes from here, after the weights are scaled to sum to 1.
        size: Pixels of a side in which pictures are held.
        held_out: Share of each class that is kept for validation.
        class_prompts: Share of the texts that are class words; the others are sentences.
        sensor: What took the pictures, and so which image tower sees them.
        views: What is known of parts of the pictures; nothing if left out.
    """

    kind: Literal["aid_rsicd"]
    root: Path
    phrases: Path
    weight: Positive = 1.0
    size: int = Field(default=150, ge=8)
    held_out: Share = 0.1
    class_prompts: Share = 0.35
    sensor: Literal["rgb"] = "rgb"
    views: ViewsPart | None = None
    tells_metadata: ClassVar[bool] = False

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that validation finds on it."""
        recalls = tuple(f"{way}_r{k}" for way in ("t2i", "i2t") for k in (1, 5, 10))
        return ("zero_shot", "zero_shot_crops", *recalls, "mean_recall") if self.held_out else ()


class Islands(Part):
    """Synthetic: windows of made-up islands with their exact truth.

    Attributes:
        kind: Tells the sources apart.
        seeds: Which islands; never the demo's (7) nor those on which anything is measured.
        phrases: YAML file of class words; relative to the checkout.
        weight: Share of each batch, see above.
        dates: How many dates of each island.
        windows: How many windows of each date.
        window: Pixels of a side.
        scales: Lengths of a pixel, in units of 10 m; each date's windows are shared among them.
        areas: Crops as in the augmentation, but the truth is of the whole window, so they stay large.
        captions: Share of the texts that list all classes of a window, as CLOSP's captions do; the others are words for one of them.
        sensor: What takes the pictures, and so which image tower sees them.
        held_out: Islands that are only measured on; their windows are the same whatever the seeds.
        apart: Whether each island lies at a place of its own, drawn from its number between 55° S and 55° N, and is seen on days of its
            own; else all lie where the demo's does and are seen on its days. Metadata tell islands apart only if they differ.
        infrared: Whether colours are seen as an encoder sees a scene with near infrared, see :func:`engine.imagery.preview.with_infrared`.
    """

    kind: Literal["island"]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    phrases: Path
    weight: Positive = 0.15
    dates: int = Field(default=2, ge=1, le=4)
    windows: int = Field(default=300, ge=1)
    window: int = Field(default=72, ge=16, le=512)
    scales: Annotated[tuple[Annotated[int, Field(ge=1, le=16)], ...], Field(min_length=1)] = (1,)
    areas: tuple[tuple[Share, Share, Share], ...] = ((1.0, 0.65, 1.0),)
    captions: Share = 0.0
    sensor: Literal["rgb", "s1", "s2"] = "rgb"
    held_out: tuple[int, ...] = ()
    apart: bool = False
    infrared: bool = False
    tells_metadata: ClassVar[bool] = True

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that validation finds on it."""
        return (f"{self.sensor}_presence", f"{self.sensor}_ndcg") if self.held_out else ()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        shared = sorted(set(self.seeds) & set(self.held_out))
        if shared:
            raise ValueError(f"island {shared[0]} is learned from and held out; take it from “seeds” or from “held_out”")
        if self.windows < len(self.scales):
            raise ValueError(f"{self.windows} windows can't be shared among {len(self.scales)} “scales”")
        if self.window * max(self.scales) > SIDE:
            raise ValueError(f"a window of {self.window} pixels of {10 * max(self.scales)} m is larger than an island of {10 * SIDE} m")
        return self


class Augmentation(Part):
    """How pictures vary; shares are probabilities per image.

    Attributes:
        areas: Each a share of the images and the range of the area that its crop keeps.
        aspect: Largest ratio of the sides of a crop.
        turn: Whether to turn by multiples of 90° and to mirror.
        brightness: Largest relative change; so contrast, saturation and channel (the gain of single bands).
        contrast: See brightness.
        saturation: See brightness.
        channel: See brightness.
        gamma: Largest gamma; the smallest is its inverse.
        haze: Share of hazy images.
        coarse: Share of images that lose resolution, as if their ground sampling distance were 1.3–4 times as long.
        gray: Share of images without colour.
    """

    areas: tuple[tuple[Share, Share, Share], ...] = ((0.7, 0.35, 1.0), (0.3, 0.08, 0.35))
    aspect: float = Field(default=1.25, ge=1)
    turn: bool = True
    brightness: Share = 0.25
    contrast: Share = 0.3
    saturation: Share = 0.4
    channel: Share = 0.1
    gamma: float = Field(default=1.35, ge=1)
    haze: Share = 0.2
    coarse: Share = 0.2
    gray: Share = 0.05

    @model_validator(mode="after")
    def _areas_are_ranges(self) -> Self:
        if abs(sum(share for share, _, _ in self.areas) - 1) > 1e-6:
            raise ValueError("the shares of “areas” must sum to 1")
        if any(not 0 < low <= high for _, low, high in self.areas):
            raise ValueError("each of “areas” is [share, smallest area, largest area]")
        return self


class Shore(Part):
    """A real scene and its water.

    Attributes:
        scene: A picture that Pharos can index; relative to the checkout.
        water: A raster of the same pixels: 1 water, 0 none, negative where nobody has judged; relative to the checkout.
    """

    scene: Path
    water: Path


class Shores(Part):
    """Windows of real scenes whose water was drawn by hand, see :mod:`engine.learning.shores`.

    Attributes:
        kind: Tells the sources apart.
        scenes: Which.
        phrases: YAML file of class words; relative to the checkout.
        water: The class that water is.
        land: The class that the rest is, mostly, and as much of it as there is no water; left out, nobody knows.
        wet: Classes that windows without water don't show.
        dry: Classes that windows of water alone don't show.
        weight: Share of each batch, see above.
        windows: How many of each scene.
        sides: Pixels of a side, drawn evenly.
        size: Pixels of a side in which windows are held.
        augmentation: How the windows vary. The share of water is of the whole window, so crops stay large; and they are colours that an
            encoder was shown, near infrared and all, so they change less than those of pictures from anywhere.
    """

    kind: Literal["shores"]
    scenes: Annotated[tuple[Shore, ...], Field(min_length=1)]
    phrases: Path
    water: str
    land: str | None = None
    wet: tuple[str, ...] = ()
    dry: tuple[str, ...] = ()
    weight: Positive = 0.25
    windows: int = Field(default=1200, ge=1)
    sides: Annotated[tuple[Annotated[int, Field(ge=8, le=512)], ...], Field(min_length=1)] = (24, 32, 48, 64, 96)
    size: int = Field(default=128, ge=8)
    augmentation: Augmentation = Augmentation(
        areas=((1.0, 0.8, 1.0),), brightness=0.2, contrast=0.15, saturation=0.15, channel=0.1, gamma=1.1, haze=0, coarse=0, gray=0
    )
    sensor: ClassVar[str] = "rgb"
    tells_metadata: ClassVar[bool] = False
    figures: ClassVar[tuple[str, ...]] = ()


class Scale(Part):
    """The towers' learnt inverse temperature.

    Attributes:
        start: At the start, if the training starts from no weights.
        most: Its upper bound.
    """

    start: Positive = 14.0
    most: Positive = 100.0


class Optimiser(Part):
    """AdamW with one cycle: linear warm-up, cosine to zero.

    Attributes:
        image_rate: Peak learning rate of the image tower.
        text_rate: Peak learning rate of the text tower and the temperature.
        weight_decay: Of matrices and kernels; norms, biases and embeddings have none.
        warm_up: Share of the steps.
        held: How many of the image network's first stages stay as they were at the start: edges and colours are the same from above, and
            not learning them shortens a step; of timm's networks, from their stem on.
        steady: Whether the image network's batch norms keep the statistics that they began with, and only their scales and offsets learn.
            Sources that look unlike each other have statistics of their own, and none of them is what a picture meets later.
        text_layers: How many of the text tower's last layers learn, with its norm and projection; the others, and the vectors of
            words, stay as the lesson (or the start) left them, so that words which no caption has keep their place. None: all learn.
        clip: Largest gradient norm.
        average: Decay a step of the moving average of the weights, which is what is validated and shipped.
    """

    image_rate: Positive = 2e-3
    text_rate: Positive = 1e-3
    weight_decay: float = Field(default=0.05, ge=0)
    warm_up: Share = 0.1
    held: int = Field(default=0, ge=0)
    steady: bool = False
    text_layers: int | None = Field(default=None, ge=0)
    clip: Positive = 5.0
    average: float = Field(default=0.99, ge=0, lt=1)


class Language(Part):
    """The lesson in words before the pictures, see :mod:`engine.learning.language`.

    Attributes:
        sentences: Text files, one sentence a line; relative to the checkout.
        dictionary: WordNet's noun file, whose names and definitions are learned as well, or none.
        most: How many of the sentences are taken.
        steps: Optimiser steps.
        batch: Texts a step: as many sentences as dictionary entries and words; a quarter as many class words join.
        rate: Peak learning rate.
    """

    sentences: Annotated[tuple[Path, ...], Field(min_length=1)]
    dictionary: Path | None = None
    most: int = Field(default=20_000, ge=1)
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=256, ge=4)
    rate: Positive = 2e-3


class Backbone(Part):
    """Image weights to start from, see :mod:`engine.learning.backbone`.

    Attributes:
        package: An installed package that brings them.
    """

    package: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


class EarlyStop(Part):
    """When to stop before the last epoch; what ships then are the weights of the best validation.

    Attributes:
        figure: What is watched, for example ``mean_recall``; higher is better.
        patience: How many validations may pass without a better one.
    """

    figure: str
    patience: int = Field(ge=1)


class Recipe(Part):
    """A whole training.

    Attributes:
        name: Names the run's folder and the weights.
        model: open_clip configuration of the towers, JSON; relative to the checkout.
        start: Weights to start from (safetensors), or none; relative to the checkout.
        backbone: Image weights of a package to start from, or none.
        language: A lesson in words before the pictures, or none.
        seed: Everything random follows from it.
        data_seed: Decides what is held out and which windows are cut; the seed if left out. Trainings that differ in their seed
            alone can be compared if they share this one.
        epochs: Passes over the first source.
        batch: Images a step.
        names: How many words for each class of a source a step draws: with few, a short training meets some of them hardly at all.
        sizes: From epoch → pixels of a side; short epochs first, the model's own size last.
        data: Where pairs come from; the first one is validated on.
        augmentation: How pictures vary.
        objectives: What is minimised: their weighted sum, see :mod:`engine.learning.objectives`.
        scale: The inverse temperature that they share.
        optimiser: How.
        validate_every: Epochs between validations; the last epoch is always validated.
        early_stop: When to stop before the last epoch, or never.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    model: Path
    start: Path | None = None
    backbone: Backbone | None = None
    language: Language | None = None
    seed: int = Field(ge=0)
    data_seed: int | None = Field(default=None, ge=0)
    epochs: int = Field(ge=1)
    batch: int = Field(default=128, ge=2)
    names: int = Field(default=1, ge=1)
    sizes: dict[int, int]
    data: Annotated[tuple[Annotated[CaptionedPictures | Islands | Shores, Field(discriminator="kind")], ...], Field(min_length=1)]
    augmentation: Augmentation = Augmentation()
    objectives: Annotated[tuple[SerializeAsAny[AnyPart], ...], Field(min_length=1)]
    scale: Scale = Scale()
    optimiser: Optimiser = Optimiser()
    validate_every: int = Field(default=1, ge=1)
    early_stop: EarlyStop | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if 0 not in self.sizes:
            raise ValueError("“sizes” must say the size of epoch 0")
        if any(size < 8 for size in self.sizes.values()):
            raise ValueError("“sizes” are at least 8 px")
        if self.language is not None and self.start is not None:
            raise ValueError("“language” teaches a fresh text tower; take it or “start”, not both")
        if self.backbone is not None and self.start is not None:
            raise ValueError("“backbone” begins a fresh image tower; take it or “start”, not both")
        for kept, what in ((self.optimiser.held, "“held” keeps stages"), (self.optimiser.steady, "“steady” keeps statistics")):
            if kept and self.backbone is None and self.start is None:
                raise ValueError(f"{what} of a network that begins with weights: name a “backbone” or a “start”")
        return self

    @model_validator(mode="after")
    def _given_what_is_asked(self) -> Self:
        for part in self.objectives:
            unknown = [number for number in part.sources or () if not 0 <= number < len(self.data)]
            if unknown:
                raise ValueError(f"the objective “{part.kind}” asks for source {unknown[0]} of “data”, which has 0–{len(self.data) - 1}")
            part.check(self)
        idle = [number for number in range(len(self.data)) if not any(part.applies(number) for part in self.objectives)]
        if idle:
            raise ValueError(f"no objective looks at source {idle[0]} of “data”; add one, or take the source out")
        known = [name for part in self.data for name in part.figures]
        if self.early_stop is not None and self.early_stop.figure not in known:
            raise ValueError(f"“early_stop” watches “{self.early_stop.figure}”; what is held out tells {', '.join(known) or 'nothing'}")
        return self

    @classmethod
    def read(cls, path: str | Path) -> Recipe:
        """Read and check a recipe.

        Raises:
            RecipeInvalid: If the file can't be read, isn't YAML, has a key nobody knows or a value that can't be.
        """
        path = Path(path)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as problem:
            raise RecipeInvalid(path.name, f"it can't be read ({type(problem).__name__}). Check the path.") from None
        except yaml.YAMLError as problem:
            raise RecipeInvalid(path.name, f"it is no YAML: {str(problem).splitlines()[0]}.") from None
        if not isinstance(content, dict):
            raise RecipeInvalid(path.name, "it is empty or no table of keys and values.")
        try:
            return cls.model_validate(content)
        except ValidationError as problem:
            raise RecipeInvalid(path.name, _words(problem)) from None

    def size_at(self, epoch: int) -> int:
        """Pixels of a side in an epoch, counted from 0."""
        return self.sizes[max(start for start in self.sizes if start <= epoch)]

    def seeded(self, seed: int) -> Recipe:
        """The same training from another seed, on the same data and with the same part held out; its name says so."""
        name = f"{self.name[:50]}-seed{seed}"
        return self.model_copy(update={"seed": seed, "data_seed": self.of_data, "name": name})

    @property
    def of_data(self) -> int:
        """The seed of what is held out and cut."""
        return self.seed if self.data_seed is None else self.data_seed

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of all that decides the outcome: a run resumes only under the same ones."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def located(path: Path) -> Path:
    """A path of a recipe; relative ones start at the checkout."""
    return path if path.is_absolute() else (ROOT / path).resolve()


def _words(problem: ValidationError) -> str:
    """All that is wrong with a recipe, in one line."""
    lines = []
    for error in problem.errors():
        where = ".".join(str(step) for step in error["loc"]) or "recipe"
        what = "is no key that is known" if error["type"] == "extra_forbidden" else error["msg"][0].lower() + error["msg"][1:]
        lines.append(f"“{where}”: {what}")
    return "; ".join(lines) + "."
