"""Batches for the joint space: pictures (as the teacher sees them) with texts, captions of one
picture with each other, and names with CLIP's own embeddings of them."""

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from .datasets import PictureSet, class_of
from .settings import Recipe
from .texts import TEMPLATES, caption_groups, held_out_names, imagenet_names, lvis, validation_captions
from .tokenizer import END_ID, PAD_ID, encode

# Parts of a batch, by where its pictures come from.
SHARES = {"captions": 0.55, "labels": 0.30, "pseudo-labels": 0.15}


@dataclass
class JointBatch:
    rows: np.ndarray  # [n] pictures, counted over all sets
    texts: np.ndarray  # [n, CONTEXT] one text of each
    keys: np.ndarray  # [n] equal where a text fits another picture of the batch as well
    twins: np.ndarray | None  # [m, 2, CONTEXT] two captions of one picture
    names: tuple[np.ndarray, np.ndarray]  # [k, CONTEXT] and CLIP's embeddings [k, 512]


class JointBatches:
    def __init__(self, recipe: Recipe, sets: list[PictureSet], tokenizer: Tokenizer, seed: int):
        self.tokenizer, self.seed, self.size = tokenizer, seed, recipe.joint_batch
        offsets = np.cumsum([0] + [len(one) for one in sets[:-1]])
        by_name = {one.name: (one, offset) for one, offset in zip(sets, offsets)}
        flickr8k, at = by_name["flickr8k-train"]
        self.captioned = at + np.flatnonzero(flickr8k.is_training)
        captions = [text for row in flickr8k.rows for text in row["captions"]]
        self.captions = encode(tokenizer, captions).reshape(len(flickr8k), 5, -1)
        groups = caption_groups(recipe.pictures_per_set, validation_captions(flickr8k))
        self.groups = encode(tokenizer, [text for group in groups for text in group])
        self.groups = self.groups.reshape(len(groups), 5, -1)
        self.labelled = labelled_rows(sets, offsets)
        coco, at = by_name["coco-train"]
        self.coco, self.coco_at = coco, at
        self.coco_rows = np.flatnonzero(coco.is_training)
        self.lvis_names, _, self.lvis_embeddings = lvis()

    def batch(self, number: int, twins: int, names: int) -> JointBatch:
        random = np.random.default_rng([self.seed, number])
        counts = [int(self.size * share) for share in SHARES.values()]
        rows = random.choice(self.captioned, counts[0], replace=len(self.captioned) < counts[0])
        texts = [drop_words(self.captions[rows, random.integers(5, size=len(rows))], random)]
        pairs = self._named(random, counts[1]) + self._pseudo_labelled(random, counts[2])
        keys = [f"picture {row}" for row in rows] + [name for _, name, _ in pairs]
        rows = np.concatenate([rows, [row for row, _, _ in pairs]])
        texts.append(encode(self.tokenizer, [in_words(text, random) for _, _, text in pairs]))
        chosen = random.choice(len(self.groups), min(twins, len(self.groups)), replace=False)
        columns = np.stack([random.permutation(5)[:2] for _ in chosen]) if twins else None
        some = random.choice(len(self.lvis_names), names, replace=False)
        return JointBatch(
            rows, np.concatenate(texts), np.unique(keys, return_inverse=True)[1],
            drop_words(self.groups[chosen[:, None], columns], random) if twins else None,
            (encode(self.tokenizer, [in_words(self.lvis_names[i], random) for i in some]), self.lvis_embeddings[some]),
        )

    def _named(self, random, count: int) -> list[tuple[int, str, str]]:
        """Every set of labels alike, then every class alike: small classes are not drowned."""
        chosen = []
        for which in random.integers(len(self.labelled), size=count):
            classes = self.labelled[which]
            name, rows, synonyms = classes[random.integers(len(classes))]
            chosen.append((random.choice(rows), name, synonyms[random.integers(len(synonyms))]))
        return chosen

    def _pseudo_labelled(self, random, count: int) -> list[tuple[int, str, str]]:
        """COCO pictures with one of the teacher's five likeliest classes, by their likelihood."""
        chosen = []
        while len(chosen) < count:
            row = random.choice(self.coco_rows)
            chances = self.coco.teacher["prob5"][row]
            if chances.sum() < 0.2:
                continue
            which = self.coco.teacher["top5"][row][random.choice(5, p=chances / chances.sum())]
            if names := imagenet_names()[which]:
                chosen.append((self.coco_at + row, names[0], names[random.integers(len(names))]))
        return chosen


def labelled_rows(sets: list[PictureSet], offsets) -> list[list[tuple[str, np.ndarray, list[str]]]]:
    """By set, its classes: what is the same under another name, their rows, their names. Names of
    held-out classes go with no picture, in whichever set it lies."""
    result = []
    for one, offset in zip(sets, offsets):
        classes: dict[str, tuple[list[int], list[str]]] = {}
        for index in np.flatnonzero(one.is_training):
            row = one.rows[index]
            names = [label.lower() for label in row.get("labels", [])]
            if names and not set(names) & held_out_names():
                rows, _ = classes.setdefault(class_of(one.name, row), ([], names))
                rows.append(offset + index)
        if classes:
            result.append([(names[0], np.array(rows), names) for rows, names in classes.values()])
    return result


def in_words(name: str, random: np.random.Generator) -> str:
    return TEMPLATES[random.integers(len(TEMPLATES))].format(name)


def drop_words(ids: np.ndarray, random: np.random.Generator, share: float = 0.15) -> np.ndarray:
    """Leaves out some words and closes the gaps. Here it does what dropout does, and saves time."""
    shape, ids = ids.shape, ids.reshape(-1, ids.shape[-1])
    dropped = (random.random(ids.shape) < share) & (ids > END_ID)
    order = np.argsort(dropped | (ids == PAD_ID), axis=1, kind="stable")
    return np.take_along_axis(np.where(dropped, PAD_ID, ids), order, axis=1).reshape(shape)
