"""Evaluate's left panel: which models → on which data → by which suite → how, and the button that measures."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.chrome import told
from app.evaluate_state import EvaluateState
from app.messages import words
from app.views.evaluate_session import WIDGETS, change, show, shown
from app.views.session import draft
from components.figure_table import figure
from components.typography import heading, literal, soft
from engine.errors import PharosError
from engine.serving import engine
from engine.serving.evaluation import COLLECTION, FOLDER, FORM_TITLES, ISLAND, SUITES, Found, Part, Run
from engine.types import spoken

MOST_MODELS = 6
MOST_NAMES = 12
MOST_EARLIER = 8


@dataclass(frozen=True, slots=True)
class Data:
    """What is to be measured on, as far as that is known.

    Attributes:
        found: Everything that was found; None where it could not be.
        part: What the suite takes of it; None where there is nothing.
        flaw: Why not, in words.
    """

    found: Found | None = None
    part: Part | None = None
    flaw: str = ""


def measure_panel(state: EvaluateState) -> None:
    """Draw the panel.

    Args:
        state: What is shown.
    """
    heading("Models")
    models()
    heading("Data")
    data = choose_data(state)
    heading("Suite")
    choose_suite(state, data)
    with st.expander("Settings"):
        settings(shown(), data)
    begin(shown(), data)
    earlier()


def keep(field: str, key: str) -> None:
    """Take a widget's value into what is shown."""
    value = st.session_state[key]
    change(**{field: tuple(value) if isinstance(value, list) else value.strip() if isinstance(value, str) else value})


def models() -> None:
    """The encoders to compare."""
    cards = {card.id: card for card in engine().models()}
    unknown = [model for model in shown().models if model not in cards]
    if unknown:
        change(models=tuple(model for model in shown().models if model in cards))
        st.warning(literal(f"There is no model “{unknown[0][:60]}” here; it was left out. Add it with: python -m engine models add FILE"))
    chosen = list(shown().models or (engine().config.model,))
    here = {name for name, card in cards.items() if card.found(engine().config) is not None}
    key = draft(f"{WIDGETS}models", chosen)
    st.multiselect(
        "Models",
        list(cards),
        key=key,
        max_selections=MOST_MODELS,
        format_func=lambda model: cards[model].title if model in here else f"{cards[model].title} · fetched on first use",
        placeholder="Choose one or more",
        label_visibility="collapsed",
        on_change=keep,
        args=("models", key),
    )


def choose_data(state: EvaluateState) -> Data:
    """Where the pictures are, and what was found there."""
    options = (ISLAND, *(f"{COLLECTION}{name}" for name in engine().evaluations.collections()), FOLDER)
    key = draft(f"{WIDGETS}data", state.data if state.data in options else ISLAND)
    if st.session_state[key] != state.data:
        state = change(data=st.session_state[key])
    st.selectbox("Data", options, key=key, format_func=data_words, label_visibility="collapsed", on_change=keep, args=("data", key))
    if state.data == FOLDER:
        typed = draft(f"{WIDGETS}folder", state.folder)
        st.text_input(
            "Folder of the data",
            key=typed,
            placeholder="a folder of class folders, /data/rsscn7",
            max_chars=1000,
            label_visibility="collapsed",
            on_change=keep,
            args=("folder", typed),
        )
        if not state.folder:
            soft("Type the path of a folder on the machine that runs Pharos. It is only read.")
            return Data(flaw="Name a folder first.")
    try:
        with st.spinner("Looking into the folder", show_time=False):
            found = engine().evaluations.find(state.data, state.folder)
    except PharosError as error:
        st.warning(literal(words(error)))
        return Data(flaw="Choose other data first.")
    tell(found)
    part = found.chosen(state.kind.forms, state.part)
    if part is not None and part.recipes and not state.held and "held" in state.kind.options:
        soft(f"Trained on by {', '.join(part.recipes)}: under Settings you can measure on what was kept from training.")
    return Data(found, part, "" if part is not None else "There is nothing for this suite in these data.")


