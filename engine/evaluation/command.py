"""``python -m engine evaluate …``: every suite without a browser (design.md §5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.settings import settings
from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.evaluation.report import Report
    from engine.evaluation.suites import Bench

evaluate_cli = typer.Typer(no_args_is_help=True, help="Measure an encoder by the protocols of the literature.")

Model = Annotated[str, typer.Option(help="Id of the encoder; see: models.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Also write the report to this .html, .csv or .json file.")]
Batch = Annotated[int, typer.Option(min=1, help="Pictures at once; halved where the memory does not suffice.")]
Only = Annotated[Path | None, typer.Option(help="Text file with the names of the pictures to measure on, one a line.")]
Split = Annotated[str, typer.Option(help="Part to take of data that have parts; all takes everything.")]
Captions = Annotated[Path, typer.Option(help="Karpathy-style JSON, captions.json, a precomp .txt, or CSV.")]


def _bench(model: str, batch: int, report: Path | None) -> Bench:
    from engine import encoders
    from engine.evaluation.report import check_format
    from engine.evaluation.suites import Bench

    if report is not None:
        check_format(report)
    progress = ProgressLine()
    return Bench(encoders.load(model or settings().model, progress=progress), batch, progress)


def _finish(found: Report, report: Path | None, as_json: bool) -> None:
    if report is not None:
        found.save(report)
    answer(found.record(), as_json, lambda: words(found))


def words(found: Report) -> str:
    """A report in a few lines: single figures, classes, published figures."""
    lines = [found.title]
    lines += [f"{_share(value)}  {name.replace('_', ' ')}" for name, value in found.figures.items() if isinstance(value, int | float | str)]
    for name in ("t2i", "i2t", "per_class", "by_shots"):
        for key, value in dict(found.figures.get(name) or {}).items():
            shown = value["accuracy"] if isinstance(value, dict) else value
            lines.append(f"{_share(shown)}  {name.replace('_', ' ')}: {key}")
    for table in found.published:
        lines.append(f"published ({table.source}):")
        lines += [f"  {entry['model']}: " + ", ".join(f"{k} {v}" for k, v in entry.items() if k != "model") for entry in table.figures]
    lines += [f"left out {name}: {why}" for name, why in found.skipped]
    source = found.provenance
    lines.append(f"{source.model} {source.model_hash}, {source.data} {source.fingerprint}, {source.templates or 'no templates'}")
    return "\n".join(lines)


def _share(value: Any) -> str:  # noqa: ANN401 - any figure
    return f"{value:8.4f}" if isinstance(value, float) else f"{'–' if value is None else value!s:>8}"


@evaluate_cli.command("zeroshot")
def zero_shot(
    folder: Annotated[Path, typer.Argument(help="Holds one folder for each class.")],
    model: Model = "",
    labels: Annotated[str, typer.Option(help="Comma-separated class names, in the order of the sorted folder names.")] = "",
    templates: Annotated[str, typer.Option(help="Template set in assets/prompts, or a sentence with {} in it.")] = "label",
    only: Only = None,
    batch: Batch = 64,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Zero-shot classification of class folders."""
    with quietly():
        names = [part for part in labels.split(",") if part.strip()]
        found = _bench(model, batch, report).zero_shot(folder, labels=names, templates=templates, only=only)
    _finish(found, report, as_json)


