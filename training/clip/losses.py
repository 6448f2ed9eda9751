"""The losses. All vectors are of unit length."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURE = 0.07


def distillation(mine: Tensor, targets: Tensor) -> Tensor:
    """Nearness to the target, and being nearer to it than to the other targets of the batch."""
    cosine = (mine * targets).sum(1)
    order = F.cross_entropy(mine @ targets.T / TEMPERATURE, torch.arange(len(mine)))
    return (1 - cosine).mean() + 0.1 * order


def multi_positive(logits: Tensor, positive: Tensor) -> Tensor:
    """Contrastive loss where a row may have several right columns: -log of their joint probability
    share, averaged over them. Rows without any are left out."""
    has_any = positive.any(1)
    log_probability = logits[has_any].log_softmax(1)
    weight = positive[has_any].float()
    weight = weight / weight.sum(1, keepdim=True)
    return -(log_probability * weight).sum(1).mean()


def caption_contrast(mine: Tensor, rows: np.ndarray, captions) -> Tensor:
    """Every picture of the batch that has captions against all captions there are."""
    owned = torch.from_numpy(np.isin(rows, captions.owners))
    if not owned.any():
        return mine.new_zeros(())
    logits = mine[owned] @ captions.vectors.T / TEMPERATURE
    positive = torch.from_numpy(rows)[owned][:, None] == torch.from_numpy(captions.owners)[None]
    return multi_positive(logits, positive)


def contrast(images: Tensor, texts: Tensor, keys: Tensor, scale: Tensor) -> Tensor:
    """CLIP's loss, both ways round; pairs with equal keys all count as right."""
    logits = scale * images @ texts.T
    positive = keys[:, None] == keys[None]
    return (multi_positive(logits, positive) + multi_positive(logits.T, positive)) / 2


def sigmoid_contrast(images: Tensor, texts: Tensor, keys: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """SigLIP's loss (Zhai et al. 2023): every pair is a yes or a no of its own."""
    logits = scale * images @ texts.T + bias
    sign = (keys[:, None] == keys[None]).float() * 2 - 1
    return -F.logsigmoid(sign * logits).sum(1).mean()
