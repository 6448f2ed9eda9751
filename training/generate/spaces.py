"""The spaces in which pictures are judged: lucida-clip-1, which the generator is conditioned on, and a
second model, which it is not (LUCIDA_SEED_MODEL). Both have learned from the same data sets."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from clip.datasets import YARDSTICK, PictureSet
from clip.models import ShippedModel

from .pictures import Pictures, embed
from .settings import PX, Recipe, clip_folder



def open_spaces() -> dict[str, ShippedModel]:
    spaces = {"own": ShippedModel(clip_folder())}
    if folder := os.environ.get("LUCIDA_SEED_MODEL"):
        spaces["second"] = ShippedModel(Path(folder))
    return spaces


def judge(spaces: dict[str, ShippedModel]) -> str:
    """Who decides: whoever the generator does not know, where there is one."""
    return "second" if "second" in spaces else "own"


def features(spaces: dict[str, ShippedModel], pixels: np.ndarray) -> dict[str, np.ndarray]:
    return {name: embed(space, pixels) for name, space in spaces.items()}


def training_features(recipe: Recipe, spaces: dict[str, ShippedModel], pictures: Pictures) -> dict[str, np.ndarray]:
    """Of every training picture; the second model's are kept in the cache."""
    found = {"own": pictures.embeddings[0, pictures.training]}
    if "second" in spaces:
        path = recipe.folder / "second-features.npy"
        if not path.exists():
            np.save(path, embed(spaces["second"], np.asarray(pictures.pixels[pictures.training])))
        found["second"] = np.load(path)
    return found


def yardstick(recipe: Recipe) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Prompts that nobody has been trained on, the pictures that they were written for, and the other
    pictures of the set. Chosen by lot."""
    one = PictureSet(YARDSTICK, recipe)
    order = np.random.default_rng(0).permutation(len(one))
    chosen, others = order[: recipe.prompts], order[recipe.prompts :]
    pixels = resized(one.pixels)
    return [one.rows[row]["captions"][0] for row in chosen], pixels[chosen], pixels[others]


def resized(pixels: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(p).resize((PX, PX), Image.Resampling.BILINEAR)) for p in pixels])


def small(pixels: np.ndarray, px: int = 32) -> np.ndarray:
    """Pictures as vectors of px * px * 3 numbers in [0, 1]."""
    flat = [np.asarray(Image.fromarray(p).resize((px, px), Image.Resampling.BILINEAR)).reshape(-1) for p in pixels]
    return np.stack(flat).astype(np.float32) / 255
