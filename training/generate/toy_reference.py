"""Draws with the toy pipelines in PyTorch, the sampler written out by itself, so that the engine's
pictures have something to be compared with.

    python -m generate.toy_reference ../test/fixtures/pipelines ../test/golden/toy-drawings.json

Needs torch, onnxruntime and tokenizers.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer

TEXT = [0.5, -0.5, 0.1, 0.3, -0.4, 0.2, 0.4, 0.2]
OTHER_TEXT = [-0.3, 0.2, 0.6, -0.1, 0.1, 0.5, -0.4, 0.3]
PROMPT = "a dog on the red boat"
OTHER_PROMPT = "snow"
CASES = [
    {"seed": 0},
    {"seed": 42, "guidance": 4.0, "steps": 7},
    {"seed": 4294967295, "variation": 0.4, "negative": True},
]


TYPES = {
    "tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_,
}


def unit(vector):
    return vector / vector.norm(dim=-1, keepdim=True)


class Pipeline:
    def __init__(self, folder):
        self.manifest = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.sessions = {
            file: onnxruntime.InferenceSession(str(folder / file), options)
            for file in self.manifest["files"] if file.endswith(".onnx")
        }
        if "embedding" in self.manifest:
            embedding = self.manifest["embedding"]
            self.mean, self.std = torch.tensor(embedding["mean"]), torch.tensor(embedding["std"])

    def run(self, file, **feeds):
        """The first output."""
        return self.run_all(file, **feeds)[0]

    def run_all(self, file, **feeds):
        session = self.sessions[file]
        types = {one.name: TYPES[one.type] for one in session.get_inputs()}
        feeds = {name: np.asarray(value).astype(types[name]) for name, value in feeds.items()}
        return [torch.from_numpy(output) for output in session.run(None, feeds)]


class BuiltIn(Pipeline):
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
        return embedding, pixels_of(image / 2 + 0.5)


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


class Encoded(Pipeline):
    """With a text encoder of its own."""

    def __init__(self, folder):
        super().__init__(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json"))

    def encode(self, text):
        """ids and mask, each with a row in front."""
        rule = self.manifest["text"]["tokenizer"]
        ids = self.tokenizer.encode(text).ids
        space = rule["contextLength"] - len(ids)
        assert space > 0
        return torch.tensor([ids + [rule["padId"]] * space]), torch.tensor([[1] * len(ids) + [0] * space])


class UnClip(Encoded):
    """Kandinsky 2.2 and Karlo as far as they agree: text encoder and prior."""

    def read(self, text):
        ids, mask = self.encode(text)
        return [*self.run_all("text_encoder/model.onnx", input_ids=ids), mask]

    def imagine(self, text, generator):
        noise = lambda: torch.randn(1, len(self.mean), generator=generator)
        with_, without = self.read(text), self.read("")
        both = [torch.cat(pair) for pair in zip(without, with_)]

        def predict(x, t):
            answer = self.run(
                "prior/model.onnx", hidden_states=torch.cat([x, x]), timestep=t, proj_embedding=both[0],
                encoder_hidden_states=both[1], attention_mask=both[2])
            return answer[:1] + 4 * (answer[1:] - answer[:1]), None

        x = unclip(noise(), self.manifest["prior"]["schedule"]["steps"], predict, noise, limit=5, predicts="sample")
        return x * self.std + self.mean


class Kandinsky(UnClip):
    def draw(self, seed, guidance=4.0, steps=8, negative=False):
        generator = torch.Generator().manual_seed(seed)
        embedding = self.imagine(PROMPT, generator)
        away = torch.tensor([self.manifest["decoder"]["guidance"]["nothing"]])
        if negative:
            away = self.imagine(OTHER_PROMPT, torch.Generator().manual_seed(seed))
        noise = lambda: torch.randn(1, 4, 4, 4, generator=generator)
        x = noise()
        bars = alpha_bars(torch.linspace(0.00085, 0.012, 1000))
        stride = 1000 // steps
        for t in [i * stride + 1 for i in reversed(range(steps))]:
            answer = self.run(
                "unet/model.onnx", sample=torch.cat([x, x]), timestep=t, image_embeds=torch.cat([away, embedding]))[:, :4]
            epsilon = answer[:1] + guidance * (answer[1:] - answer[:1])
            here, there = bars[t], bars[t - stride] if t >= stride else torch.tensor(1.0)
            beta = 1 - here / there
            z = (x - (1 - here).sqrt() * epsilon) / here.sqrt()
            mean = there.sqrt() * beta / (1 - here) * z + (here / there).sqrt() * (1 - there) / (1 - here) * x
            x = mean + ((1 - there) / (1 - here) * beta).clamp(min=1e-20).sqrt() * noise()
        image = self.run("movq_decoder/model.onnx", latent_sample=x / 20)[0]
        return unit(embedding[0]), pixels_of(image / 2 + 0.5)


class Karlo(UnClip):
    def draw(self, seed, guidance=8.0, steps=6):
        generator = torch.Generator().manual_seed(seed)
        embedding = self.imagine(PROMPT, generator)
        noise = lambda side=8: torch.randn(1, 3, side, side, generator=generator)
        x = noise()
        with_, without = self.read(PROMPT), self.read("")
        text, hidden, mask = [torch.cat(pair) for pair in zip(without, with_)]
        told = self.run_all(
            "text_proj/model.onnx", image_embeddings=torch.cat([torch.zeros_like(embedding), embedding]),
            prompt_embeds=text, text_encoder_hidden_states=hidden, text_mask=mask, keep=[0, 1])

        def predict(x, t):
            answer = self.run(
                "decoder/model.onnx", sample=torch.cat([x, x]), timestep=t, encoder_hidden_states=told[0],
                class_labels=told[1], attention_mask=told[2])
            without, with_ = answer[:1, :3], answer[1:, :3]
            return without + guidance * (with_ - without), answer[1:, 3:]

        x = unclip(x, steps, predict, noise, limit=1)
        small = x.clamp(-1, 1)
        large = torch.nn.functional.interpolate(small, size=[32, 32], mode="bicubic", align_corners=False, antialias=True)
        last = self.manifest["upsampler"]["schedule"]["steps"] - 1
        calls = []

        def enlarge(x, t):
            calls.append(t)
            name = "super_res_last" if len(calls) > last else "super_res_first"
            return self.run(f"{name}/model.onnx", sample=torch.cat([x, large], dim=1), timestep=t), None

        noise32 = lambda: noise(32)
        x = unclip(noise32(), last + 1, enlarge, noise32, limit=1)
        return unit(embedding[0]), pixels_of(x[0] / 2 + 0.5)


class Consistency(Encoded):
    def draw(self, seed, guidance=8.5, steps=4):
        generator = torch.Generator().manual_seed(seed)
        noise = lambda: torch.randn(1, 4, 4, 4, generator=generator)
        hidden = self.run("text_encoder/model.onnx", input_ids=self.encode(PROMPT)[0])
        angles = 1000 * (guidance - 1) * torch.exp(-math.log(10000) * torch.arange(128) / 127)
        told = torch.cat([angles.sin(), angles.cos()])[None]
        bars = alpha_bars(torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
        original = [20 * (i + 1) - 1 for i in reversed(range(50))]
        times = [original[i * 50 // steps] for i in range(steps)]
        x = noise()
        for i, t in enumerate(times):
            epsilon = self.run(
                "unet/model.onnx", sample=x, timestep=[t], encoder_hidden_states=hidden, timestep_cond=told)
            z = (x - (1 - bars[t]).sqrt() * epsilon) / bars[t].sqrt()
            skip, out = 0.25 / ((10 * t) ** 2 + 0.25), 10 * t / math.sqrt((10 * t) ** 2 + 0.25)
            x = out * z + skip * x
            if i + 1 < steps:
                x = bars[times[i + 1]].sqrt() * x + (1 - bars[times[i + 1]]).sqrt() * noise()
        return None, pixels_of(self.run("vae_decoder/model.onnx", latent_sample=x / 20 + 0.1)[0])


def alpha_bars(betas):
    return torch.cumprod(1 - betas, 0)


def unclip(x, steps, predict, noise, limit, predicts="epsilon"):
    """Ancestral sampling on the cosine schedule, as UnCLIP's scheduler does it."""
    bar = lambda i: math.cos((i / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = torch.tensor([min(1 - bar(i + 1) / bar(i), 0.999) for i in range(1000)])
    bars = alpha_bars(betas)
    times = [round(i * 999 / (steps - 1)) for i in reversed(range(steps))]
    for i, t in enumerate(times):
        before = times[i + 1] if i + 1 < steps else t - 1
        here, there = bars[t], bars[before] if before >= 0 else torch.tensor(1.0)
        beta = betas[t] if before == t - 1 else 1 - here / there
        value, spread = predict(x, t)
        z = value if predicts == "sample" else (x - (1 - here).sqrt() * value) / here.sqrt()
        z = z.clamp(-limit, limit)
        mean = there.sqrt() * beta / (1 - here) * z + (1 - beta).sqrt() * (1 - there) / (1 - here) * x
        x = mean
        if t > 0:
            least = ((1 - there) / (1 - here) * beta).clamp(min=1e-20).log()
            share = 0 if spread is None else (spread + 1) / 2
            x = mean + torch.exp(0.5 * (share * beta.log() + (1 - share) * least)) * noise()
    return x


def pixels_of(image):
    """[3, h, w] in [0, 1] -> bytes [h, w, 3]"""
    return (image * 255).clamp(0, 255).round().permute(1, 2, 0)


FAMILIES = {
    "toy-unclip": (BuiltIn, CASES),
    "toy-kandinsky": (Kandinsky, [{"seed": 1}, {"seed": 2, "guidance": 2.0, "steps": 5, "negative": True}]),
    "toy-karlo": (Karlo, [{"seed": 1}, {"seed": 2, "guidance": 3.0, "steps": 5}]),
    "toy-consistency": (Consistency, [{"seed": 1}, {"seed": 2, "guidance": 2.0, "steps": 3}]),
}


def main(folder, target):
    drawings = []
    for name, (family, cases) in FAMILIES.items():
        pipeline = family(folder / name)
        for case in cases:
            embedding, pixels = pipeline.draw(**case)
            drawings.append({
                "pipeline": name,
                **case,
                "embedding": None if embedding is None else [round(value, 5) for value in embedding.tolist()],
                "pixels": pixels.flatten().int().tolist(),
            })
    record = {
        "source": "training/generate/toy_reference.py",
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "text": TEXT,
        "otherText": OTHER_TEXT,
        "prompt": PROMPT,
        "otherPrompt": OTHER_PROMPT,
        "drawings": drawings,
    }
    target.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
