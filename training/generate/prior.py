"""Step 5: the priors, from the embedding of a text to that of a picture: ridge regression in closed
form, and a diffusion prior (Ramesh et al. 2022) that is a perceptron.

    python -m generate.prior [--minutes N]"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .decoder_model import perceptron, waves, WAVES
from .flow import noised
from .learning import SEED, Task, learn
from .pictures import FLIPS, Pictures
from .settings import EMBEDDING, RECIPES, Recipe

BLOCKS = 4
WITHOUT = 0.1  # share of samples that learn without a text
CAPTIONED = 0.5  # share of samples that have a caption, not a name
PENALTIES = (0.001, 0.01, 0.1, 1, 10, 100, 1000)
HELD_OUT_TIMES = (0.25, 0.5, 0.75, 1.0)


class Block(nn.Module):
    """A perceptron around a shortcut, scaled, shifted and gated by what it is told (Peebles and Xie 2023)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.tell = nn.Linear(width, 3 * width)
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift, gate = self.tell(told).chunk(3, dim=1)
        h = self.norm(x) * (1 + scale) + shift
        return x + gate * self.outer(F.dropout(F.silu(self.inner(h)), 0.1, self.training))


class Prior(nn.Module):
    """x [n, EMBEDDING] at times t [n], the text's embedding `emb` -> the picture's, standardised."""

    def __init__(self, width: int):
        super().__init__()
        self.time, self.text = perceptron(2 * WAVES, width), perceptron(EMBEDDING, width)
        self.nothing = nn.Parameter(torch.zeros(1, EMBEDDING))
        self.enter = nn.Linear(EMBEDDING, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(BLOCKS))
        self.norm, self.leave = nn.LayerNorm(width), nn.Linear(width, EMBEDDING)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, t: Tensor, emb: Tensor, keep: Tensor) -> Tensor:
        given = keep[:, None]
        text = self.text((given * emb + (1 - given) * self.nothing) * EMBEDDING**0.5)
        told = F.silu(self.time(waves(t)) + text)
        h = self.enter(x)
        for block in self.blocks:
            h = block(h, told)
        return self.leave(self.norm(h))


class Ridge(nn.Module):
    """The text's embedding -> the mean of the pictures' that go with such texts, standardised."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray):
        super().__init__()
        self.project = nn.Linear(EMBEDDING, EMBEDDING)
        with torch.no_grad():
            self.project.weight.copy_(torch.from_numpy(weight.T.copy()))
            self.project.bias.copy_(torch.from_numpy(bias))

    def forward(self, emb: Tensor) -> Tensor:
        return self.project(emb)


class Pairs:
    """Texts and the pictures they go with; captions are drawn as often as names."""

    def __init__(self, recipe: Recipe):
        self.pictures = Pictures(recipe)
        self.embeddings = self.pictures.standardised(self.pictures.embeddings).astype(np.float32)
        self.texts, self.ids = self.pictures.arrays["text_embeddings"], self.pictures.text_ids
        self.size = recipe.prior.batch
        self.groups = [self.with_text(self.pictures.training, captioned) for captioned in (True, False)]

    def with_text(self, rows: np.ndarray, captioned: bool) -> np.ndarray:
        rows = rows[self.ids[rows, 0] >= 0]
        return rows[(self.pictures.arrays["set_index"][rows] == 0) == captioned]

    def draw(self, random: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        """-> text embeddings, and standardised picture embeddings."""
        captioned = random.random(size) < CAPTIONED
        rows = np.where(captioned, random.choice(self.groups[0], size), random.choice(self.groups[1], size))
        ids = self.ids[rows, random.integers(self.ids.shape[1], size=size)]
        return self.texts[ids], self.embeddings[random.integers(FLIPS, size=size), rows]

    def loss(self, network: nn.Module, number: int) -> Tensor:
        random = np.random.default_rng([SEED, number])
        text, x0 = self.draw(random, self.size)
        t = random.uniform(0, 1, self.size).astype(np.float32)
        keep = (random.random(self.size) >= WITHOUT).astype(np.float32)
        x = noised(x0, random.standard_normal(x0.shape, np.float32), t)
        with torch.autocast("cpu", torch.bfloat16):
            guess = network(*map(torch.from_numpy, (x, t, text, keep)))
        return F.mse_loss(guess.float(), torch.from_numpy(x0))

    @torch.no_grad()
    def held_out(self, network: nn.Module) -> dict[str, float]:
        """Mean loss on captions of validation rows at fixed times, with fixed noise."""
        random = np.random.default_rng(SEED)
        text, x0 = self.validation_captions()
        noise, ones = random.standard_normal(x0.shape, np.float32), np.ones(len(x0), np.float32)
        losses = []
        for t in HELD_OUT_TIMES:
            x = noised(x0, noise, t * ones)
            losses.append(F.mse_loss(network(*map(torch.from_numpy, (x, t * ones, text, ones))), torch.from_numpy(x0)).item())
        return {"held_out": float(np.mean(losses))} | {f"at {t}": loss for t, loss in zip(HELD_OUT_TIMES, losses)}

    def validation_captions(self) -> tuple[np.ndarray, np.ndarray]:
        rows = self.with_text(self.pictures.validation, captioned=True)
        return self.texts[self.ids[rows, 0]], self.embeddings[0, rows]


def ridge(pairs: Pairs) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The penalty that explains validation captions best. -> weights, and how well."""
    text, x0 = pairs.draw(np.random.default_rng(SEED), 100_000)
    text_mean, mean = text.mean(0), x0.mean(0)
    gram, cross = (text - text_mean).T @ (text - text_mean), (text - text_mean).T @ (x0 - mean)
    held_text, held_x0 = pairs.validation_captions()
    best = None
    for penalty in PENALTIES:
        weight = np.linalg.solve(gram + penalty * np.eye(EMBEDDING), cross).astype(np.float32)
        bias = (mean - text_mean @ weight).astype(np.float32)
        loss = float(((held_text @ weight + bias - held_x0) ** 2).mean())
        if best is None or loss < best[1]["held_out"]:
            best = ({"weight": weight, "bias": bias}, {"penalty": penalty, "held_out": loss})
    return best


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--minutes", type=float, help="in place of the recipe's")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    pairs = Pairs(recipe)
    weights, figures = ridge(pairs)
    np.savez(recipe.folder / "ridge.npz", **weights)
    print(f"ridge: {figures}", flush=True)
    learn(recipe, Task("prior", Prior(recipe.prior_width), recipe.prior, pairs.loss, pairs.held_out), options.minutes)


if __name__ == "__main__":
    main()
