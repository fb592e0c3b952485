from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.encoders import weights
from engine.errors import WeightsCorrupt

from .tiny import TRANSFORMER, network


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    torch.save(network(TRANSFORMER).state_dict(), tmp_path / "whole.pt")
    return tmp_path / "whole.pt"


def test_a_state_is_read_unchanged(whole: Path) -> None:
    state = network(TRANSFORMER).state_dict()
    read = weights.read_state(whole)
    assert set(read) == set(state)
    assert all(torch.equal(read[key], state[key]) for key in state)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "really-safetensors.pt")
    torch.save({"a": torch.ones(2)}, tmp_path / "really-torch.safetensors")
    for path in tmp_path.iterdir():
        assert torch.equal(weights.read_state(path)["a"], torch.ones(2))


def test_the_old_torch_format_is_read(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(weights.read_state(tmp_path / "old.pt")["a"], torch.ones(2))


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.9, 0.9999])
@pytest.mark.parametrize("form", ["zip", "old", "safetensors"])
def test_a_truncated_file_is_refused(form: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "cut.bin"
    state = {"a": torch.arange(50_000.0), "b": torch.ones(3)}
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(WeightsCorrupt, match="cut off or damaged"):
        weights.read_state(path)


@pytest.mark.parametrize(
    "content",
    [
        b"hello, world",
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"<!doctype html><title>404</title>",
        b"version https://git-lfs.github.com/spec/v1\n",
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "none.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=r"“none.pt” can't be used: it is no checkpoint"):
        weights.read_state(path)
    with pytest.raises(WeightsCorrupt, match="no such file"):
        weights.read_state(tmp_path / "absent.pt")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("PICKLE_WAS_RUN",)


@pytest.mark.parametrize("form", ["torch", "old", "pickle"])
def test_a_pickle_with_code_is_refused_and_not_run(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bomb.pt"
    if form == "pickle":
        path.write_bytes(pickle.dumps({"a": Bomb()}, protocol=2))
    else:
        torch.save({"a": torch.ones(2), "b": Bomb()}, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(WeightsCorrupt) as caught:
        weights.read_state(path)
    if form != "pickle":
        assert "could run code" in str(caught.value)
    assert not Path("PICKLE_WAS_RUN").exists()


def test_an_archive_that_unfolds_is_refused_before_it_does(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("archive/data.pkl", pickle.dumps({}))
        bundle.writestr("archive/data/0", bytes(20_000_000))
    with pytest.raises(WeightsCorrupt, match="compressed archive"):
        weights.read_state(tmp_path / "bomb.pt")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "program.pt")
    with pytest.raises(WeightsCorrupt, match="TorchScript"):
        weights.read_state(tmp_path / "program.pt")


@pytest.mark.parametrize(
    "content",
    [
        [torch.ones(2)],
        {},
        {"state_dict": {}},
        {"epoch": 3, "loss": [1.0]},
        {"a": torch.ones(2), "b": 3.0},
        {1: torch.ones(2)},
        torch.ones(2),
    ],
)
def test_what_is_no_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(WeightsCorrupt, match="state dict"):
        weights.read_state(tmp_path / "odd.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    torch.save({"a": torch.tensor([1.0, value])}, tmp_path / "nan.pt")
    with pytest.raises(WeightsCorrupt, match="not finite"):
        weights.read_state(tmp_path / "nan.pt")


def test_one_key_too_few_or_too_many_is_refused() -> None:
    model = network(TRANSFORMER)
    state = dict(model.state_dict())
    weights.load_strictly(network(TRANSFORMER, seed=1), state, "w.pt", "tiny")
    few = {key: value for key, value in state.items() if key != "ln_final.bias"}
    with pytest.raises(WeightsCorrupt, match=r"do not fit the architecture tiny: keys 1 missing \(ln_final\.bias\)\. Name"):
        weights.load_strictly(model, few, "w.pt", "tiny")
    with pytest.raises(WeightsCorrupt, match=r"1 unexpected \(extra\)"):
        weights.load_strictly(model, {**state, "extra": torch.ones(1)}, "w.pt", "tiny")
    with pytest.raises(WeightsCorrupt, match=r"1 of another shape \(visual\.proj\)"):
        weights.load_strictly(model, {**state, "visual.proj": state["visual.proj"].T}, "w.pt", "tiny")


def test_a_hash_is_remembered_until_the_file_changes(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.known_hash(whole) is None
    first = weights.file_hash(whole)
    with monkeypatch.context() as patch:
        patch.setattr(weights, "sha256", lambda path: pytest.fail("hashed again"))
        assert weights.file_hash(whole) == first
    torch.save(network(TRANSFORMER, seed=1).state_dict(), whole)
    assert weights.known_hash(whole) is None
    assert weights.file_hash(whole) != first
