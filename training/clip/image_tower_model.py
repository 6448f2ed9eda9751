"""The image tower: a small residual network (He et al. 2016) whose every cell has a place in the
joint space; the picture's place is their mean."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .settings import DIMENSION

WIDTHS = (64, 128, 256)
DEPTHS = (1, 2, 4)


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut; the shortcut averages where the block shrinks."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = conv(inputs, outputs, stride)
        self.second = conv(outputs, outputs)
        nn.init.zeros_(self.second[1].weight)  # every block begins as its shortcut
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class ImageTower(nn.Module):
    """[n, 3, px, px] -> (embeddings [n, d] of unit length, cells [n, (px/16)^2, d])."""

    def __init__(self, dimension: int = DIMENSION):
        super().__init__()
        # Folding 2x2 pixels into channels makes the first convolution dense enough to be fast.
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), conv(12, WIDTHS[0] // 2), nn.ReLU(),
            conv(WIDTHS[0] // 2, WIDTHS[0], stride=2), nn.ReLU(),
        )
        blocks, inputs = [], WIDTHS[0]
        for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS)):
            for index in range(depth):
                stride = 2 if index == 0 and stage > 0 else 1
                blocks.append(Block(inputs, width, stride))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.project = nn.Linear(inputs, dimension)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        cells = self.blocks(self.stem(pixels)).flatten(2).transpose(1, 2)
        patches = self.project(cells)
        return F.normalize(patches.float().mean(1), dim=-1), patches