def data_words(option: str) -> str:
    """An option as a person reads it."""
    if option == ISLAND:
        return "The made-up island · SYNTHETIC"
    return "A folder of this machine" if option == FOLDER else f"{option.removeprefix(COLLECTION)} · collection with labels"


def tell(found: Found) -> None:
    """What was found, in words."""
    for line in dict.fromkeys(f"{FORM_TITLES[part.form]}: {part.words}" for part in found.parts if part.count):
        soft(line)
    if not any(part.count for part in found.parts) and found.parts:
        soft(f"Class folders, captions, label sets and counts with exact truth: {found.parts[0].words}.")
    for part in found.parts:
        if part.doubt:
            st.warning(literal(f"{FORM_TITLES[part.form]} {part.name}: {part.doubt}".replace(" : ", ": ")))
    if not found.parts:
        soft("Nothing was found that can be measured on: no class folders, captions, counts, label sets or embeddings.")
    if found.notes:
        with st.expander(f"{len(found.notes)} not used"):
            for note in found.notes:
                soft(note)


def choose_suite(state: EvaluateState, data: Data) -> None:
    """What is asked; suites without data say so."""

    def title(suite: str) -> str:
        fits = data.found is None or data.found.chosen(SUITES[suite].forms) is not None
        return SUITES[suite].title if fits else f"{SUITES[suite].title} · no data"

    key = draft(f"{WIDGETS}suite", state.suite)
    st.selectbox("Suite", list(SUITES), key=key, format_func=title, label_visibility="collapsed", on_change=keep, args=("suite", key))
    soft(state.kind.about if state.kind.modelled else f"{state.kind.about} No model is asked.")
    parts = data.found.of(*state.kind.forms) if data.found else ()
    if len(parts) > 1:
        names = [part.name for part in parts]
        key = draft(f"{WIDGETS}part", data.part.name if data.part else names[0])
        if st.session_state[key] not in names:
            st.session_state[key] = data.part.name if data.part else names[0]
        by_name = {part.name: f"{part.name or 'the class folders'} · {part.words}" for part in parts}
        st.selectbox("Measured on", names, key=key, format_func=by_name.__getitem__, on_change=keep, args=("part", key))


def settings(state: EvaluateState, data: Data) -> None:
    """The rare choices of the chosen suite."""
    options = {"templates": templates, "labels": labels, "split": split, "seeds": seeds, "shots": shots, "share": share}
    options |= {"numerals": numerals, "order": order, "held": held}
    for option in state.kind.options:
        options[option](state, data)
    if not state.kind.options:
        soft("This suite has none.")


def templates(state: EvaluateState, data: Data) -> None:
    """Sentences around the class names."""
    key = draft(f"{WIDGETS}templates", state.templates)
    st.text_input("Templates: a set's name, or a sentence with {}", key=key, max_chars=300, on_change=keep, args=("templates", key))
    soft("Sets: label (six sentences), plain (one, as papers use it), query. {a} brings the article.")


def labels(state: EvaluateState, data: Data) -> None:
    """Other names for the classes."""
    key = draft(f"{WIDGETS}labels", state.labels)
    title = "Class names, in this order, separated by commas"
    st.text_area(title, key=key, height=90, max_chars=1900, on_change=keep, args=("labels", key))
    names = data.part.names if data.part else ()
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    soft(f"Left empty: {', '.join(names[:MOST_NAMES])}{more}." if names else "Left empty, the folders name them.")


def split(state: EvaluateState, data: Data) -> None:
    """Which part of a list that divides itself."""
    if not data.part or not data.part.splits:
        return
    options = [*data.part.splits, "all"]
    key = draft(f"{WIDGETS}split", state.split)
    if st.session_state[key] not in options:
        st.session_state[key] = options[0]
    if st.session_state[key] != state.split:
        change(split=st.session_state[key])
    st.selectbox("Part of the data", options, key=key, on_change=keep, args=("split", key))


