"""Makes the pipelines of a few kilobytes on which the engine of src/generate is tested: random weights
and the very inputs and outputs of real pipelines. They draw nothing that anybody would want to see.

    python -m generate.toy ../test/fixtures/pipelines

Needs torch and onnx. The files differ in no byte from run to run with the same versions.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import torch
from torch import nn

OPSET = 17


def save(module, folder, file, inputs, outputs):
    """Exports `module`; `inputs` are examples by name, whose first side, the rows, becomes free."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [*inputs, *outputs]
    free = {name: {0: "rows"} for name in names if name not in inputs or inputs[name].dim() > 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), tuple(inputs.values()), str(path), dynamo=False, opset_version=OPSET,
                          input_names=list(inputs), output_names=list(outputs), dynamic_axes=free)


def write_manifest(folder, manifest):
    """Adds what is known of the files: their sizes and digests."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "pipeline.json")
    files = {
        path.relative_to(folder).as_posix(): {
            "sizeBytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in paths
    }
    text = json.dumps({**manifest, "files": files}, indent=1, ensure_ascii=False)
    (folder / "pipeline.json").write_text(text + "\n", encoding="utf-8")


def rows(*shape):
    """An example of two rows."""
    return torch.randn(2, *shape)


class Prior(nn.Module):
    """x, t, emb, keep -> x0, all of `width`."""

    def __init__(self, width):
        super().__init__()
        self.null = nn.Parameter(torch.randn(width))
        self.net = nn.Sequential(nn.Linear(2 * width + 1, 24), nn.SiLU(), nn.Linear(24, width))

    def forward(self, x, t, emb, keep):
        keep = keep[:, None]
        told = keep * emb + (1 - keep) * self.null
        return self.net(torch.cat([x, told, t[:, None]], dim=1))


class Decoder(nn.Module):
    """x, t, emb, aug, keep -> v, of `channels`."""

    def __init__(self, width, channels):
        super().__init__()
        self.null = nn.Parameter(torch.randn(width))
        self.told = nn.Linear(width + 2, 8)
        self.into = nn.Conv2d(channels, 8, 3, padding=1)
        self.out = nn.Conv2d(8, channels, 3, padding=1)

    def forward(self, x, t, emb, aug, keep):
        keep = keep[:, None]
        told = torch.cat([keep * emb + (1 - keep) * self.null, t[:, None], aug[:, None]], dim=1)
        return 0.5 * x + self.out(torch.tanh(self.into(x) + self.told(told)[:, :, None, None]))


class CodecDecoder(nn.Module):
    """z -> image in [-1, 1]."""

    def __init__(self, channels, cell):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(channels, 3 * cell * cell, 1), nn.PixelShuffle(cell), nn.Tanh())

    def forward(self, z):
        return self.net(z)


class CodecEncoder(nn.Module):
    """image -> z"""

    def __init__(self, channels, cell):
        super().__init__()
        self.net = nn.Sequential(nn.PixelUnshuffle(cell), nn.Conv2d(3 * cell * cell, channels, 1))

    def forward(self, image):
        return self.net(image)


def unclip(folder, prior_kind):
    """The form of the built-in pipeline, with the given kind of prior."""
    torch.manual_seed(1)
    width, channels, cell, side = 8, 4, 4, 16
    latent = (channels, side // cell, side // cell)
    if prior_kind == "diffusion":
        inputs = {"x": rows(width), "t": torch.rand(2), "emb": rows(width), "keep": torch.ones(2)}
        save(Prior(width), folder, "onnx/prior.onnx", inputs, ["x0"])
        prior = {
            "kind": "diffusion",
            "file": "onnx/prior.onnx",
            "inputs": {"sample": "x", "time": "t", "text": "emb", "keep": "keep"},
            "output": "x0",
            "prediction": "sample",
            "schedule": {"type": "flow", "solver": "dpmpp2m", "steps": 5},
            "guidance": 1,
            "samples": 4,
        }
    else:
        save(nn.Linear(width, width), folder, "onnx/prior.onnx", {"emb": rows(width)}, ["x0"])
        prior = {"kind": "regression", "file": "onnx/prior.onnx", "inputs": {"text": "emb"}, "output": "x0"}
    inputs = {"x": rows(*latent), "t": torch.rand(2), "emb": rows(width), "aug": torch.rand(2), "keep": torch.ones(2)}
    save(Decoder(width, channels), folder, "onnx/decoder.onnx", inputs, ["v"])
    save(CodecDecoder(channels, cell), folder, "onnx/codec-decoder.onnx", {"z": rows(*latent)}, ["image"])
    save(CodecEncoder(channels, cell), folder, "onnx/codec-encoder.onnx", {"image": rows(3, side, side)}, ["z"])
    mean, std = torch.randn(width) * 0.2, torch.rand(width) * 0.3 + 0.1
    write_manifest(folder, {
        "schema": "lucida.pipeline/1",
        "name": folder.name,
        "title": f"Random weights in the form of the built-in pipeline, its prior a {prior_kind}",
        "license": "MIT",
        "sessionConfig": {"session.disable_quant_qdq": "1"},
        "embedding": {
            "space": "toy",
            "recipe": "0123456789abcdef",
            "dimension": width,
            "mean": [round(value, 4) for value in mean.tolist()],
            "std": [round(value, 4) for value in std.tolist()],
        },
        "text": "search",
        "prior": prior,
        "decoder": {
            "file": "onnx/decoder.onnx",
            "inputs": {"sample": "x", "time": "t", "embedding": "emb", "noise": "aug", "keep": "keep"},
            "output": "v",
            "prediction": "velocity",
            "schedule": {"type": "flow", "solver": "dpmpp2m", "steps": 10, "start": 0.999},
            "guidance": {"mode": "keep", "scale": 2.5, "interval": [0.15, 0.85]},
        },
        "codec": {
            "decode": {"file": "onnx/codec-decoder.onnx", "input": "z", "output": "image"},
            "encode": {"file": "onnx/codec-encoder.onnx", "input": "image", "output": "z"},
            "channels": channels,
            "downscale": cell,
            "scale": 1,
            "shift": 0,
            "range": [-1, 1],
        },
        "size": {"widthPx": side, "heightPx": side},
    })


def main(target):
    unclip(target / "toy-unclip", "diffusion")
    unclip(target / "toy-regression", "regression")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
