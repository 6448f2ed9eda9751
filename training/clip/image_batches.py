"""Batches of augmented training pictures. A batch depends on the seed and its number alone, so an
interrupted run goes on exactly where it stopped."""

import numpy as np
import torch
from PIL import Image

from .datasets import TRAINING_SETS, PictureSet
from .settings import MEAN, STD


class ImageBatches:
    """Draws pictures by the shares of their sets, and crops and mirrors them."""

    def __init__(self, sets: list[PictureSet], size: int, px: int, area: float, seed: int):
        self.sets, self.size, self.px, self.area, self.seed = sets, size, px, area, seed
        self.candidates = [np.flatnonzero(one.is_training) for one in sets]
        shares = np.array([TRAINING_SETS[one.name].share for one in sets])
        self.shares = shares / shares.sum()
        self.offsets = np.cumsum([0] + [len(one) for one in sets[:-1]])

    def batch(self, number: int) -> tuple[np.ndarray, torch.Tensor]:
        """-> rows counted over all sets [size], and normalised pixels [size, 3, px, px]."""
        random = np.random.default_rng([self.seed, number])
        pixels = np.empty((self.size, self.px, self.px, 3), np.uint8)
        rows = np.empty(self.size, np.int64)
        for i, which in enumerate(random.choice(len(self.sets), self.size, p=self.shares)):
            row = random.choice(self.candidates[which])
            pixels[i] = augment(self.sets[which].pixels[row], self.px, self.area, random)
            rows[i] = self.offsets[which] + row
        return rows, to_tensor(pixels)


def augment(picture: np.ndarray, px: int, least_area: float, random: np.random.Generator) -> np.ndarray:
    """A random crop of at least this share of the area, mirrored half of the time, with a little colour."""
    side = picture.shape[0]
    area, ratio = random.uniform(least_area, 1), np.exp(random.uniform(-0.25, 0.25))
    width, height = (min(side, side * np.sqrt(area * r)) for r in (ratio, 1 / ratio))
    left, top = random.uniform(0, side - width), random.uniform(0, side - height)
    box = (left, top, left + width, top + height)
    crop = np.asarray(Image.fromarray(picture).resize((px, px), Image.Resampling.BILINEAR, box=box))
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    if random.random() < 0.5:
        gain = random.uniform(0.8, 1.2) * random.uniform(0.93, 1.07, 3)
        crop = np.clip(crop * gain.astype(np.float32), 0, 255)
    return crop


def squash(pictures: np.ndarray, px: int) -> torch.Tensor:
    """Whole pictures as the exported tower sees them: [n, 3, px, px]."""
    resized = [Image.fromarray(one).resize((px, px), Image.Resampling.BILINEAR) for one in pictures]
    return to_tensor(np.stack([np.asarray(one) for one in resized]))


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """[n, h, w, 3] bytes -> normalised [n, 3, h, w], its memory still in channels-last order."""
    x = torch.from_numpy(pixels).float().permute(0, 3, 1, 2)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (x / 255 - mean) / std