def seeds(state: EvaluateState, data: Data) -> None:
    """How many runs."""
    key = draft(f"{WIDGETS}seeds", state.seeds)
    st.number_input("Runs, each with its own seed", 1, 20, key=key, on_change=keep, args=("seeds", key))


def shots(state: EvaluateState, data: Data) -> None:
    """Pictures a class."""
    key = draft(f"{WIDGETS}shots", state.shots)
    st.text_input("Pictures a class to learn from", key=key, max_chars=60, on_change=keep, args=("shots", key))


def share(state: EvaluateState, data: Data) -> None:
    """What teaches where the data come without a division."""
    key = draft(f"{WIDGETS}share", state.share)
    st.slider("Part of each class that teaches", 5, 95, key=key, format="%d %%", on_change=keep, args=("share", key))
    soft("Data that bring train and test folders are taken as they are.")


def numerals(state: EvaluateState, data: Data) -> None:
    """How numbers are written."""
    key = draft(f"{WIDGETS}numerals", state.numerals)
    st.selectbox("Numbers as", ("words", "digits"), key=key, on_change=keep, args=("numerals", key))


def order(state: EvaluateState, data: Data) -> None:
    """How captions are put in disorder."""
    key = draft(f"{WIDGETS}order", state.order)
    names = {"swap": "the sides of a relation exchanged", "shuffle": "all words at random"}
    st.selectbox("The other order", list(names), key=key, format_func=names.__getitem__, on_change=keep, args=("order", key))


def held(state: EvaluateState, data: Data) -> None:
    """Whether to leave out what a model has learned from."""
    recipes = data.part.recipes if data.part else ()
    if not recipes:
        return
    key = draft(f"{WIDGETS}held", state.held)
    if st.session_state[key] not in ("", *recipes):
        st.session_state[key] = ""
    st.selectbox("Pictures", ("", *recipes), key=key, format_func=held_words, on_change=keep, args=("held", key))


def held_words(recipe: str) -> str:
    """An option as a person reads it."""
    return f"those that {recipe} kept from training" if recipe else "all"


def begin(state: EvaluateState, data: Data) -> None:
    """The button says what it will do."""
    chosen = len(st.session_state.get(f"{WIDGETS}models", ())) if state.kind.modelled else 1
    what = f"Measure {chosen} model{'s' if chosen != 1 else ''}" if state.kind.modelled else "Measure the vectors"
    size = f" on {figure(data.part.count)} pictures" if data.part and data.part.count and not state.held else ""
    ready = data.part is not None and chosen > 0
    st.button(f"{what}{size}", key=f"{WIDGETS}begin", type="primary", width="stretch", disabled=not ready, on_click=measure)
    if not ready:
        soft(data.flaw or "Choose a model first.")


def measure() -> None:
    """Begin, and show how it goes."""
    with told():
        run = engine().evaluations.begin(shown().trial(engine().config.model))
        change(run=run.id, of="")


def earlier() -> None:
    """Evaluations that run or have run, to go back to."""
    runs = engine().evaluations.runs()
    if not runs:
        return
    heading("Earlier", str(len(runs)))
    with st.container(key="earlier"):
        for run in runs[:MOST_EARLIER]:
            st.button(
                literal(f"{outcome_words(run)} · {run.title}"),
                key=f"{WIDGETS}run-{run.id}",
                width="stretch",
                type="primary" if run.id == shown().run else "secondary",
                help=f"{', '.join(run.trial.models)}, {spoken(run.begun)}",
                on_click=show,
                args=(EvaluateState.of_trial(run.trial, run.id),),
            )


def outcome_words(run: Run) -> str:
    """How an evaluation went, in a word or a figure."""
    if run.job.running:
        return "running"
    if run.job.failed:
        return "failed"
    best: list[float] = []
    for report in run.reports:
        value: object = report.figures
        for step in run.trial.kind.figure.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        best += [value] if isinstance(value, float) else []
    return " / ".join(figure(value) for value in best[:3]) or "stopped"
