"""Evaluate's right panel: figures beside one another, then what lies behind them, then how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.base import base_path
from app.chrome import told
from app.panels.headlines import headline
from app.views.evaluate_session import WIDGETS, change, shown
from app.views.session import draft
from components.confusion import Confusion, confusion_matrix, confusion_pictures
from components.curves import curve, reliability_diagram
from components.figure_table import class_bars, figure, figure_table, plain_table
from components.typography import heading, literal, pills, soft
from engine.serving.evaluation import Run
from engine.serving.evaluation.export import MEDIA, export, file_name
from engine.types import spoken

if TYPE_CHECKING:
    from engine.evaluation.report import Report

MOST_CONFUSIONS = 6
MOST_QUERIES = 40
MOST_SKIPPED = 20
PICTURE = 96


def findings(run: Run) -> None:
    """Draw what was found.

    Args:
        run: An evaluation with one report or more.
    """
    reports = run.reports
    title(run)
    for outcome in run.outcomes:
        if outcome.failed:
            st.warning(literal(f"{outcome.model or 'The archive'}: {outcome.failed}"))
    heads, rows, notes = headline(run.trial.suite, reports)
    figure_table(heads, rows, notes, label=f"{run.title}: figures of each model")
    if run.trial.suite == "calibration":
        calibration(reports, scaled=True)
    confusions(run)
    if run.trial.suite == "zeroshot":
        left, right = st.columns([0.5, 0.5], gap="large")
        with left:
            by_class(reports)
        with right:
            calibration(reports)
    else:
        by_class(reports)
    recalls(reports)
    few_shot(reports)
    queries(reports)
    word_order(reports)
    provenance(run)


def title(run: Run) -> None:
    """What was measured on what, when; and the report as a file."""
    reports = run.reports
    left, right = st.columns([0.68, 0.32], vertical_alignment="center")
    with left:
        heading(run.title)
    with right:
        source = reports[0].provenance
        pills(spoken(source.measured), synthetic=source.synthetic)
    downloads(reports)


def downloads(reports: Sequence[Report]) -> None:
    """The report as a file; each carries model hash, prompts, data and date."""
    with st.container(key="downloads", horizontal=True, gap="small"):
        for kind, media in MEDIA.items():
            st.download_button(
                f"Download {kind.upper()}",
                export(reports, kind),
                file_name(reports, kind),
                media,
                key=f"{WIDGETS}download-{kind}",
                on_click="ignore",
            )


def confusions(run: Run) -> None:
    """The matrix of one model, and pictures of its largest confusions."""
    able = [place for place, report in enumerate(run.reports) if "confusion" in report.figures]
    if not able:
        return
    place = picked(run, able)
    report = run.reports[place]
    left, right = st.columns([0.6, 0.4], gap="large")
    with left:
        heading("Confusion: rows are right, columns were said")
        with told():
            confusion_matrix(report.names, report.figures["confusion"])
    worst = list(report.figures.get("worst") or ())[:MOST_CONFUSIONS]
    with right:
        if worst:
            heading("Largest confusions", f"{sum(each['count'] for each in worst):,} pictures")
            confusion_pictures([pictured(run, place, number, each) for number, each in enumerate(worst)])
        elif run.trial.suite == "counting":
            counting(run.reports)
        elif "worst" in report.figures:
            heading("Largest confusions")
            soft("No picture was taken for another class.")


def picked(run: Run, able: Sequence[int]) -> int:
    """Which model's confusions are shown."""
    models = [run.reports[place].provenance.model for place in able]
    if len(models) == 1:
        return able[0]
    of = shown().of if shown().of in models else models[0]
    key = draft(f"{WIDGETS}of-{run.id}", of)
    st.segmented_control(
        "Confusions of",
        models,
        key=key,
        required=True,
        on_change=lambda: change(of=st.session_state[key] or models[0]),
    )
    return able[models.index(st.session_state[key] or of)]


def pictured(run: Run, report: int, number: int, entry: dict[str, Any]) -> Confusion:
    """A confusion with the addresses of its pictures."""
    names = tuple(entry.get("pictures") or ())
    base = f"{base_path()}/evaluations/{run.id}/{report}/{number}"
    urls = tuple(f"{base}/{place}.webp?size={PICTURE}&v={run.id}" for place in range(len(names)))
    return Confusion(entry["truth"], entry["said"], entry["count"], urls, names)


def by_class(reports: Sequence[Report]) -> None:
    """Each class, a column for each model."""
    shares = [report.figures.get("per_class") for report in reports]
    known = [each for each in shares if each]
    if not known:
        return
    heading("By class", "the worst first")
    names = list(dict.fromkeys(name for each in known for name in each))
    models = [report.provenance.model for report in reports]
    class_bars(names, [(model, [(each or {}).get(name) for name in names]) for model, each in zip(models, shares, strict=True)])


