"""Checkpoints that survive a kill, moving averages of weights, and logs that curves are drawn from."""

import copy
import json
from pathlib import Path

import torch
from torch import nn


def save(path: Path, state: dict) -> None:
    """Writes beside, then renames: a kill leaves the old checkpoint or the new one."""
    unfinished = path.with_suffix(".part")
    torch.save(state, unfinished)
    unfinished.rename(path)


def load(path: Path) -> dict | None:
    return torch.load(path, map_location="cpu", weights_only=False) if path.exists() else None


class Average:
    """Exponential moving average of a network (EMA); it generalises better than the last step."""

    def __init__(self, network: nn.Module, decay: float):
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))  # short memory while young
        mine, theirs = self.network.state_dict().values(), network.state_dict().values()
        floats = [(a, b) for a, b in zip(mine, theirs) if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - decay)


def log(path: Path, entry: dict) -> None:
    """Appends one line of JSON, and prints it."""
    rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in entry.items()}
    with path.open("a") as file:
        file.write(json.dumps(rounded) + "\n")
    print(rounded, flush=True)
