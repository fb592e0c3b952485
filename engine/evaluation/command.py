"""``python -m engine evaluate …``: every suite without a browser (design.md §5)."""

# Without deferred annotations: the shared options are joined to each suite's own, and typer reads them as objects.

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.evaluation.options import Captions, HeldOut, Listed, Split, add_suite, chosen

if TYPE_CHECKING:
    from engine.evaluation.report import Report
    from engine.evaluation.suites import Bench

evaluate_cli = typer.Typer(no_args_is_help=True, help="Measure an encoder by the protocols of the literature.")

ClassFoldersAt = Annotated[Path, typer.Argument(help="Holds one folder for each class.")]
PicturesAt = Annotated[Path, typer.Argument(help="Folder below which the pictures lie.")]


@add_suite(evaluate_cli, "zeroshot")
def zero_shot(
    bench: "Callable[[], Bench]",
    folder: ClassFoldersAt,
    labels: Annotated[str, typer.Option(help="Comma-separated class names, in the order of the sorted folder names.")] = "",
    templates: Annotated[str, typer.Option(help="Template set in assets/prompts, or a sentence with {} in it.")] = "label",
    only: Listed = None,
    held_out: HeldOut = "",
) -> "Report":
    """Zero-shot classification of class folders."""
    names = [part for part in labels.split(",") if part.strip()]
    kept = chosen(folder, only, held_out)
    return bench().zero_shot(folder, labels=names, templates=templates, only=kept)


@add_suite(evaluate_cli, "retrieval")
def retrieval(
    bench: "Callable[[], Bench]",
    folder: PicturesAt,
    captions: Captions,
    protocol: Annotated[str, typer.Option(help="P1: every caption asks, one picture is right. P2: identical captions are merged.")] = "P1",
    split: Split = "test",
    only: Listed = None,
    held_out: HeldOut = "",
) -> "Report":
    """Image–text retrieval: recall at 1, 5 and 10 in both directions."""
    from engine.evaluation.retrieval import protocol_named

    named, kept = protocol_named(protocol), chosen(folder, only, held_out)
    return bench().retrieval(folder, captions, protocol=named, split=split, only=kept)


@add_suite(evaluate_cli, "phrases")
def phrases(
    bench: "Callable[[], Bench]",
    folder: ClassFoldersAt,
    phrases: Annotated[Path, typer.Option(help="YAML file: half, phrase, and the class folders whose pictures are right answers.")],
    half: Annotated[str, typer.Option(help="tuning, test or all; the single phrases of test stay unseen.")] = "tuning",
    k: Annotated[int, typer.Option("--k", min=1, help="Depth.")] = 10,
    only: Listed = None,
    held_out: HeldOut = "",
) -> "Report":
    """Precision of the first pictures for queries as a person types them."""
    kept = chosen(folder, only, held_out)
    return bench().phrases(folder, phrases, half=half, k=k, only=kept)


@add_suite(evaluate_cli, "probe")
def probe(
    bench: "Callable[[], Bench]",
    folder: Annotated[Path, typer.Argument(help="Holds one folder for each class, or train and test folders of them.")],
    kind: Annotated[str, typer.Option(help="knn, linear or fewshot.")] = "linear",
    shots: Annotated[str, typer.Option(help="Comma-separated numbers of pictures a class, for fewshot.")] = "1,4,8,16,32",
    seeds: Annotated[int, typer.Option(min=1, help="How many runs.")] = 3,
    train_share: Annotated[float, typer.Option(help="Part of each class that teaches, where the data come without a division.")] = 0.5,
    only: Listed = None,
    held_out: HeldOut = "",
) -> "Report":
    """k nearest neighbours, linear probe or few-shot learning on frozen features."""
    from engine.evaluation.probe import shots_named
    from engine.evaluation.suites import probe_named

    named, counts, kept = probe_named(kind), shots_named(shots), chosen(folder, only, held_out)
    return bench().probe(folder, kind=named, counts=counts, seeds=seeds, train_share=train_share, only=kept)


@add_suite(evaluate_cli, "counting")
def counting(
    bench: "Callable[[], Bench]",
    file: Annotated[Path, typer.Argument(help="JSON list or CSV with file, caption and count.")],
    pictures: Annotated[Path | None, typer.Option(help="Folder below which the pictures lie; by default that of the list.")] = None,
    digits: Annotated[bool, typer.Option("--digits", help="Ask with 1 … 10 in place of one … ten.")] = False,
) -> "Report":
    """Counting: which of ten captions that differ in their number fits best."""
    return bench().counting(file, folder=pictures, numerals="digits" if digits else "words")


@add_suite(evaluate_cli, "ndcg")
def ndcg(
    bench: "Callable[[], Bench]",
    place: Annotated[Path, typer.Argument(help="CrisisLandMark's folder, a JSON list with labels, or class folders.")],
    k: Annotated[int, typer.Option("--k", min=1, help="Depth.")] = 1000,
    query: Annotated[list[str] | None, typer.Option(help="Comma-separated labels to ask for; by default every set that occurs.")] = None,
    split: Split = "test",
) -> "Report":
    """nDCG over label sets, with Jaccard and with overlap relevance."""
    queries = [each.split(",") for each in query or ()]
    return bench().ndcg(place, k=k, split=split, queries=queries)


@add_suite(evaluate_cli, "word-order")
def word_order(
    bench: "Callable[[], Bench]",
    folder: PicturesAt,
    captions: Captions,
    kind: Annotated[str, typer.Option(help="swap: sides of a relation; shuffle: all words; given: the list's own.")] = "swap",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of shuffle.")] = 3,
    split: Split = "test",
    only: Listed = None,
    held_out: HeldOut = "",
) -> "Report":
    """Whether captions are read as sentences or as bags of words; chance is one half."""
    from engine.evaluation.suites import order_named

    named, kept = order_named(kind), chosen(folder, only, held_out)
    return bench().word_order(folder, captions, kind=named, split=split, seeds=seeds, only=kept)


@add_suite(evaluate_cli, "embeddings", encoder=False)
def embeddings(
    file: Annotated[Path, typer.Argument(help="An .npz archive in the layout of RS-TransCLIP.")],
    template: Annotated[str, typer.Option(help="The one template; by default “a satellite image of a”.")] = "",
) -> "Report":
    """Zero-shot figures of published embeddings: one template, and the mean of all."""
    from engine.evaluation import suites

    return suites.embeddings(file, template=template)
