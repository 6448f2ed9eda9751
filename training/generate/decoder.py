"""Step 3: train the decoder. From a picture's embedding and noise it learns the way to its latents.

    python -m generate.decoder [--minutes N]

Killed at any moment, the same command goes on from the last checkpoint; on several cores
`torchrun --nproc-per-node 2 -m` takes the place of `python -m`."""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .codec import load_latents
from .decoder_model import Decoder
from .flow import central_times, noised
from .learning import SEED, Task, learn
from .pictures import FLIPS, Pictures
from .settings import EMBEDDING, RECIPES, Recipe

WITHOUT = 0.1  # share of samples that learn without an embedding, for guidance
NOISED = 0.5  # share of samples whose embedding has noise mixed in
MOST_NOISE = 0.8
HELD_OUT = 512  # validation pictures
HELD_OUT_TIMES = (0.2, 0.4, 0.6, 0.8)


class Batches:
    """A batch depends on the seed and its number alone."""

    def __init__(self, recipe: Recipe, size: int, bfloat16: bool = True):
        pictures = Pictures(recipe)
        self.rows, self.validation = pictures.training, pictures.validation[:HELD_OUT]
        self.embeddings = pictures.standardised(pictures.embeddings).astype(np.float32)
        self.latents, self.size, self.bfloat16 = load_latents(recipe), size, bfloat16

    def loss(self, network: nn.Module, number: int) -> Tensor:
        random = np.random.default_rng([SEED, number])
        flips, rows = random.integers(FLIPS, size=self.size), random.choice(self.rows, self.size)
        z, t = self.latents[flips, rows].astype(np.float32), central_times(random, self.size)
        a = np.where(random.random(self.size) < NOISED, random.uniform(0, MOST_NOISE, self.size), 0)
        emb = mixed(self.embeddings[flips, rows], a, random.standard_normal((self.size, EMBEDDING), np.float32))
        keep = random.random(self.size) >= WITHOUT
        return self.velocity_loss(network, z, random.standard_normal(z.shape, np.float32), t, emb, a, keep)

    def velocity_loss(self, network: nn.Module, z, noise, t, emb, a, keep) -> Tensor:
        x, t, emb, a, keep = (torch.from_numpy(np.asarray(v, np.float32)) for v in (noised(z, noise, t), t, emb, a, keep))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            v = network(x, t, emb, a, keep)
        return F.mse_loss(v.float(), torch.from_numpy(noise - z))

    @torch.no_grad()
    def held_out(self, network: nn.Module) -> dict[str, float]:
        """Mean loss on validation rows at fixed times, with fixed noise."""
        random = np.random.default_rng(SEED)
        z = self.latents[0, self.validation].astype(np.float32)
        noise = random.standard_normal(z.shape, np.float32)
        emb, count = self.embeddings[0, self.validation], len(z)
        losses = [
            self.velocity_loss(network, z, noise, np.full(count, t, np.float32), emb, np.zeros(count), np.ones(count)).item()
            for t in HELD_OUT_TIMES
        ]
        return {"held_out": float(np.mean(losses))} | {f"at {t}": loss for t, loss in zip(HELD_OUT_TIMES, losses)}


def mixed(embeddings: np.ndarray, share: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Standardised embeddings with a share of noise, still of variance 1."""
    return np.sqrt(1 - share**2)[:, None] * embeddings + share[:, None] * noise


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--minutes", type=float, help="in place of the recipe's")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    batches = Batches(recipe, recipe.decoder.batch)
    learn(recipe, Task("decoder", Decoder(recipe.width), recipe.decoder, batches.loss, batches.held_out), options.minutes)


if __name__ == "__main__":
    main()
