"""Step 4: turn the text tower towards the image tower as it has become. Captioned pictures now stand
where the finished image tower puts them; nothing else differs from the joint space.

    python -m clip.text_tower"""

import argparse

import numpy as np
import torch
from torch import Tensor

from .datasets import training_sets
from .image_batches import augment, squash, to_tensor
from .image_tower_model import ImageTower
from .joint_batches import JointBatches
from .joint_space import IDEAS, NAMES, SEED, TWINS, JointSpace, loss_of, rate_at, search_validation
from .progress import Average, load, log, save
from .settings import RECIPES, Recipe
from .targets import joint_targets
from .tokenizer import load_tokenizer

VIEWS = 2  # crops of every Flickr8k picture beside the whole picture
AREA = 0.55  # least share of a picture that a crop shows
RATE = 3e-4


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    last = load(recipe.folder / f"image-tower-{recipe.phases[-1].name}.pt")
    start = load(recipe.folder / "joint.pt")
    if not last or not start:
        raise SystemExit("Run python -m clip.joint_space, and python -m clip.image_tower for every phase, first")
    tower = ImageTower()
    tower.load_state_dict(last["average"])
    train(recipe, tower.eval().to(memory_format=torch.channels_last), start["average"])


def train(recipe: Recipe, tower: ImageTower, start: dict) -> None:
    torch.manual_seed(SEED)
    sets, tokenizer = training_sets(recipe), load_tokenizer(recipe)
    batches = JointBatches(recipe, sets, tokenizer, SEED + 1)
    space = JointSpace(tokenizer.get_vocab_size())
    space.load_state_dict(start)
    average = Average(space, decay=0.99)
    places = place(recipe, tower, sets)
    gallery = validation_vectors(recipe, tower, sets)
    before = search_validation(space.text, batches, sets, gallery)
    log(recipe.folder / "text-tower.jsonl", {"step": 0, "recall10": before})
    optimiser = torch.optim.AdamW(space.parameters(), lr=RATE, weight_decay=0.05, betas=(0.9, 0.98))
    for step in range(recipe.text_steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * rate_at(step, recipe.text_steps)
        batch = batches.batch(step, TWINS, NAMES)
        views = torch.randint(len(places), (len(batch.rows),))
        loss = loss_of(space, batch, places[views, batch.rows], set(IDEAS))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(space.parameters(), 1.0)
        optimiser.step()
        average.update(space, 10**6)
        if (step + 1) % 50 == 0 or step + 1 == recipe.text_steps:
            recall = search_validation(average.network.text, batches, sets, gallery)
            log(recipe.folder / "text-tower.jsonl", {"step": step + 1, "loss": loss.item(), "recall10": recall})
    if recall < before:
        print("No better on validation rows: the text tower of the joint space stays")
        return
    save(recipe.folder / "text-tower.pt", {
        "average": average.network.state_dict(), "scale": space.log_scale.exp().item(),
    })


@torch.no_grad()
def place(recipe: Recipe, tower: ImageTower, sets) -> Tensor:
    """-> [1 + VIEWS, n, d]: where the teacher places pictures, but those of Flickr8k where the tower
    does, whole and as crops."""
    random = np.random.default_rng(SEED)
    places = joint_targets(recipe, sets).images.repeat(1 + VIEWS, 1, 1)
    offset = 0
    for one in sets:
        if one.name == "flickr8k-train":
            for view in range(1 + VIEWS):
                vectors = embed(tower, one.pixels, recipe.px, random if view else None)
                places[view, offset : offset + len(one)] = vectors
        offset += len(one)
    return places


def validation_vectors(recipe: Recipe, tower: ImageTower, sets) -> Tensor:
    """The pictures of `validation_gallery`, in its order."""
    by_name = {one.name: one for one in sets}
    chosen = [by_name[name] for name in ("flickr8k-train", "coco-train")]
    return torch.cat([embed(tower, one.pixels[np.flatnonzero(one.is_validation)], recipe.px) for one in chosen])


@torch.no_grad()
def embed(tower: ImageTower, pictures: np.ndarray, px: int, random: np.random.Generator | None = None) -> Tensor:
    """Whole pictures, or a crop of each where there is a source of chance."""
    vectors = []
    for at in range(0, len(pictures), 128):
        some = pictures[at : at + 128]
        pixels = to_tensor(np.stack([augment(x, px, AREA, random) for x in some])) if random else squash(some, px)
        with torch.autocast("cpu", torch.bfloat16):
            vectors.append(tower(pixels)[0])
    return torch.cat(vectors)


if __name__ == "__main__":
    main()
