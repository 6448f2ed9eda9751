"""From a trained network to an ONNX file as it ships: opset 18, only the batch varies, int8 weights."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from clip.quantise import store_weights_as_int8

OPSET = 18
BATCHES = (1, 2, 5)
TOLERANCE = 1e-4


def write(network: nn.Module, inputs: dict[str, Tensor], output: str, exact: Path, stored: Path | None = None) -> float:
    """Exports to `exact`, and with int8 weights to `stored`. -> the largest difference between
    onnxruntime and PyTorch, which is refused above TOLERANCE."""
    network = network.eval().to(memory_format=torch.contiguous_format)
    torch.onnx.export(
        network, tuple(inputs.values()), str(exact), input_names=list(inputs), output_names=[output],
        opset_version=OPSET, dynamo=False, dynamic_axes={name: {0: "batch"} for name in (*inputs, output)},
    )
    session = open_session(exact)
    worst = 0.0
    for batch in BATCHES:
        some = {name: torch.cat([value] * batch)[:batch] for name, value in inputs.items()}
        with torch.no_grad():
            expected = network(*some.values()).numpy()
        given = session.run([output], {name: value.numpy() for name, value in some.items()})[0]
        worst = max(worst, float(np.abs(given - expected).max()))
    if worst > TOLERANCE:
        raise SystemExit(f"{exact.name}: onnxruntime differs from PyTorch by {worst:.1e}")
    if stored:
        store_weights_as_int8(exact, stored)
    return worst


def open_session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
