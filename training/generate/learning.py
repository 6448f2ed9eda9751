"""The loop that all three networks are trained by. It goes on from its last checkpoint, keeps a moving
average of the weights, and of that average the state with the least loss on validation rows.

The learning rate follows the minutes of training, not the samples: the machine is shared, and the rate
must have fallen when the time is over. Under torchrun all processes go by the clock of the first."""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from clip.image_tower import decay_groups
from clip.progress import Average, load, log, save

from .settings import Recipe, Stage

SEED = 20261122
WARM_UP = 0.04  # of the time
LONGEST_STEP_S = 5  # more is a pause of the whole process, which is not training


@dataclass(frozen=True)
class Task:
    """What a network learns."""

    name: str
    network: nn.Module
    stage: Stage
    loss: Callable[[nn.Module, int], Tensor]  # of the batch with this number
    validate: Callable[[nn.Module], dict[str, float]]  # with `held_out`, the loss that decides


def learn(recipe: Recipe, task: Task, minutes: float | None = None) -> None:
    """`minutes` in place of the recipe's."""
    torch.manual_seed(SEED)
    total_s = 60 * (minutes or task.stage.minutes)
    network = task.network
    optimiser = torch.optim.AdamW(decay_groups(network), lr=task.stage.rate, betas=(0.9, 0.99))
    average = Average(network, decay=0.998)
    path, best_path = (recipe.folder / f"{task.name}{suffix}.pt" for suffix in ("", "-best"))
    seen, step, elapsed, best = 0, 0, 0.0, math.inf
    if checkpoint := load(path):
        network.load_state_dict(checkpoint["network"])
        average.network.load_state_dict(checkpoint["average"])
        optimiser.load_state_dict(checkpoint["optimiser"])
        seen, step, elapsed, best = (checkpoint[key] for key in ("seen", "step", "elapsed", "best"))
    workers, mine = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if workers > 1:
        dist.init_process_group("gloo")
    network.train()
    logged, loss_sum, losses = elapsed, 0.0, 0
    began = time.monotonic()
    while elapsed < total_s:
        for group in optimiser.param_groups:
            group["lr"] = task.stage.rate * rate_at(elapsed / total_s)
        loss = task.loss(network, step * workers + mine)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        now = time.monotonic()
        elapsed += min(now - began, LONGEST_STEP_S)
        began = now
        if workers > 1:
            elapsed = share(network, workers, elapsed if mine == 0 else 0.0)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, step)
        seen, step = seen + task.stage.batch * workers, step + 1
        loss_sum, losses = loss_sum + loss.item(), losses + 1
        if mine == 0 and (elapsed - logged > task.stage.log_every_s or elapsed >= total_s):
            figures = task.validate(average.network)
            entry = {"seen": seen, "minutes": elapsed / 60, "loss": loss_sum / losses} | figures
            log(recipe.folder / f"{task.name}.jsonl", entry)
            if figures["held_out"] < best:
                best = figures["held_out"]
                save(best_path, {"average": average.network.state_dict(), "seen": seen, "held_out": best})
            save(path, {
                "network": network.state_dict(), "average": average.network.state_dict(),
                "optimiser": optimiser.state_dict(), "seen": seen, "step": step, "elapsed": elapsed, "best": best,
            })
            logged, loss_sum, losses = elapsed, 0.0, 0


def rate_at(done: float) -> float:
    """Part of the highest rate: up at first, constant for a third, then a cosine down to a hundredth."""
    late = max(0.0, (done - 1 / 3) / (2 / 3))
    return min(1, 0.01 + done / WARM_UP) * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, late))) / 2)


def share(network: nn.Module, workers: int, elapsed: float) -> float:
    """Every worker steps by the mean of all gradients. -> the first worker's clock."""
    gradients = [p.grad for p in network.parameters()]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([elapsed])])
    dist.all_reduce(flat)
    for gradient, total in zip(gradients, flat[:-1].split([g.numel() for g in gradients])):
        gradient.copy_(total.view_as(gradient) / workers)
    return float(flat[-1])


def best_state(recipe: Recipe, name: str) -> dict:
    checkpoint = load(recipe.folder / f"{name}-best.pt")
    if not checkpoint:
        raise SystemExit(f"Run python -m generate.{name} first")
    return checkpoint
