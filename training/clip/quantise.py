"""Weights as int8, one scale per output channel, dequantised when the model is loaded. It quarters
the files; the arithmetic stays float32."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

# Operators whose weight is stored so: which input it is, and the axis of its output channels.
AXES = {"Conv": (1, 0), "Gemm": (1, 0), "MatMul": (1, 1), "Gather": (0, 0)}
SMALLEST = 2048  # numbers; below that nothing is won


def store_weights_as_int8(source: Path, target: Path) -> None:
    model = onnx.load(str(source))
    graph = model.graph
    initializers = {one.name: one for one in graph.initializer}
    stored = []  # come first, since any operator may use what they give
    for node in graph.node:
        position, axis = AXES.get(node.op_type, (0, 0))
        name = node.input[position] if node.op_type in AXES else ""
        if name in initializers and initializers[name].data_type == onnx.TensorProto.FLOAT:
            weight = numpy_helper.to_array(initializers[name])
            if weight.size >= SMALLEST:
                if node.op_type == "Gemm" and not transposed(node):
                    axis = 1
                graph.initializer.remove(initializers.pop(name))
                values, scales = quantise(weight, axis)
                graph.initializer.extend([
                    numpy_helper.from_array(values, f"{name}_int8"),
                    numpy_helper.from_array(scales, f"{name}_scale"),
                    numpy_helper.from_array(np.zeros(len(scales), np.int8), f"{name}_zero"),
                ])
                stored.append(helper.make_node(
                    "DequantizeLinear", [f"{name}_int8", f"{name}_scale", f"{name}_zero"], [name], axis=axis,
                ))
    nodes = [*stored, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def transposed(gemm: onnx.NodeProto) -> bool:
    return any(one.name == "transB" and one.i for one in gemm.attribute)


def quantise(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """-> int8 values, and per channel the scale with the least squared error of a few."""
    others = tuple(i for i in range(weight.ndim) if i != axis)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    largest = np.where(largest == 0, 1, largest)
    best, error = None, None
    for clip in (1.0, 0.95, 0.9, 0.85, 0.8):
        scale = largest * clip / 127
        values = np.clip(np.round(weight / scale), -127, 127)
        square = ((values * scale - weight) ** 2).sum(axis=others, keepdims=True)
        if best is None:
            best, error = scale, square
        best, error = np.where(square < error, scale, best), np.minimum(square, error)
    values = np.clip(np.round(weight / best), -127, 127).astype(np.int8)
    return values, best.reshape(-1).astype(np.float32)
