"""Fog's left panel: which sea → which layers → why here → compared with what → by which detector → ask inside the fog."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import streamlit as st

from app.base import base_path
from app.chrome import told
from app.fog_scene import FogScene
from app.fog_state import LAYERS, NOTHING, SIDES, TIMES, place_text
from app.views.fog_session import WIDGETS, change, shown
from app.views.session import draft
from components.readout import readout
from components.typography import heading, literal, soft
from engine.serving import engine
from engine.serving.fog import CubeCard

MAP = "fog-map"
COMPARE = {"": "off", LAYERS: "layers", TIMES: "times"}
WHEN_VALID = {"day": " · by day", "night": " · by night", "always": ""}
SIDE_WORDS = {"inside": "inside the fog", "outside": "outside it"}


def sea_panel(cards: Sequence[CubeCard]) -> None:
    """Which cube, and of a long series from which day on.

    Args:
        cards: All cubes.
    """
    by_name = {card.name: card for card in cards}
    card = by_name[shown().cube]
    heading("Sea region", latitudes(card))
    st.selectbox(
        "Sea region",
        list(by_name),
        key=draft(f"{WIDGETS}cube", card.name),
        format_func=lambda name: cube_words(by_name[name]),
        label_visibility="collapsed",
        on_change=another_cube,
    )
    if card.broken:
        st.warning(literal(card.broken))
        return
    made_up = "SYNTHETIC · " if card.synthetic else ""
    soft(f"{made_up}{card.frames:,} frames {span_words(card)} · {card.instrument or 'instrument not known'}")
    with st.popover("Another sea region", width="stretch"):
        other_seas(engine().config.cubes_dir)
    days = day_choices(card)
    if days:
        key = draft(f"{WIDGETS}start", shown().start if shown().start in days else days[0])
        st.selectbox("From", days, key=key, on_change=lambda: change(start=st.session_state[key], when=""))


def other_seas(folder: Path) -> None:
    """How to bring a series over any of the known seas.

    Args:
        folder: Of the cubes.
    """
    from engine.fog import sea_regions

    regions = sea_regions()
    region = st.selectbox(
        "Region",
        list(regions),
        key=f"{WIDGETS}region",
        format_func=lambda name: f"{regions[name].name} · {', '.join(regions[name].satellites)}",
    )
    box = regions[region].bounds
    soft(f"{box.west:g} to {box.east:g}° E, {box.south:g} to {box.north:g}° N. Make up a night there (SYNTHETIC), or bring a real series:")
    st.code(f"python -m engine fog simulate {folder} --region {region}\npython -m engine fog convert FILES --out {folder}/NAME.zarr")
    soft("What lies in that folder appears on this page by itself.")


def another_cube() -> None:
    """Show another sea; what belongs to the one before goes."""
    change(cube=st.session_state[f"{WIDGETS}cube"], when="", start="", at="", other_when="", regions=())
    for key in (f"{WIDGETS}start", f"{WIDGETS}other-when"):
        st.session_state.pop(key, None)


def cube_words(card: CubeCard) -> str:
    """A cube as a person reads it."""
    from engine.fog import sea_regions

    region = sea_regions().get(card.region)
    words = region.name if region else card.title
    day = f" · {card.first:%Y-%m-%d}" if card.first else ""
    return f"{words}{day}{' · can’t be read' if card.broken else ''}"


def latitudes(card: CubeCard) -> str:
    """From where to where it reaches, north and south."""
    if card.bounds is None:
        return ""
    south, north = card.bounds.south, card.bounds.north
    if south < 0 < north:
        return f"{-south:.1f} S–{north:.1f} N"
    low, high = sorted((abs(south), abs(north)))
    return f"{low:.1f}–{high:.1f} {'N' if north > 0 else 'S'}"


def span_words(card: CubeCard) -> str:
    """From when to when."""
    if card.first is None or card.last is None:
        return ""
    end = f"{card.last:%H:%M}" if card.last.date() == card.first.date() else f"{card.last:%Y-%m-%d %H:%M}"
    return f"{card.first:%Y-%m-%d %H:%M} to {end} UTC"


def day_choices(card: CubeCard) -> list[str]:
    """Days from which a series can be shown that is too long to be shown at once."""
    from engine.serving.fog.fog import MOST_MOMENTS

    if card.first is None or card.last is None or (card.last - card.first) / timedelta(minutes=card.step_minutes) < MOST_MOMENTS:
        return []
    first = datetime(card.first.year, card.first.month, card.first.day, tzinfo=UTC)
    return [f"{first + timedelta(days=day):%Y-%m-%d}" for day in range((card.last - first).days + 1)]


def fog_ask(scene: FogScene) -> None:
    """Everything below the sea region.

    Args:
        scene: What is shown.
    """
    heading("Layers")
    layers(scene)
    heading("Why here?")
    with told():
        why(scene)
    heading("Compare A | B")
    compare(scene)
    heading("Method")
    method(scene)
    heading("Ask inside the fog")
    question(scene)


def layers(scene: FogScene) -> None:
    """The picture and the mask over it, with their opacity and what holds for them."""
    choice(scene, "picture", "Picture", scene.pictures, scene.picture)
    opacity("picture_opacity", "Opacity of the picture", scene.state.picture_opacity)
    choice(scene, "mask", "Mask over it", scene.masks, scene.mask)
    opacity("mask_opacity", "Opacity of the mask", scene.state.mask_opacity)


def choice(scene: FogScene, field: str, label: str, options: Sequence[str], taken: str) -> None:
    """One layer, and why the chosen one is not what is seen."""
    asked = getattr(scene.state, field)
    value = asked if asked in (*options, NOTHING) else taken or NOTHING
    key = draft(f"{WIDGETS}{field}", value)
    st.selectbox(
        label,
        [*options, NOTHING],
        key=key,
        format_func=lambda name: "nothing" if name == NOTHING else layer_words(scene, name),
        on_change=lambda: change(**{field: st.session_state[key]}),
    )
    if value != NOTHING and value != taken:
        other = f"{scene.layer(taken).title} is shown." if taken else "Nothing is shown."
        soft(f"{scene.layer(value).title} {scene.layers[value][1]}. {other}")
    elif taken and scene.layer(taken).valid != "always":
        soft(scene.layer(taken).legend.note)


def layer_words(scene: FogScene, name: str) -> str:
    """A layer as a person reads it."""
    layer, why_not = scene.layers[name]
    return layer.title + (f" · {why_not}" if why_not else WHEN_VALID[layer.valid])


def opacity(field: str, label: str, value: int) -> None:
    """How much of a layer is seen."""
    key = draft(f"{WIDGETS}{field}", value)
    st.slider(
        label, 0, 100, key=key, format="%d %%", label_visibility="collapsed", on_change=lambda: change(**{field: st.session_state[key]})
    )


def compare(scene: FogScene) -> None:
    """One view, or A and B on the sides of a line."""
    key = draft(f"{WIDGETS}compare", scene.state.compare)
    st.segmented_control(
        "Compare",
        list(COMPARE),
        key=key,
        required=True,
        format_func=COMPARE.__getitem__,
        label_visibility="collapsed",
        width="stretch",
        on_change=lambda: change(compare=st.session_state[key] or ""),
    )
    if scene.state.compare == LAYERS:
        options = [*scene.pictures, *scene.masks]
        other = draft(f"{WIDGETS}other", scene.state.other if scene.state.other in options else scene.other)
        st.selectbox(
            "B shows",
            options,
            key=other,
            format_func=lambda name: layer_words(scene, name),
            on_change=lambda: change(other=st.session_state[other]),
        )
        note = scene.layer(scene.other).legend.note if scene.other and scene.layer(scene.other).valid != "always" else ""
        soft(f"A is the picture with its mask, B the other layer at the same time. {note}".strip())
    elif scene.compares_times:
        stamps = [each.stamp for each in scene.moments if not each.gap]
        words = {each.stamp: moment_words(each.time, forecast=each.forecast) for each in scene.moments}
        st.session_state[f"{WIDGETS}other-when"] = scene.moments[scene.other_index].stamp
        st.selectbox(
            "B shows",
            stamps,
            key=f"{WIDGETS}other-when",
            format_func=lambda stamp: words.get(stamp, stamp),
            on_change=lambda: change(other_when=st.session_state[f"{WIDGETS}other-when"]),
        )
        soft("A follows the time strip, B stays.")


def moment_words(when: datetime, *, forecast: bool) -> str:
    """A time as a person reads it."""
    return f"{when:%Y-%m-%d %H:%M} UTC{' · forecast' if forecast else ''}"


def method(scene: FogScene) -> None:
    """Which detector, and whether what comes is shown."""
    key = draft(f"{WIDGETS}method", scene.method)
    st.selectbox(
        "Method",
        list(scene.methods),
        key=key,
        format_func=lambda name: scene.methods.get(name, name),
        label_visibility="collapsed",
        on_change=lambda: change(method=st.session_state[key]),
    )
    ahead = draft(f"{WIDGETS}forecast", scene.state.forecast)
    st.toggle("Forecast to 3 h", key=ahead, on_change=lambda: change(forecast=st.session_state[ahead]))


def why(scene: FogScene) -> None:
    """What the picked place is, and why; asked by the browser."""
    events = readout(
        url=scene.api("pixel"),
        query={"method": scene.asked_method} if scene.asked_method else {},
        stamps=[None if each.gap else each.stamp for each in scene.moments],
        labels=[moment_words(each.time, forecast=False) for each in scene.moments],
        index=scene.index,
        bounds=scene.axis.bounds,
        methods=scene.methods,
        at=scene.state.place,
        over=MAP,
        base=base_path(),
        key="fog-readout",
    )
    if events.place is not None and place_text(*events.place) != scene.state.at:
        change(at=place_text(*events.place))
        st.rerun()
    if events.freed and scene.state.at:
        change(at="")
        st.rerun()


def question(scene: FogScene) -> None:
    """A text query restricted to one side of the fog."""
    side = draft(f"{WIDGETS}side", scene.state.side)
    text = draft(f"{WIDGETS}text", scene.state.text)
    with st.form("fog-question", border=False, enter_to_submit=True):
        st.text_input("What are you looking for?", key=text, placeholder="ships, ports, anything…", label_visibility="collapsed")
        st.segmented_control(
            "Where",
            SIDES,
            key=side,
            required=True,
            format_func=SIDE_WORDS.__getitem__,
            label_visibility="collapsed",
            width="stretch",
        )
        st.form_submit_button("Rank the tiles there", width="stretch", on_click=_ask)
    names = engine().collections()
    if len(names) > 1:
        key = draft(f"{WIDGETS}collection", scene.state.collection if scene.state.collection in names else "")
        st.selectbox(
            "Collection",
            ("", *names),
            key=key,
            format_func=lambda name: name or "the first that lies here",
            on_change=lambda: change(collection=st.session_state[key]),
        )


def _ask() -> None:
    change(text=st.session_state[f"{WIDGETS}text"].strip(), side=st.session_state[f"{WIDGETS}side"] or "inside")
