"""The texts: captions, names of things, and the sentences that names are put into."""

import gzip
import json
from functools import cache

import numpy as np

from .datasets import PictureSet, class_of, held_out_classes
from .settings import datasets_root

TEMPLATES = (
    "{}", "a {}", "a photo of a {}", "a picture of a {}", "a close up of a {}",
    "a photo of the {}", "there is a {} in the picture",
)
CAPTIONS_PER_PICTURE = 5


def caption_groups(limit: int | None, without: set[str]) -> list[list[str]]:
    """Flickr30k's captions by picture (the pictures themselves are not at hand). The file has the
    first captions of all pictures, then the second ones, and so on. A picture with a caption that
    must not be seen is left out whole."""
    with gzip.open(datasets_root() / "text" / "captions.txt.gz", "rt") as file:
        lines = [line.strip() for line in file]
    count = len(lines) // CAPTIONS_PER_PICTURE
    groups = [lines[at::count] for at in range(count)]
    unseen = {plain(text) for text in without}
    return [g for g in groups if not any(plain(text) in unseen for text in g)][:limit]


def plain(text: str) -> str:
    """Two data sets write the same caption with other blanks, cases and points."""
    return "".join(c for c in text.lower() if c.isalnum())


def validation_captions(flickr8k: PictureSet) -> set[str]:
    return {c for i in np.flatnonzero(flickr8k.is_validation) for c in flickr8k.rows[i]["captions"]}


@cache
def imagenet_names() -> list[list[str]]:
    """By class of the teacher: its synonyms; nothing for classes that are held out."""
    lines = (datasets_root() / "text" / "imagenet-labels.txt").read_text().splitlines()
    names = [[one.strip().lower() for one in line.split(",")] for line in lines]
    hidden = held_out_names()
    return [[] if line[0] == "background" or set(line) & hidden else line for line in names]


@cache
def held_out_names() -> frozenset[str]:
    """Every name of a held-out class, in lower case."""
    names = set()
    for name in ("tiny-imagenet", "caltech101-train", "flowers-train"):
        hidden = held_out_classes(name)
        for line in (datasets_root() / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            if class_of(name, row) in hidden:
                names.update(label.lower() for label in row["labels"])
    return frozenset(names)


@cache
def lvis() -> tuple[list[str], list[str], np.ndarray]:
    """1,203 everyday things: names, definitions, and CLIP's embedding of "a {name}" [1203, 512]."""
    folder = datasets_root() / "text"
    rows = json.loads((folder / "lvis-names.json").read_text())
    with np.load(folder / "clip-vit-b-32-lvis-names.npz") as file:
        names, embeddings = [str(name) for name in file["names"]], file["embeddings"]
    by_name = {row["name"]: row for row in rows}
    definitions = [by_name[name]["definition"] if name in by_name else name for name in names]
    return names, definitions, embeddings.astype(np.float32)


@cache
def glove() -> dict[str, np.ndarray]:
    """Word -> 50 numbers, for the 10,000 commonest words (Pennington et al. 2014)."""
    with gzip.open(datasets_root() / "text" / "glove.6B.50d.10k.txt.gz", "rt") as file:
        rows = (line.split() for line in file)
        return {word: np.array(values, np.float32) for word, *values in rows}
