from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.evaluate_state import EvaluateState
from engine.serving.evaluation import FOLDER, SUITES, Trial

words = st.text("ab1 |~;,%&=+é/水🌊", max_size=12)
states = st.builds(
    EvaluateState,
    suite=st.sampled_from(list(SUITES)),
    models=st.lists(words, unique=True, max_size=3).map(tuple),
    data=words,
    folder=words,
    part=words,
    templates=words,
    labels=words,
    split=words,
    shots=words,
    seeds=st.integers(1, 20),
    share=st.integers(5, 95),
    numerals=words,
    order=words,
    held=words,
    run=words,
    of=words,
)


@given(states)
def test_the_address_is_exact_both_ways(state: EvaluateState) -> None:
    assert EvaluateState.from_query(state.to_query()) == state


def test_what_is_not_understood_is_left_at_its_default() -> None:
    strange = {"suite": ["poetry"], "seeds": ["many"], "share": ["400"], "folder": ["x" * 9000], "models": [], "other": ["1"]}
    assert EvaluateState.from_query(strange) == EvaluateState()


def test_the_trial_takes_the_default_model_and_a_folder_only_where_it_counts() -> None:
    assert EvaluateState(folder="/x").trial("ours") == Trial(models=("ours",))
    chosen = EvaluateState(models=("a", "b"), data=FOLDER, folder="/x", suite="knn", seeds=5)
    assert chosen.trial("ours") == Trial("knn", ("a", "b"), FOLDER, "/x", seeds=5)
    assert EvaluateState.of_trial(chosen.trial("ours"), "r").trial("ours") == chosen.trial("ours")
