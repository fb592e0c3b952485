"""What the suites of ``python -m engine evaluate`` share: their options, loading the encoder, and the answer."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.settings import settings
from engine.terminal import Json, ProgressLine, answer, quietly

if TYPE_CHECKING:
    from engine.evaluation.datasets.pictures import Only
    from engine.evaluation.report import Report
    from engine.evaluation.suites import Bench

Model = Annotated[str, typer.Option(help="Id of the encoder; see: models.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Also write the report to this .html, .csv or .json file.")]
Batch = Annotated[int, typer.Option(min=1, help="Pictures at once; halved where the memory does not suffice.")]
Listed = Annotated[Path | None, typer.Option("--only", help="Text file with the names of the pictures to measure on, one a line.")]
HeldOut = Annotated[str, typer.Option(help="Recipe: measure only on the pictures that it kept from training, as in pharos-small.")]
Split = Annotated[str, typer.Option(help="Part to take of data that have parts; all takes everything.")]
Captions = Annotated[Path, typer.Option(help="Karpathy-style JSON, captions.json, a precomp .txt, or CSV.")]

Suite = Callable[..., "Report"]


def chosen(root: Path, only: Path | None, held_out: str) -> "Only | None":
    """The pictures to measure on: those of a list, those that a recipe held out, or all.

    Raises:
        EvaluationInvalid: If both are given.
    """
    if not held_out:
        return only
    from engine.errors import EvaluationInvalid
    from engine.evaluation.datasets import held_out as held

    if only is not None:
        raise EvaluationInvalid("--only and --held-out both choose the pictures. Give one of them.")
    return held.held_out(root, held_out)


def _encoded(suite: Suite) -> Suite:
    """The suite with the options of an encoder in place of its first parameter, which gives the bench.

    The encoder is loaded when the suite asks for its bench: what can be refused before is refused at once.
    """

    def run(*, model: Model = "", batch: Batch = 64, **own: Any) -> "Report":  # noqa: ANN401 - the suite's own options
        def bench() -> "Bench":
            from engine import encoders
            from engine.evaluation.suites import Bench

            progress = ProgressLine()
            return Bench(encoders.load(model or settings().model, progress=progress), batch, progress)

        return suite(bench, **own)

    return _with_parameters(run, _parameters(suite)[1:])


def _reported(suite: Suite) -> Callable[..., None]:
    """A command that runs the suite, writes its report where one is wanted, and prints its figures."""

    def command(*, report: ReportFile = None, as_json: Json = False, **own: Any) -> None:  # noqa: ANN401 - the suite's own options
        with quietly():
            from engine.evaluation.report import check_format

            if report is not None:
                check_format(report)
            found = suite(**own)
        if report is not None:
            found.save(report)
        answer(found.record(), as_json, lambda: words(found))

    return _with_parameters(command, _parameters(suite))


def add_suite(commands: typer.Typer, name: str, *, encoder: bool = True) -> Callable[[Suite], Suite]:
    """Make a function a sub-command with the options that all share.

    Args:
        commands: Where to add it.
        name: Of the sub-command.
        encoder: Whether an encoder is measured; the function's first parameter then gives the bench that it is on.
    """

    def add(suite: Suite) -> Suite:
        command = _reported(_encoded(suite) if encoder else suite)
        commands.command(name, help=inspect.getdoc(suite))(command)
        return suite

    return add


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """What a function takes by name."""
    return [each for each in inspect.signature(function).parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]


def _with_parameters(wrapper: Callable[..., Any], own: list[inspect.Parameter]) -> Callable[..., Any]:
    """Say to typer what a wrapper takes: the wrapped function's own parameters, then the wrapper's."""
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *_parameters(wrapper))]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect.signature
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


def words(found: "Report") -> str:
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
