"""Step 1: the pictures as the generator sees them, with their embeddings and those of their texts.

    python -m generate.pictures"""

import argparse
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from clip.datasets import PictureSet, class_of
from clip.models import ShippedModel
from clip.texts import TEMPLATES

from .settings import PX, RECIPES, SETS, Recipe, clip_folder

TEXTS = 5  # per picture: its captions, or its first label in as many templates
FLIPS = 2  # as it is, and mirrored


@dataclass(frozen=True)
class Pictures:
    """All sets in one row; arrays are read when first asked for."""

    recipe: Recipe

    @cached_property
    def pixels(self) -> np.ndarray:
        """[n, PX, PX, 3] uint8: squashed to a square, as the CLIP does it."""
        return np.load(self.recipe.folder / "pixels.npy", mmap_mode="r")

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        path = self.recipe.folder / "pictures.npz"
        if not path.exists():
            raise SystemExit("Run python -m generate.pictures first")
        with np.load(path) as file:
            return {name: file[name] for name in file.files}

    @property
    def embeddings(self) -> np.ndarray:
        """[FLIPS, n, EMBEDDING] of unit length."""
        return self.arrays["embeddings"]

    @property
    def text_ids(self) -> np.ndarray:
        """[n, TEXTS], rows of `texts` and `text_embeddings`; -1 where a picture has no text."""
        return self.arrays["text_ids"]

    @property
    def training(self) -> np.ndarray:
        return np.flatnonzero(self.arrays["is_training"])

    @property
    def validation(self) -> np.ndarray:
        return np.flatnonzero(self.arrays["is_validation"])

    @property
    def mean(self) -> np.ndarray:
        return self.embeddings[:, self.training].mean((0, 1))

    @property
    def std(self) -> np.ndarray:
        return self.embeddings[:, self.training].std((0, 1))

    def standardised(self, embeddings: np.ndarray) -> np.ndarray:
        return (embeddings - self.mean) / self.std


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    sets = [PictureSet(name, recipe) for name in SETS]
    pixels = np.concatenate([square(one) for one in sets])
    np.save(recipe.folder / "pixels.npy", pixels)
    clip = ShippedModel(clip_folder())
    texts, text_ids = texts_of(sets)
    np.savez(
        recipe.folder / "pictures.npz",
        embeddings=np.stack([embed(clip, pixels), embed(clip, pixels[:, :, ::-1])]),
        texts=np.array(texts), text_embeddings=clip.embed_texts(texts), text_ids=text_ids,
        set_index=np.repeat(np.arange(len(sets)), [len(one) for one in sets]),
        is_training=np.concatenate([one.is_training for one in sets]),
        is_validation=np.concatenate([one.is_validation & ~one.is_held_out for one in sets]),
    )
    pictures = Pictures(recipe)
    print(f"{len(pictures.training):,} pictures to train on, {len(pictures.validation):,} to validate, {len(texts):,} texts")


def square(one: PictureSet) -> np.ndarray:
    if one.px == PX:
        return np.asarray(one.pixels)
    resized = (Image.fromarray(p).resize((PX, PX), Image.Resampling.BILINEAR) for p in one.pixels)
    return np.stack([np.asarray(p) for p in resized])


def embed(clip: ShippedModel, pixels: np.ndarray) -> np.ndarray:
    """[n, h, w, 3] uint8 -> [n, EMBEDDING]."""
    parts = [pixels[at : at + 64] for at in range(0, len(pixels), 64)]
    return np.concatenate([clip.embed_pictures([Image.fromarray(np.ascontiguousarray(p)) for p in part]) for part in parts])


def texts_of(sets: list[PictureSet]) -> tuple[list[str], np.ndarray]:
    """-> every different text, and which of them go with each picture."""
    known: dict[str, int] = {}
    rows = []
    for one in sets:
        for row in one.rows:
            texts = row.get("captions") or labelled(row, one.name)
            rows.append([known.setdefault(text, len(known)) for text in texts[:TEXTS]])
    ids = np.full((len(rows), TEXTS), -1)
    for at, row in enumerate(rows):
        if row:
            ids[at] = np.resize(row, TEXTS)
    return list(known), ids


def labelled(row: dict, name: str) -> list[str]:
    label = class_of(name, row).lower()
    return [template.format(label) for template in TEMPLATES[:TEXTS]] if label else []


if __name__ == "__main__":
    main()
