"""The network as an ONNX file, with its record beside it: calibration, gate, where it came from. Needs torch and onnx; using it doesn't."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from engine.fog.network.calibration import Calibration
from engine.fog.network.features import NAMES
from engine.fog.network.gate import Gate
from engine.fog.network.unet import UNet

_OPSET: Final = 17
_IR: Final = 9
"""Versions that ONNX Runtime has read for years."""


def export(network: UNet, path: Path, calibration: Calibration, gate: Gate, about: Mapping[str, Any]) -> Path:
    """Write ``path`` (ONNX) and the record beside it (JSON, same stem).

    Args:
        network: The weights.
        path: Ends in ``.onnx``.
        calibration: Of its logits.
        gate: Where it may be asked.
        about: What else the record should say.

    Returns:
        The record.
    """
    fitted = {"calibration": {"slope": calibration.slope, "offset": calibration.offset, "threshold": calibration.threshold}, **about}
    return written(network, path, "fog-network", NAMES, {**fitted, "gate": gate.record()})


def written(network: UNet, path: Path, name: str, features: Sequence[str], about: Mapping[str, Any]) -> Path:
    """Write a network for :class:`engine.fog.weights.Weights`; the record says what it is and where it comes from.

    Args:
        network: The weights.
        path: Ends in ``.onnx``.
        name: Of the graph.
        features: Names of its channels.
        about: What else the record should say.

    Returns:
        The record.
    """
    content = graph(network, name).SerializeToString()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    record = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "synthetic": "learned from simulated weather alone",
        "features": list(features),
        "multiple": 2 ** len(network.down),
        **about,
    }
    beside = path.with_suffix(".json")
    beside.write_text(json.dumps(record, allow_nan=False) + "\n", encoding="utf-8")
    return beside


def graph(network: UNet, name: str = "fog-network") -> onnx.ModelProto:
    """The network as it stands, for any number and size of frames: features (B, C, n, m) → logits (B, K, n, m), float32.

    Written node by node: torch's exporters need more packages or are about to go, and this network has five kinds of nodes.
    """
    drawing = _Drawing()
    here = drawing.blocks(network.pixel, "features")
    seen, now = [], "features"
    for level in network.down:
        now = drawing.blocks(level, drawing.add("AveragePool", [now], kernel_shape=[2, 2], strides=[2, 2]))
        seen.append(now)
    for level, beside in zip(network.up, seen[-2::-1], strict=True):
        now = drawing.blocks(level, drawing.add("Concat", [drawing.doubled(now), beside], axis=1))
    joined = drawing.rectified(network.join, drawing.add("Concat", [drawing.doubled(now), here], axis=1))
    drawing.convolution(network.head, None, joined, "logits")
    ends = [
        helper.make_tensor_value_info(end, TensorProto.FLOAT, ["frames", count, "rows", "columns"])
        for end, count in (("features", network.channels), ("logits", network.head.out_channels))
    ]
    made = helper.make_graph(drawing.nodes, name, ends[:1], ends[1:], drawing.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="pharos")
    model.ir_version = _IR
    onnx.checker.check_model(model)
    return model


class _Drawing:
    """Nodes and weights as they are added."""

    def __init__(self) -> None:
        scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = [scales]

    def add(self, kind: str, inputs: list[str], output: str = "", **how: Any) -> str:  # noqa: ANN401 - attributes of any node
        """A node; the name of its output."""
        output = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **how))
        return output

    def doubled(self, name: str) -> str:
        """Twice the resolution by repetition."""
        return self.add("Resize", [name, "", "scales"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def blocks(self, parts: nn.Module, name: str) -> str:
        """Rectified convolutions, one after the other."""
        for part in parts.children():
            name = self.rectified(part, name)
        return name

    def rectified(self, part: nn.Module, name: str) -> str:
        """A convolution, normalised and rectified."""
        convolution, norm, _ = part.children()
        assert isinstance(norm, nn.BatchNorm2d)
        return self.add("Relu", [self.convolution(convolution, norm, name)])

    def convolution(self, layer: nn.Module, norm: nn.BatchNorm2d | None, name: str, output: str = "") -> str:
        """One convolution; the running mean and deviation of the normalisation become part of its weights."""
        assert isinstance(layer, nn.Conv2d)
        kernel = layer.weight.detach().double().numpy()
        bias = np.zeros(len(kernel)) if layer.bias is None else layer.bias.detach().double().numpy()
        if norm is not None:
            assert norm.running_mean is not None and norm.running_var is not None  # noqa: PT018
            gain = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().double().numpy()
            kernel, bias = kernel * gain[:, None, None, None], (bias - norm.running_mean.double().numpy()) * gain
            bias = bias + norm.bias.detach().double().numpy()
        named = []
        for what, values in (("kernel", kernel), ("bias", bias)):
            named.append(f"{what}{len(self.nodes)}")
            self.weights.append(numpy_helper.from_array(values.astype(np.float32), named[-1]))
        side = kernel.shape[-1]
        return self.add("Conv", [name, *named], output, kernel_shape=[side, side], pads=[side // 2] * 4)
