"""The picture sets: their rows, their splits, their pixels, and what the teacher says of them."""

import io
import json
import tarfile
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from .settings import Recipe, cache_root, datasets_root

YARDSTICK = "flickr8k-dev"  # never trained on, never tuned on


@dataclass(frozen=True)
class SetInfo:
    px: int  # side at which its pictures are kept
    share: float  # of the samples of image training


# What people search are photographs of daily life, so Flickr8k and COCO are seen most often.
TRAINING_SETS = {
    "flickr8k-train": SetInfo(112, 0.32),
    "coco-train": SetInfo(112, 0.24),
    "tiny-imagenet": SetInfo(64, 0.18),
    "scenes-train": SetInfo(96, 0.08),
    "caltech101-train": SetInfo(96, 0.08),
    "grocery": SetInfo(96, 0.04),
    "clothing": SetInfo(96, 0.03),
    "flowers-train": SetInfo(96, 0.03),
}


class PictureSet:
    """One set; everything is read when first asked for."""

    def __init__(self, name: str, recipe: Recipe):
        self.name = name
        self.px = TRAINING_SETS[name].px if name in TRAINING_SETS else 112
        self.limit = recipe.pictures_per_set

    @cached_property
    def rows(self) -> list[dict]:
        lines = (datasets_root() / f"{self.name}.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines[: self.limit]]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def is_validation(self) -> np.ndarray:
        return (np.arange(len(self)) % 20 == 7) & (self.name != YARDSTICK)

    @cached_property
    def is_held_out(self) -> np.ndarray:
        """Rows of classes that no training sees, kept for zero-shot figures."""
        classes = held_out_classes(self.name)
        return np.array([class_of(self.name, row) in classes for row in self.rows])

    @cached_property
    def is_training(self) -> np.ndarray:
        return ~self.is_validation & ~self.is_held_out & (self.name != YARDSTICK)

    @cached_property
    def pixels(self) -> np.ndarray:
        """Every picture squashed to a square: [n, px, px, 3] uint8, from a file made at first use."""
        suffix = "" if self.limit is None else f"-{self.limit}"
        path = cache_root() / "pixels" / f"{self.name}-{self.px}{suffix}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".part")
            with unfinished.open("wb") as file:
                np.save(file, self._decode())
            unfinished.rename(path)
        return np.load(path, mmap_mode="r")

    def _decode(self) -> np.ndarray:
        out = np.empty((len(self), self.px, self.px, 3), np.uint8)
        with tarfile.open(datasets_root() / f"{self.name}.tar") as tar:
            for index, row in enumerate(self.rows):
                picture = Image.open(io.BytesIO(tar.extractfile(row["file"]).read())).convert("RGB")
                out[index] = picture.resize((self.px, self.px), Image.Resampling.BILINEAR)
        return out

    @cached_property
    def teacher(self) -> dict[str, np.ndarray]:
        """`pca` [n, 256]: whitened pooled features; `top5` and `prob5` [n, 5]: likeliest classes."""
        with np.load(datasets_root() / "features" / f"{self.name}.npz") as file:
            arrays = {name: file[name][: self.limit] for name in ("pca", "top5", "prob5")}
        scale = pca_basis()["scale"]
        return {
            "pca": arrays["pca"].astype(np.float32) / scale,
            "top5": arrays["top5"].astype(np.int64),
            "prob5": arrays["prob5"].astype(np.float32) / 255,
        }


def pca_basis() -> dict[str, np.ndarray]:
    with np.load(datasets_root() / "features" / "pca-basis.npz") as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def training_sets(recipe: Recipe) -> list[PictureSet]:
    return [PictureSet(name, recipe) for name in TRAINING_SETS]


def class_of(name: str, row: dict) -> str:
    """What identifies a row's class: the WordNet id where there is one, else its first label."""
    return row.get("wnid") or row.get("labels", [""])[0]


def held_out_classes(name: str) -> set[str]:
    """Caltech-101: the ten alphabetically last; Tiny ImageNet: the twenty last ids; the tulip."""
    if name == "flowers-train":
        return {"tulip"}
    count = {"caltech101-train": 10, "tiny-imagenet": 20}.get(name, 0)
    if not count:
        return set()
    lines = (datasets_root() / f"{name}.jsonl").read_text().splitlines()
    return set(sorted({class_of(name, json.loads(line)) for line in lines})[-count:])
