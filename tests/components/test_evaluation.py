"""Tables, matrices and curves of an evaluation, as the page gets them."""

from __future__ import annotations

import json

from streamlit.testing.v1 import AppTest

from components.figure_table import figure, spread


def drawn(script: str) -> str:
    """The HTML of a script's page."""
    page = AppTest.from_string(script, default_timeout=60).run()
    assert not page.exception
    return " ".join(element.proto.body for element in page.get("html"))


def test_figures_read_as_a_person_writes_them() -> None:
    assert [figure(value) for value in (0.94527, 1.0, 1005, None, "swap", -0.0214)] == ["0.945", "1.000", "1,005", "", "swap", "−0.021"]
    assert figure([0.71, 0.79]) == "0.710 to 0.790"
    assert spread(0.5, 0.0123) == "0.500\u2009±\u20090.012"
    assert spread(None, None) == ""


def test_names_are_escaped_everywhere() -> None:
    body = drawn(
        "from components.confusion import *\nfrom components.figure_table import *\n"
        "evil = '<img src=x onerror=alert(1)>'\n"
        "figure_table([evil], [FigureRow(evil, [evil], evil)], [evil], label=evil)\n"
        "plain_table([evil], [[evil, evil]], label=evil)\n"
        "class_bars([evil], [(evil, [0.5])])\n"
        "confusion_matrix([evil, 'b'], [[1, 2], [0, 3]])\n"
        "confusion_pictures([Confusion(evil, evil, 1, (evil,), (evil,))])\n"
    )
    assert "<img src=x" not in body
    assert "&lt;img" in body


def test_the_matrix_says_each_cell_in_words_and_shades_it_by_its_share() -> None:
    body = drawn("from components.confusion import *\nconfusion_matrix(['forest', 'lake'], [[3, 1], [0, 4]])")
    assert 'title="forest: 3 of 4 recognised"' in body
    assert 'title="forest: 1 of 4 taken for lake"' in body
    assert "--share:25%" in body
    assert body.count('scope="row"') == 2


def test_the_worst_class_comes_first_and_one_without_pictures_last() -> None:
    body = drawn(
        "from components.figure_table import *\nclass_bars(['a', 'b', 'c'], [('one', [0.9, None, 0.1]), ('two', [0.5, 0.5, None])])"
    )
    assert [body.index(f'scope="row">{name}') for name in "cab"] == sorted(body.index(f'scope="row">{name}') for name in "cab")


def test_curves_carry_their_numbers_and_fetch_nothing() -> None:
    rows = "[{'model': 'one', 'x': 1, 'y': 0.5, 'low': 0.4, 'high': 0.6}, {'model': 'two', 'x': 1, 'y': 0.7, 'low': 0.6, 'high': 0.8}]"
    page = AppTest.from_string(
        f"from components.curves import *\ncurve({rows}, x='shots', y='accuracy', label='l', chance=0.5)\n"
        "reliability_diagram([{'model': 'one', 'confidence': 0.8, 'accuracy': 0.7, 'count': 3}])",
        default_timeout=60,
    ).run()
    assert not page.exception
    specs = [json.loads(element.proto.spec) for element in page.get("vega_lite_chart")]
    assert len(specs) == 2
    assert "url" not in json.dumps(specs)
    domain = specs[0]["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["one", "two"]
