"""The shipped files at work, as the program runs them: text embedding -> prior -> decoder -> picture.
What is measured here is what is used."""

import json
from pathlib import Path

import numpy as np
import torch

from clip.models import unit

from .codec import to_pixels
from .flow import dpmpp2m, times
from .onnx_files import open_session
from .settings import EMBEDDING, LATENT

AT_ONCE = 16  # pictures; guidance makes it twice as many rows


def noise_of(seed: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """What one seed gives, in the order of drawing: for the prior [samples, EMBEDDING], for the decoder."""
    generator = torch.Generator().manual_seed(seed)
    prior = torch.randn(samples * EMBEDDING, generator=generator).view(samples, EMBEDDING)
    return prior.numpy(), torch.randn(int(np.prod(LATENT)), generator=generator).view(LATENT).numpy()


class Pipeline:
    def __init__(self, folder: Path, threads: int = 1, prior: tuple[dict, Path] | None = None):
        """`prior`: another in place of the folder's own, as (its part of pipeline.json, its file)."""
        self.spec = json.loads((folder / "pipeline.json").read_text())
        own = self.spec["prior"]
        self.prior_spec, prior_file = prior or (own, folder / own["file"])
        self.prior = open_session(prior_file, threads)
        self.decoder = open_session(folder / self.spec["decoder"]["file"], threads)
        self.codec = open_session(folder / self.spec["codec"]["decode"]["file"], threads)
        self.mean, self.std = (np.array(self.spec["embedding"][key], np.float32) for key in ("mean", "std"))

    def candidates(self, texts: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """[n, E] and [n, samples, E] -> picture embeddings [n, samples, E] of unit length."""
        count, samples, _ = noise.shape
        if self.prior_spec["kind"] == "regression":
            x0 = np.repeat(self.prior.run(["x0"], {"emb": texts})[0][:, None], samples, 1)
        else:
            emb, keep = np.repeat(texts, samples, 0), np.ones(count * samples, np.float32)
            def denoise(x, t):
                return self.prior.run(["x0"], {"x": x, "t": np.full(len(x), t, np.float32), "emb": emb, "keep": keep})[0]
            path = times(self.prior_spec["schedule"]["steps"])
            x0 = dpmpp2m(denoise, noise.reshape(-1, EMBEDDING), path).reshape(count, samples, EMBEDDING)
        return unit((x0 * self.std + self.mean).reshape(-1, EMBEDDING)).reshape(x0.shape)

    def embed(self, texts: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Of the candidates the one nearest to the text: [n, E]."""
        candidates = self.candidates(texts, noise)
        best = np.einsum("nse,ne->ns", candidates, texts).argmax(1)
        return candidates[np.arange(len(texts)), best]

    def draw(self, embeddings: np.ndarray, noise: np.ndarray, aug: float = 0, aug_noise: np.ndarray | None = None) -> np.ndarray:
        """[n, E] of unit length, [n, *LATENT] -> [n, PX, PX, 3] bytes."""
        parts = []
        for at in range(0, len(embeddings), AT_ONCE):
            some = slice(at, at + AT_ONCE)
            z = self.latents(embeddings[some], noise[some], aug, None if aug_noise is None else aug_noise[some])
            parts.append(to_pixels(self.codec.run(["image"], {"z": z})[0]))
        return np.concatenate(parts)

    def latents(self, embeddings: np.ndarray, noise: np.ndarray, aug: float = 0, aug_noise: np.ndarray | None = None) -> np.ndarray:
        rule, count = self.spec["decoder"], len(embeddings)
        emb = ((embeddings - self.mean) / self.std).astype(np.float32)
        if aug_noise is not None:
            emb = np.float32(np.sqrt(1 - aug**2)) * emb + np.float32(aug) * aug_noise
        (low, high), scale = rule["guidance"]["interval"], rule["guidance"]["scale"]

        def velocity(x, t, keep):
            times_, aug_ = np.full(len(x), t, np.float32), np.full(len(x), aug, np.float32)
            return self.decoder.run(["v"], {"x": x, "t": times_, "emb": emb[: len(x)] if len(x) == count else np.concatenate([emb, emb]), "aug": aug_, "keep": keep})[0]

        def denoise(x, t):
            if not low <= t <= high:
                return x - np.float32(t) * velocity(x, t, np.ones(count, np.float32))
            keep = np.repeat(np.array([1, 0], np.float32), count)
            with_, without = np.split(velocity(np.concatenate([x, x]), t, keep), 2)
            return x - np.float32(t) * (without + np.float32(scale) * (with_ - without))

        return dpmpp2m(denoise, noise, times(rule["schedule"]["steps"], rule["schedule"]["start"]))
