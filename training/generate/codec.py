"""Step 2: the codec. Its encoder is a principal component analysis of 8 x 8 patches, in closed form;
so is its simplest decoder, which `refiner` improves on.

    python -m generate.codec

Every component is divided by the square root of its standard deviation, and all by one number more,
so that the mean variance is 1. That is half of whitening: the coarse stays ahead of the fine, and an
error in it, which shows most, counts most."""

import argparse

import numpy as np
import torch
from torch import Tensor, nn

from .pictures import FLIPS, Pictures
from .settings import CHANNELS, LATENT, PATCH, PX, RECIPES, Recipe

FITTED_ON = 4000  # pictures


class Encoder(nn.Module):
    """[n, 3, PX, PX] in [-1, 1] -> [n, CHANNELS, GRID, GRID]."""

    def __init__(self, basis: dict[str, np.ndarray]):
        super().__init__()
        weight = basis["components"] * basis["gain"][:, None]
        self.project = nn.Conv2d(3, CHANNELS, PATCH, PATCH)
        with torch.no_grad():
            self.project.weight.copy_(torch.from_numpy(weight.reshape(CHANNELS, 3, PATCH, PATCH)))
            self.project.bias.copy_(torch.from_numpy(-weight @ basis["mean"]))

    def forward(self, image: Tensor) -> Tensor:
        return self.project(image)


class PatchDecoder(nn.Module):
    """The way back, patch by patch."""

    def __init__(self, basis: dict[str, np.ndarray]):
        super().__init__()
        weight = (basis["components"] / basis["gain"][:, None]).T
        self.project = nn.Conv2d(CHANNELS, 3 * PATCH**2, 1)
        self.place = nn.PixelShuffle(PATCH)
        with torch.no_grad():
            self.project.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight))[:, :, None, None])
            self.project.bias.copy_(torch.from_numpy(basis["mean"]))

    def forward(self, z: Tensor) -> Tensor:
        return self.place(self.project(z))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    pictures = Pictures(recipe)
    basis = fit(pictures)
    np.savez(recipe.folder / "basis.npz", **basis)
    latents = np.lib.format.open_memmap(
        recipe.folder / "latents.npy", "w+", np.float16, (FLIPS, len(pictures.pixels), *LATENT)
    )
    encoder = Encoder(basis)
    for at in range(0, len(pictures.pixels), 512):
        part = np.asarray(pictures.pixels[at : at + 512])
        for flip, chosen in enumerate((part, part[:, :, ::-1])):
            with torch.no_grad():
                latents[flip, at : at + 512] = encoder(to_tensor(chosen)).numpy()
    latents.flush()
    validation = np.asarray(pictures.pixels[pictures.validation[:500]])
    with torch.no_grad():
        shown = to_pixels(PatchDecoder(basis)(encoder(to_tensor(validation))))
    print(f"{CHANNELS} components hold {basis['share'].sum():.3f} of the variance; "
          f"{psnr(shown, validation):.2f} dB on validation rows; standard deviations {np.sqrt(basis['gain'] ** 2 * basis['variance']).round(2)}")


def fit(pictures: Pictures) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    rows = np.sort(random.permutation(pictures.training)[:FITTED_ON])
    patches = patches_of(pictures.pixels[rows])
    mirrored = patches.reshape(-1, 3, PATCH, PATCH)[:, :, :, ::-1].reshape(patches.shape)
    mean = (patches.mean(0) + mirrored.mean(0)) / 2
    covariance = sum(one.T @ one / len(one) for one in (patches - mean, mirrored - mean)) / 2
    variance, vectors = np.linalg.eigh(covariance.astype(np.float64))
    variance, components = variance[::-1][:CHANNELS], vectors[:, ::-1][:, :CHANNELS].T
    std = np.sqrt(variance)
    basis = {
        "mean": mean, "components": components, "variance": variance,
        "gain": std**-0.5 / np.sqrt(std.mean()), "share": variance / np.trace(covariance),
    }
    return {name: value.astype(np.float32) for name, value in basis.items()}


def patches_of(pixels: np.ndarray) -> np.ndarray:
    """[n, PX, PX, 3] uint8 -> [n * places, 3 * PATCH * PATCH] in [-1, 1], channel by channel."""
    side = PX // PATCH
    cut = pixels.reshape(-1, side, PATCH, side, PATCH, 3).transpose(0, 1, 3, 5, 2, 4)
    return cut.reshape(-1, 3 * PATCH**2).astype(np.float32) / 127.5 - 1


def load_basis(recipe: Recipe) -> dict[str, np.ndarray]:
    path = recipe.folder / "basis.npz"
    if not path.exists():
        raise SystemExit("Run python -m generate.codec first")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def load_latents(recipe: Recipe) -> np.ndarray:
    """[FLIPS, n, CHANNELS, GRID, GRID] float16."""
    return np.load(recipe.folder / "latents.npy", mmap_mode="r")


def to_tensor(pixels: np.ndarray) -> Tensor:
    """[n, h, w, 3] bytes -> [n, 3, h, w] in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float() / 127.5 - 1


def to_pixels(image: Tensor | np.ndarray) -> np.ndarray:
    """[n, 3, h, w] -> [n, h, w, 3] bytes."""
    values = np.asarray(image).transpose(0, 2, 3, 1)
    return np.clip(np.round((values + 1) * 127.5), 0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over pictures, in dB; both in bytes."""
    square = ((a.astype(np.float32) - b) ** 2).mean((1, 2, 3))
    return float((10 * np.log10(255**2 / np.maximum(square, 1e-3))).mean())


if __name__ == "__main__":
    main()
