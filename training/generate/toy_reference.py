"""Draws with the toy pipelines in PyTorch, the sampler written out by itself, so that the engine's
pictures have something to be compared with.

    python -m generate.toy_reference ../test/fixtures/pipelines ../test/golden/toy-unclip.json

Needs torch and onnxruntime.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

TEXT = [0.5, -0.5, 0.1, 0.3, -0.4, 0.2, 0.4, 0.2]
OTHER_TEXT = [-0.3, 0.2, 0.6, -0.1, 0.1, 0.5, -0.4, 0.3]
CASES = [
    {"seed": 0},
    {"seed": 42, "guidance": 4.0, "steps": 7},
    {"seed": 4294967295, "variation": 0.4, "negative": True},
]


def unit(vector):
    return vector / vector.norm(dim=-1, keepdim=True)


class Pipeline:
    def __init__(self, folder):
        self.manifest = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.sessions = {
            file: onnxruntime.InferenceSession(str(folder / file), options) for file in self.manifest["files"]
        }
        embedding = self.manifest["embedding"]
        self.mean, self.std = torch.tensor(embedding["mean"]), torch.tensor(embedding["std"])

    def run(self, file, **feeds):
        feeds = {name: np.asarray(value, np.float32) for name, value in feeds.items()}
        return torch.from_numpy(self.sessions[file].run(None, feeds)[0])

    def imagine(self, text, generator):
        """The best of the prior's samples."""
        samples, steps = self.manifest["prior"]["samples"], self.manifest["prior"]["schedule"]["steps"]
        x = torch.randn(samples, len(text), generator=generator)
        ones = torch.ones(samples)
        told = text.expand(samples, -1)
        x = dpmpp2m(x, steps, lambda x, t: self.run("onnx/prior.onnx", x=x, t=ones * t, emb=told, keep=ones))
        found = unit(x * self.std + self.mean)
        return found[(found @ text).argmax()]

    def draw(self, seed, guidance=2.5, steps=10, variation=0.0, negative=False):
        generator = torch.Generator().manual_seed(seed)
        embedding = self.imagine(unit(torch.tensor(TEXT)), generator)
        unwanted = None
        if negative:
            unwanted = self.imagine(unit(torch.tensor(OTHER_TEXT)), torch.Generator().manual_seed(seed))
        x = torch.randn(1, 4, 4, 4, generator=generator)
        seen = (embedding - self.mean) / self.std
        if variation > 0:
            noise = torch.randn(len(seen), generator=generator)
            seen = math.sqrt(1 - variation**2) * seen + variation * noise

        def velocity(x, t, emb, aug, keep):
            one = torch.ones(1)
            return self.run("onnx/decoder.onnx", x=x, t=one * t, emb=emb[None], aug=one * aug, keep=one * keep)

        def picture(x, t):
            v = velocity(x, t, seen, variation, 1)
            if 0.15 <= t <= 0.85:
                if negative:
                    away = velocity(x, t, (unwanted - self.mean) / self.std, 0, 1)
                else:
                    away = velocity(x, t, seen, variation, 0)
                v = away + guidance * (v - away)
            return x - t * v

        z = dpmpp2m(x, steps, picture)
        image = self.run("onnx/codec-decoder.onnx", z=z)[0]
        return embedding, ((image + 1) * 127.5).clamp(0, 255).round().permute(1, 2, 0)


def dpmpp2m(x, steps, predict):
    """DPM-Solver++(2M) on x_t = (1 - t) z + t noise, from t = 0.999 evenly to 0."""
    times = [0.999 * (1 - i / steps) for i in range(steps + 1)]
    lam = lambda t: math.log((1 - t) / t)
    before = None
    for i in range(steps):
        s, t = times[i], times[i + 1]
        z = predict(x, s)
        if t == 0:
            return z
        h = lam(t) - lam(s)
        d = z
        if before is not None:
            r = (lam(s) - lam(times[i - 1])) / h
            d = (1 + 1 / (2 * r)) * z - 1 / (2 * r) * before
        x = t / s * x - (1 - t) * (math.exp(-h) - 1) * d
        before = z
    return x


def main(folder, target):
    pipeline = Pipeline(folder / "toy-unclip")
    drawings = []
    for case in CASES:
        embedding, pixels = pipeline.draw(**case)
        drawings.append({
            **case,
            "embedding": [round(value, 5) for value in embedding.tolist()],
            "pixels": pixels.flatten().int().tolist(),
        })
    record = {
        "source": "training/generate/toy_reference.py",
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "text": TEXT,
        "otherText": OTHER_TEXT,
        "drawings": drawings,
    }
    target.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
