"""Step 3: train the image tower from pixels. It learns to place pictures where the frozen joint
space has them (distillation), and near their own captions (contrast).

    python -m clip.image_tower --phase features|joint|finish [--samples N]

Killed at any moment, the same command goes on from the last checkpoint. On several cores, one process
a core is faster than one process with several threads: put
`torchrun --nproc-per-node 2 -m` in the place of `python -m`."""

import argparse
import os
import time

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from .datasets import training_sets
from .image_batches import ImageBatches, squash
from .image_tower_model import ImageTower
from .losses import caption_contrast, distillation
from .progress import Average, load, log, save
from .settings import RECIPES, Phase, Recipe
from .targets import Targets, feature_targets, joint_targets

GALLERY = ("flickr8k-train", "coco-train")  # whose validation rows are searched
CHECKPOINT_EVERY_S = 120
SEED = 20261122


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--phase", required=True)
    arguments.add_argument("--samples", type=int, help="in place of the recipe's")
    arguments.add_argument("--name", default="image-tower", help="of its files, for trying ideas")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    names = [phase.name for phase in recipe.phases]
    if options.phase not in names:
        raise SystemExit(f"No phase is called {options.phase}; there are {', '.join(names)}")
    train(recipe, names.index(options.phase), options.name, options.samples)


def train(recipe: Recipe, phase_index: int, name: str = "image-tower", samples: int | None = None):
    phase = recipe.phases[phase_index]
    samples = samples or phase.samples
    torch.manual_seed(SEED)
    sets = training_sets(recipe)
    targets = feature_targets(sets) if phase.target == "features" else joint_targets(recipe, sets)
    network = ImageTower().to(memory_format=torch.channels_last)
    average = Average(network, decay=0.999)
    optimiser = torch.optim.AdamW(decay_groups(network), lr=phase.rate[0])
    path = recipe.folder / f"{name}-{phase.name}.pt"
    seen = begin(recipe, phase_index, name, network, average, optimiser)
    workers, mine = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if workers > 1:
        dist.init_process_group("gloo")

    batches = ImageBatches(sets, recipe.image_batch, phase.px, phase.area, SEED + phase_index)
    forward = torch.compile(network) if recipe.compile else network
    curve = recipe.folder / f"{name}.jsonl"
    state = lambda: {  # noqa: E731
        "phase": phase.name, "seen": seen, "network": network.state_dict(),
        "average": average.network.state_dict(), "optimiser": optimiser.state_dict(),
    }
    started = saved = time.monotonic()
    loss_sum, steps = 0.0, 0
    while seen < samples:
        number = seen // recipe.image_batch
        for group in optimiser.param_groups:
            group["lr"] = rate_at(phase, seen / samples, number)
        rows, pixels = batches.batch(number + mine)
        with torch.autocast("cpu", torch.bfloat16):
            embeddings, _ = forward(pixels)
        loss = distillation(embeddings, targets.images[rows])
        if phase.captions:
            loss = loss + phase.captions * caption_contrast(embeddings, rows, targets.captions)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if workers > 1:
            share_gradients(network, workers)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, number if phase_index == 0 else 10**6)
        seen, loss_sum, steps = seen + recipe.image_batch * workers, loss_sum + loss.item(), steps + 1
        if mine == 0 and (time.monotonic() - saved > CHECKPOINT_EVERY_S or seen >= samples):
            saved = time.monotonic()
            save(path, state())
            entry = {"phase": phase.name, "seen": seen, "seconds": saved - started, "loss": loss_sum / steps}
            log(curve, entry | validate(average.network, targets, sets, phase.px))
            loss_sum, steps = 0.0, 0


def share_gradients(network: torch.nn.Module, workers: int) -> None:
    """Every worker steps by the mean of all gradients, so that all keep the same weights."""
    gradients = [p.grad for p in network.parameters()]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, mean in zip(gradients, (flat / workers).split([g.numel() for g in gradients])):
        gradient.copy_(mean.view_as(gradient))


def begin(recipe, phase_index, name, network, average, optimiser) -> int:
    """Loads this phase's checkpoint, or else the end of the phase before. -> samples seen in it."""
    for index in (phase_index, phase_index - 1):
        checkpoint = load(recipe.folder / f"{name}-{recipe.phases[index].name}.pt") if index >= 0 else None
        if checkpoint:
            network.load_state_dict(checkpoint["network"])
            average.network.load_state_dict(checkpoint["average"])
            optimiser.load_state_dict(checkpoint["optimiser"])
            if index == phase_index:
                return checkpoint["seen"]
            if recipe.phases[index].target != recipe.phases[phase_index].target:
                network.project.reset_parameters()  # another space
                average.network.load_state_dict(network.state_dict())
            return 0
    if phase_index:
        raise SystemExit(f"Run --phase {recipe.phases[phase_index - 1].name} first")
    return 0


def rate_at(phase: Phase, done: float, step: int) -> float:
    """Straight from the phase's first rate to its last, after a warm-up of 200 steps."""
    first, last = phase.rate
    return (first + (last - first) * done) * min(1, (step + 1) / 200)


def decay_groups(network: torch.nn.Module) -> list[dict]:
    """Weights decay; biases and normalisation do not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def embed(network: torch.nn.Module, pictures: np.ndarray, px: int) -> Tensor:
    """Whole pictures -> unit vectors."""
    parts = [squash(pictures[at : at + 128], px) for at in range(0, len(pictures), 128)]
    return torch.cat([network(part)[0] for part in parts])


def validate(network, targets: Targets, sets, px: int) -> dict[str, float]:
    """Cosine to the target on validation rows of every set, and recall on those of Flickr8k."""
    figures, offset, gallery = [], 0, []
    for one in sets:
        rows = np.flatnonzero(one.is_validation & ~one.is_held_out)
        rows = rows if one.name in GALLERY else rows[:60]
        vectors = embed(network, one.pixels[rows], px)
        figures.append((vectors * targets.images[rows + offset]).sum(1).mean().item())
        if one.name in GALLERY:
            gallery.append((rows + offset, vectors))
        offset += len(one)
    result = {"cosine_flickr8k": figures[0], "cosine": float(np.mean(figures))}
    if captions := targets.validation:
        rows, vectors = (np.concatenate(parts) for parts in zip(*gallery))
        scores = captions.vectors.numpy() @ vectors.T
        own = scores[np.arange(len(scores)), np.searchsorted(rows, captions.owners)]
        result["recall10"] = float(((scores > own[:, None]).sum(1) < 10).mean())
    return result


if __name__ == "__main__":
    main()