@evaluate_cli.command("retrieval")
def retrieval(
    folder: Annotated[Path, typer.Argument(help="Folder below which the pictures lie.")],
    captions: Captions,
    protocol: Annotated[str, typer.Option(help="P1: every caption asks, one picture is right. P2: identical captions are merged.")] = "P1",
    split: Split = "test",
    model: Model = "",
    only: Only = None,
    batch: Batch = 64,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Image–text retrieval: recall at 1, 5 and 10 in both directions."""
    with quietly():
        from engine.evaluation.retrieval import protocol_named

        named = protocol_named(protocol)
        found = _bench(model, batch, report).retrieval(folder, captions, protocol=named, split=split, only=only)
    _finish(found, report, as_json)


@evaluate_cli.command("probe")
def probe(
    folder: Annotated[Path, typer.Argument(help="Holds one folder for each class, or train and test folders of them.")],
    kind: Annotated[str, typer.Option(help="knn, linear or fewshot.")] = "linear",
    shots: Annotated[str, typer.Option(help="Comma-separated numbers of pictures a class, for fewshot.")] = "1,4,8,16,32",
    seeds: Annotated[int, typer.Option(min=1, help="How many runs.")] = 3,
    train_share: Annotated[float, typer.Option(help="Part of each class that teaches, where the data come without a division.")] = 0.5,
    model: Model = "",
    batch: Batch = 64,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """k nearest neighbours, linear probe or few-shot learning on frozen features."""
    with quietly():
        from engine.evaluation.probe import shots_named
        from engine.evaluation.suites import probe_named

        named, counts = probe_named(kind), shots_named(shots)
        found = _bench(model, batch, report).probe(folder, kind=named, counts=counts, seeds=seeds, train_share=train_share)
    _finish(found, report, as_json)


@evaluate_cli.command("counting")
def counting(
    file: Annotated[Path, typer.Argument(help="JSON list or CSV with file, caption and count.")],
    pictures: Annotated[Path | None, typer.Option(help="Folder below which the pictures lie; by default that of the list.")] = None,
    digits: Annotated[bool, typer.Option("--digits", help="Ask with 1 … 10 in place of one … ten.")] = False,
    model: Model = "",
    batch: Batch = 64,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Counting: which of ten captions that differ in their number fits best."""
    with quietly():
        found = _bench(model, batch, report).counting(file, folder=pictures, numerals="digits" if digits else "words")
    _finish(found, report, as_json)


@evaluate_cli.command("ndcg")
def ndcg(
    place: Annotated[Path, typer.Argument(help="CrisisLandMark's folder, a JSON list with labels, or class folders.")],
    k: Annotated[int, typer.Option("--k", min=1, help="Depth.")] = 1000,
    query: Annotated[list[str] | None, typer.Option(help="Comma-separated labels to ask for; by default every set that occurs.")] = None,
    split: Split = "test",
    model: Model = "",
    batch: Batch = 64,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """nDCG over label sets, with Jaccard and with overlap relevance."""
    with quietly():
        queries = [each.split(",") for each in query or ()]
        found = _bench(model, batch, report).ndcg(place, k=k, split=split, queries=queries)
    _finish(found, report, as_json)


@evaluate_cli.command("word-order")
def word_order(
    folder: Annotated[Path, typer.Argument(help="Folder below which the pictures lie.")],
    captions: Captions,
    kind: Annotated[str, typer.Option(help="swap: sides of a relation; shuffle: all words; given: the list's own.")] = "swap",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of shuffle.")] = 3,
    split: Split = "test",
    model: Model = "",
    only: Only = None,
    batch: Batch = 64,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Whether captions are read as sentences or as bags of words; chance is one half."""
    with quietly():
        from engine.evaluation.suites import order_named

        named = order_named(kind)
        found = _bench(model, batch, report).word_order(folder, captions, kind=named, split=split, seeds=seeds, only=only)
    _finish(found, report, as_json)


@evaluate_cli.command("embeddings")
def embeddings(
    file: Annotated[Path, typer.Argument(help="An .npz archive in the layout of RS-TransCLIP.")],
    template: Annotated[str, typer.Option(help="The one template; by default “a satellite image of a”.")] = "",
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Zero-shot figures of published embeddings: one template, and the mean of all."""
    with quietly():
        from engine.evaluation import suites
        from engine.evaluation.report import check_format

        if report is not None:
            check_format(report)
        found = suites.embeddings(file, template=template)
    _finish(found, report, as_json)
