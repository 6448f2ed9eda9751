"""Step 2: the joint space. The text tower learns to meet what the frozen teacher sees, so that the
image tower can then be taught places in a space that words already have. Resumable.

    python -m clip.joint_space [--without IDEA ...] [--steps N] [--name NAME]

Ideas that can be left out, to measure what they bring: see IDEAS."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .datasets import training_sets
from .joint_batches import JointBatch, JointBatches
from .losses import contrast, sigmoid_contrast
from .progress import Average, load, log, save
from .settings import DIMENSION, RECIPES, Recipe
from .targets import teacher_inputs
from .text_tower_model import TeacherHead, TextTower
from .tokenizer import load_tokenizer

IDEAS = {
    "glove": "token embeddings start from GloVe",
    "twins": "contrast between two captions of one Flickr30k picture, which itself is not at hand",
    "names": "the text tower also predicts CLIP's embeddings of 1,203 names",
    "classes": "the teacher's likeliest classes beside its features",
    "positives": "texts that repeat in a batch all count as right",
    "softmax": "CLIP's loss; without it, SigLIP's",
}
TWINS, NAMES = 96, 48
CHECKPOINT_EVERY_S = 120
SEED = 20261122


class JointSpace(nn.Module):
    def __init__(self, vocabulary: int):
        super().__init__()
        self.text, self.teacher = TextTower(vocabulary), TeacherHead()
        self.to_clip = nn.Linear(DIMENSION, 512)  # to CLIP's own space, for names only
        self.log_scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(-10.0))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--without", nargs="*", choices=IDEAS, default=[])
    arguments.add_argument("--steps", type=int, help="in place of the recipe's")
    arguments.add_argument("--name", default="joint", help="of its files, for trying ideas")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    train(recipe, set(IDEAS) - set(options.without), options.steps or recipe.joint_steps, options.name)


def train(recipe: Recipe, ideas: set[str], steps: int, name: str) -> None:
    torch.manual_seed(SEED)
    sets, tokenizer = training_sets(recipe), load_tokenizer(recipe)
    inputs = teacher_inputs(sets, classes="classes" in ideas)
    batches = JointBatches(recipe, sets, tokenizer, SEED)
    space = JointSpace(tokenizer.get_vocab_size())
    if "glove" in ideas:
        space.text.start_from_glove(tokenizer)
    average = Average(space, decay=0.998)
    optimiser = torch.optim.AdamW(space.parameters(), lr=1e-3, weight_decay=0.05, betas=(0.9, 0.98))
    path, curve = recipe.folder / f"{name}.pt", recipe.folder / f"{name}.jsonl"
    step = 0
    if checkpoint := load(path):
        space.load_state_dict(checkpoint["network"])
        average.network.load_state_dict(checkpoint["average"])
        optimiser.load_state_dict(checkpoint["optimiser"])
        step = checkpoint["step"]
        torch.manual_seed(SEED + step)

    started = saved = time.monotonic()
    losses: list[float] = []
    while step < steps:
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * rate_at(step, steps)
        batch = batches.batch(step, TWINS if "twins" in ideas else 0, NAMES if "names" in ideas else 1)
        with torch.autocast("cpu", torch.bfloat16):
            images = space.teacher(*(values[batch.rows] for values in inputs))
        loss = loss_of(space, batch, images, ideas)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(space.parameters(), 1.0)
        optimiser.step()
        average.update(space, step)
        step += 1
        losses.append(loss.item())
        if time.monotonic() - saved > CHECKPOINT_EVERY_S or step == steps:
            saved = time.monotonic()
            save(path, {
                "step": step, "network": space.state_dict(), "average": average.network.state_dict(),
                "optimiser": optimiser.state_dict(), "scale": space.log_scale.exp().item(),
            })
            recall = validation_recall(average.network, batches, sets, inputs)
            log(curve, {
                "step": step, "seconds": saved - started, "loss": float(np.mean(losses)),
                "scale": space.log_scale.exp().item(), "recall10": recall,
            })
            losses = []
    if name == "joint":
        write_targets(average.network, batches, inputs, recipe.folder / "joint-targets.npz")


def loss_of(space: JointSpace, batch: JointBatch, images: Tensor, ideas: set[str]) -> Tensor:
    keys = batch.keys if "positives" in ideas else np.arange(len(batch.keys))
    texts = [batch.texts, batch.names[0]]
    if batch.twins is not None:
        texts += [batch.twins[:, 0], batch.twins[:, 1]]
    with torch.autocast("cpu", torch.bfloat16):
        vectors = embed_texts(space.text, np.concatenate(texts))
    vectors, names, *twins = vectors.split([len(one) for one in texts])
    scale, keys = space.log_scale.exp().clamp(max=100), torch.from_numpy(keys)
    if "softmax" in ideas:
        loss = contrast(images, vectors, keys, scale)
    else:
        loss = sigmoid_contrast(images, vectors, keys, scale, space.bias)
    if twins:
        loss = loss + 0.5 * contrast(*twins, torch.arange(len(twins[0])), scale)
    if "names" in ideas:
        wanted = torch.from_numpy(batch.names[1])
        given = F.normalize(space.to_clip(names), dim=1)
        wanted = F.normalize(wanted - wanted.mean(0), dim=1)  # what all names share says nothing
        loss = loss + 0.5 * contrast(given, wanted, torch.arange(len(names)), scale)
    return loss


def embed_texts(tower: TextTower, ids: np.ndarray) -> Tensor:
    """Short texts apart from long ones, so that little padding is computed."""
    lengths = (ids != 0).sum(1)
    order = np.argsort(lengths, kind="stable")
    parts = [
        tower(torch.from_numpy(ids[part][:, : lengths[part].max()]))
        for part in np.array_split(order, 4) if len(part)
    ]
    return torch.cat(parts)[torch.from_numpy(np.argsort(order))]


def rate_at(step: int, steps: int) -> float:
    """Warm-up, then a cosine to nothing."""
    return min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / steps))


def validation_recall(space: JointSpace, batches: JointBatches, sets, inputs) -> float:
    """What `search_validation` gives when the teacher itself places the pictures."""
    with torch.no_grad():
        rows = validation_gallery(sets)
        return search_validation(space.text, batches, sets, space.teacher(*(values[rows] for values in inputs)))


def validation_gallery(sets) -> np.ndarray:
    """Validation rows of Flickr8k, then of COCO, counted over all sets."""
    offsets = np.cumsum([0] + [len(one) for one in sets])
    by_name = {one.name: offset + np.flatnonzero(one.is_validation) for one, offset in zip(sets, offsets)}
    return np.concatenate([by_name[name] for name in ("flickr8k-train", "coco-train")])


@torch.no_grad()
def search_validation(tower: TextTower, batches: JointBatches, sets, gallery: Tensor) -> float:
    """Text -> image R@10 of Flickr8k's validation captions among the gallery."""
    flickr8k = next(one for one in sets if one.name == "flickr8k-train")
    queries = batches.captions[np.flatnonzero(flickr8k.is_validation)].reshape(-1, batches.captions.shape[-1])
    scores = embed_texts(tower, queries) @ gallery.T
    own = scores.gather(1, (torch.arange(len(queries)) // 5)[:, None])
    return ((scores > own).sum(1) < 10).float().mean().item()


@torch.no_grad()
def write_targets(space: JointSpace, batches: JointBatches, inputs, path: Path) -> None:
    """The place of every picture and of every Flickr8k caption, for the image tower."""
    captions = batches.captions.reshape(-1, batches.captions.shape[-1])
    texts = torch.cat([embed_texts(space.text, captions[at : at + 512]) for at in range(0, len(captions), 512)])
    owners = np.repeat(np.arange(len(captions) // 5), 5)
    images = space.teacher(*inputs)
    np.savez(path, images=images.half().numpy(), captions=texts.half().numpy(), owners=owners)


if __name__ == "__main__":
    main()
