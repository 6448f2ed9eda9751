"""Step 4: train the codec's decoder. The patch decoder stays; a small network adds what it lacks, at the
seams of patches above all. It ships if it is worth its bytes, which `export` decides.

    python -m generate.refiner [--minutes N]"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .codec import PatchDecoder, load_basis, load_latents, psnr, to_pixels, to_tensor
from .learning import SEED, Task, learn
from .pictures import FLIPS, Pictures
from .settings import CHANNELS, RECIPES, Recipe

WIDTH, FINE = 128, 64  # channels at 12 and at 24 cells a side
NOISE = 0.25  # at most, mixed into latents: drawn ones are never exact, and patches then show
HELD_OUT = 256
GRADIENTS = 0.5  # weight of differences between neighbouring pixels


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class Refiner(nn.Module):
    """[n, CHANNELS, GRID, GRID] -> [n, 3, PX, PX]."""

    def __init__(self, basis: dict[str, np.ndarray]):
        super().__init__()
        self.patches = PatchDecoder(basis).requires_grad_(False)
        self.enter = nn.Conv2d(CHANNELS, WIDTH, 3, padding=1)
        self.coarse = nn.Sequential(*(Block(WIDTH) for _ in range(3)))
        self.grow = nn.Sequential(nn.SiLU(), nn.Conv2d(WIDTH, 4 * FINE, 3, padding=1), nn.PixelShuffle(2))
        self.fine = Block(FINE)
        last = nn.Conv2d(FINE, 3 * 16, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.leave = nn.Sequential(nn.SiLU(), last, nn.PixelShuffle(4))

    def forward(self, z: Tensor) -> Tensor:
        return self.patches(z) + self.leave(self.fine(self.grow(self.coarse(self.enter(z)))))


class Batches:
    def __init__(self, recipe: Recipe):
        pictures = Pictures(recipe)
        self.rows, self.validation = pictures.training, pictures.validation[:HELD_OUT]
        self.pixels, self.latents, self.size = pictures.pixels, load_latents(recipe), recipe.refiner.batch

    def loss(self, network: nn.Module, number: int) -> Tensor:
        random = np.random.default_rng([SEED, number])
        flip, rows = random.integers(FLIPS), random.choice(self.rows, self.size)
        noise = random.uniform(0, NOISE, (self.size, 1, 1, 1)).astype(np.float32)
        z = self.latents[flip, rows] + noise * random.standard_normal((self.size, *self.latents.shape[2:]), np.float32)
        pixels = self.pixels[rows]
        image = to_tensor(pixels[:, :, ::-1] if flip else pixels)
        with torch.autocast("cpu", torch.bfloat16):
            shown = network(torch.from_numpy(z).contiguous(memory_format=torch.channels_last))
        error = shown.float() - image
        across, down = error.diff(dim=3), error.diff(dim=2)
        return error.abs().mean() + GRADIENTS * (across.abs().mean() + down.abs().mean())

    @torch.no_grad()
    def held_out(self, network: nn.Module) -> dict[str, float]:
        z = torch.from_numpy(self.latents[0, self.validation].astype(np.float32))
        shown = to_pixels(network(z))
        decibels = psnr(shown, np.asarray(self.pixels[self.validation]))
        return {"held_out": -decibels}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--minutes", type=float, help="in place of the recipe's")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    batches = Batches(recipe)
    network = Refiner(load_basis(recipe)).to(memory_format=torch.channels_last)
    learn(recipe, Task("refiner", network, recipe.refiner, batches.loss, batches.held_out), options.minutes)


if __name__ == "__main__":
    main()