def calibration(reports: Sequence[Report], *, scaled: bool = False) -> None:
    """Accuracy over confidence.

    Args:
        reports: What was found.
        scaled: Whether to draw also what temperature scaling would make of it.
    """
    kinds = {"reliability": "", "reliability_calibrated": ", scaled"} if scaled else {"reliability": ""}
    rows = [
        {
            "model": f"{report.provenance.model}{words}",
            "confidence": part["confidence"],
            "accuracy": part["accuracy"],
            "count": part["count"],
        }
        for report in reports
        for kind, words in kinds.items()
        for part in (report.figures.get(kind) or {}).get("bins", ())
        if part["count"]
    ]
    if rows:
        heading("Reliability")
        reliability_diagram(rows)
        soft("On the dashed line a model is as often right as it is sure; below it, it is too sure. Larger dots hold more pictures.")
        if scaled:
            soft("Scaled: each half of the pictures under the temperature that fits the other half.")


def recalls(reports: Sequence[Report]) -> None:
    """Recall over depth, in both directions."""
    ways = {"t2i": "text → image", "i2t": "image → text"}
    rows = [
        {"model": f"{report.provenance.model}, {words}", "x": k, "y": report.figures[way][f"r{k}"]}
        for report in reports
        if "mean_recall" in report.figures
        for way, words in ways.items()
        for k in (1, 5, 10)
    ]
    if rows:
        heading("Recall by depth")
        curve(rows, x="best k", y="recall", label="Recall over depth", ordinal=True)


def few_shot(reports: Sequence[Report]) -> None:
    """Accuracy over the pictures a class that a probe learned from."""
    rows = [
        {
            "model": report.provenance.model,
            "x": int(count),
            "y": each["accuracy"],
            "low": max(0.0, each["accuracy"] - each["std"]),
            "high": min(1.0, each["accuracy"] + each["std"]),
        }
        for report in reports
        for count, each in (report.figures.get("by_shots") or {}).items()
    ]
    if rows:
        heading("By pictures a class")
        curve(rows, x="pictures a class", y="accuracy", label="Accuracy over pictures a class", ordinal=True)
        short = [name for report in reports for name in report.figures.get("classes_with_fewer") or ()]
        if short:
            soft(f"Fewer pictures than the most: {', '.join(dict.fromkeys(short))}.")


def counting(reports: Sequence[Report]) -> None:
    """How often the right count is among the best k."""
    rows = [
        {"model": report.provenance.model, "x": place, "y": share}
        for report in reports
        for place, share in enumerate(report.figures.get("top_k") or (), start=1)
    ]
    if rows:
        rows += [{"model": "chance", "x": place, "y": place / 10} for place in range(1, 11)]
        heading("Among the best k counts")
        curve(rows, x="k", y="share of the pictures", label="Share of pictures whose count is among the best k", ordinal=True)


def queries(reports: Sequence[Report]) -> None:
    """nDCG of each query, the worst of the first model first."""
    tables = [{each["query"]: each["jaccard"] for each in report.figures.get("per_query") or () if "jaccard" in each} for report in reports]
    if not any(tables):
        return
    names = sorted(tables[0], key=lambda name: (tables[0][name] is None, tables[0][name] or 0.0))
    heading("By query, Jaccard", f"{min(MOST_QUERIES, len(names))} of {len(names):,}, the worst first")
    rows = [(name, *(figure(table.get(name)) for table in tables)) for name in names[:MOST_QUERIES]]
    plain_table(("Query", *(report.provenance.model for report in reports)), rows, label="nDCG by query")


def word_order(reports: Sequence[Report]) -> None:
    """Some of the sentences."""
    examples = reports[0].figures.get("examples") if reports[0].suite == "word-order" else None
    if examples:
        heading("Sentences, the first few")
        rows = [(each["caption"], each["other"]) for each in examples]
        plain_table(("Caption", "The same words in another order"), rows, label="Examples of the test", numbers=False)


def provenance(run: Run) -> None:
    """How it was measured, so that it can be repeated."""
    heading("How it was measured")
    rows = []
    for report in run.reports:
        source = report.provenance
        settings = ", ".join(f"{key} {_short(value)}" for key, value in source.protocol.items() if value not in ("", None))
        data = f"{source.data} · {source.fingerprint}"
        rows.append((source.model, source.model_hash, data, source.templates, settings, spoken(source.measured)))
    plain_table(("Model", "Weights", "Data", "Templates", "Settings", "Measured"), rows, label="How it was measured", numbers=False)
    prompts = run.reports[0].provenance.prompts
    if prompts:
        with st.expander(f"{len(prompts):,} templates" if len(prompts) != 1 else "1 template"):
            for prompt in prompts[:MOST_QUERIES]:
                soft(f"“{prompt}”")
            if len(prompts) > MOST_QUERIES:
                soft(f"and {len(prompts) - MOST_QUERIES:,} more, in the downloads.")
    skipped = run.reports[0].skipped
    if skipped:
        with st.expander(f"{len(skipped):,} left out"):
            for name, why in skipped[:MOST_SKIPPED]:
                soft(f"{name}: {why}")
            if len(skipped) > MOST_SKIPPED:
                soft(f"and {len(skipped) - MOST_SKIPPED:,} more, in the downloads.")


def _short(value: Any) -> str:  # noqa: ANN401 - a setting
    words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return words if len(words) <= 80 else f"{words[:80]}…"
