"""The decoder: a U-Net (Ronneberger et al. 2015; Ho et al. 2020) over latents that is told the time,
the picture's embedding and how much noise was mixed into that (Ramesh et al. 2022, unCLIP)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .settings import CHANNELS, EMBEDDING

MULTIPLES = (1, 2, 3)  # of the width, at 12, 6 and 3 cells a side
BLOCKS = 2  # per level
TOKENS = 4  # that the embedding adds to what attention looks at
HEAD = 32
WAVES = 64  # frequencies in which a number is told
DROPOUT = 0.05


def waves(value: Tensor) -> Tensor:
    """[n] in [0, 1] -> [n, 2 * WAVES]."""
    frequencies = torch.exp(torch.arange(WAVES, device=value.device) * (math.log(1000) / (WAVES - 1)))
    angles = value[:, None] * frequencies[None]
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def perceptron(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.SiLU(), nn.Linear(outputs, outputs))


class Condition(nn.Module):
    """What a block is told: one vector, and a few tokens for attention."""

    def __init__(self, width: int):
        super().__init__()
        self.time, self.noise = (perceptron(2 * WAVES, width) for _ in range(2))
        self.embedding = perceptron(EMBEDDING, width)
        self.tokens = nn.Linear(EMBEDDING, TOKENS * width)
        self.nothing = nn.Parameter(torch.zeros(1, EMBEDDING))

    def forward(self, t: Tensor, emb: Tensor, aug: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        given = keep[:, None]
        emb = given * emb + (1 - given) * self.nothing
        told = self.time(waves(t)) + self.embedding(emb) + self.noise(waves(aug * keep))
        return F.silu(told), self.tokens(emb).unflatten(1, (TOKENS, -1))


class ResBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, told: int):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.scale_shift = nn.Linear(told, 2 * outputs)
        self.norm2, self.conv2 = nn.GroupNorm(8, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.drop = nn.Dropout(DROPOUT)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.scale_shift(told)[:, :, None, None].chunk(2, dim=1)
        h = self.conv1(F.silu(self.norm1(x)))
        h = F.silu(self.norm2(h) * (1 + scale) + shift)
        return self.shortcut(x) + self.conv2(self.drop(h))


class Attention(nn.Module):
    """Every cell looks at every cell and at the embedding's tokens."""

    def __init__(self, width: int, told: int):
        super().__init__()
        self.heads = width // HEAD if width >= HEAD else 1
        self.norm = nn.GroupNorm(8, width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.token_key_value = nn.Linear(told, 2 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        height, width = x.shape[2:]
        cells = self.norm(x).flatten(2).transpose(1, 2)
        seen = torch.cat([self.token_key_value(tokens), self.key_value(cells)], dim=1)
        key, value = (self.split(part) for part in seen.chunk(2, dim=2))
        query = self.split(self.query(cells)) / math.sqrt(x.shape[1] // self.heads)
        mixed = (query @ key.transpose(2, 3)).softmax(-1) @ value
        mixed = self.out(mixed.transpose(1, 2).flatten(2))
        return x + mixed.transpose(1, 2).unflatten(2, (height, width))


class Level(nn.Module):
    """A residual block, and attention where cells are few."""

    def __init__(self, inputs: int, outputs: int, told: int, attends: bool):
        super().__init__()
        self.block = ResBlock(inputs, outputs, told)
        self.attention = Attention(outputs, told) if attends else None

    def forward(self, x: Tensor, told: Tensor, tokens: Tensor) -> Tensor:
        x = self.block(x, told)
        return x if self.attention is None else self.attention(x, tokens)


class Decoder(nn.Module):
    """x [n, CHANNELS, 12, 12] at times t [n] -> velocity, noise minus data. `emb` [n, EMBEDDING] is
    standardised and already has its share `aug` [n] of noise; `keep` [n] 0 leaves it out."""

    def __init__(self, width: int):
        super().__init__()
        told = 4 * width
        self.condition = Condition(told)
        self.enter = nn.Conv2d(CHANNELS, width, 3, padding=1)
        self.down, self.shrink, self.up, self.grow = (nn.ModuleList() for _ in range(4))
        widths, skips, now = [width * m for m in MULTIPLES], [width], width
        for depth, wide in enumerate(widths):
            for _ in range(BLOCKS):
                self.down.append(Level(now, wide, told, attends=depth > 0))
                skips.append(wide)
                now = wide
            if depth < len(widths) - 1:
                self.shrink.append(nn.Conv2d(now, now, 3, 2, padding=1))
                skips.append(now)
        self.middle = nn.ModuleList([Level(now, now, told, attends=True), Level(now, now, told, attends=False)])
        for depth, wide in reversed(list(enumerate(widths))):
            for _ in range(BLOCKS + 1):
                self.up.append(Level(now + skips.pop(), wide, told, attends=depth > 0))
                now = wide
            if depth > 0:
                self.grow.append(nn.Conv2d(now, now, 3, padding=1))
        self.norm, self.leave = nn.GroupNorm(8, now), nn.Conv2d(now, CHANNELS, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, t: Tensor, emb: Tensor, aug: Tensor, keep: Tensor) -> Tensor:
        told, tokens = self.condition(t, emb, aug, keep)
        x = self.enter(x)
        skips = [x]
        for at, level in enumerate(self.down):
            x = level(x, told, tokens)
            skips.append(x)
            if at % BLOCKS == BLOCKS - 1 and at // BLOCKS < len(self.shrink):
                x = self.shrink[at // BLOCKS](x)
                skips.append(x)
        for level in self.middle:
            x = level(x, told, tokens)
        for at, level in enumerate(self.up):
            x = level(torch.cat([x, skips.pop()], dim=1), told, tokens)
            if at % (BLOCKS + 1) == BLOCKS and at // (BLOCKS + 1) < len(self.grow):
                x = self.grow[at // (BLOCKS + 1)](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.leave(F.silu(self.norm(x)))
