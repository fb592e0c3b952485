from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engine.fog.network.export import graph
from engine.fog.network.unet import UNet


@pytest.mark.parametrize(("widths", "shape"), [((4, 6), (1, 5, 8, 8)), ((3, 4, 5), (2, 5, 16, 24)), ((2, 3, 4, 5), (1, 5, 32, 16))])
def test_onnx_says_what_torch_says(tmp_path: Path, widths: tuple[int, ...], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = UNet(shape[1], widths)
    for _ in range(3):  # so that the normalisations have something to fold
        network(3 * torch.randn(4, *shape[1:]) + 1)
    network.eval()
    features = torch.randn(shape)
    path = tmp_path / "net.onnx"
    path.write_bytes(graph(network).SerializeToString())
    (said,) = onnxruntime.InferenceSession(str(path)).run(None, {"features": features.numpy()})
    with torch.inference_mode():
        wanted = network(features).numpy()
    assert wanted.std() > 1e-3
    np.testing.assert_allclose(said, wanted, atol=1e-4)
