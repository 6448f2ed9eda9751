"""How far two heaps of pictures are from each other, by their features, and how pictures answer texts."""

import numpy as np

SUBSETS, SUBSET = 50, 500
NEIGHBOURS = 50
RELATIVE = 0.5  # of the mean distance to the neighbours: nearer than that is a copy (Carlini et al. 2023)
RESAMPLES = 2000


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two Gaussians (Heusel et al. 2017) fitted to features [n, d]."""
    mean = ((a.mean(0) - b.mean(0)) ** 2).sum()
    one, two = (np.cov(x.astype(np.float64), rowvar=False) for x in (a, b))
    # The trace of the root of the product, by the eigenvalues of a symmetric matrix that has the same.
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return float(mean + np.trace(one) + np.trace(two) - 2 * cross)


def kernel(a: np.ndarray, b: np.ndarray, random: np.random.Generator, size: int = SUBSET) -> tuple[float, float]:
    """Kernel distance (Bińkowski et al. 2018), unbiased, times 1000: its mean over subsets, and their
    standard deviation."""
    size = min(size, len(a), len(b))
    found = []
    for _ in range(SUBSETS):
        x, y = (one[random.choice(len(one), size, replace=False)] for one in (a, b))
        xx, yy, xy = ((p @ q.T / p.shape[1] + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
        within = sum((k.sum() - np.trace(k)) / (size * (size - 1)) for k in (xx, yy))
        found.append(1000 * (within - 2 * xy.mean()))
    return float(np.mean(found)), float(np.std(found))


def hits(images: np.ndarray, texts: np.ndarray, ks: tuple[int, ...] = (1, 5)) -> np.ndarray:
    """Whether the k pictures nearest to a text have its own among them: [n, ks]."""
    scores = texts @ images.T
    rank = (scores > np.diag(scores)[:, None]).sum(1)
    return rank[:, None] < np.array(ks)


def interval(values: np.ndarray) -> list[float]:
    """The mean, and what holds 95 % of it when the rows are drawn again."""
    random = np.random.default_rng(1)
    means = values[random.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
    return [float(values.mean()), *(float(v) for v in np.percentile(means, [2.5, 97.5]))]


def nearest(queries: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> by query: the nearest row of `known`, how far it is, and how far relative to the neighbourhood."""
    indices, distances, relative = [], [], []
    norms = (known**2).sum(1)
    for at in range(0, len(queries), 256):
        some = queries[at : at + 256]
        squares = (some**2).sum(1)[:, None] + norms - 2 * some @ known.T
        count = min(NEIGHBOURS, len(known))
        chosen = np.argpartition(squares, count - 1, axis=1)[:, :count]
        near = np.sqrt(np.maximum(np.take_along_axis(squares, chosen, 1), 0))
        first = near.argmin(1)
        rows = np.arange(len(some))
        indices.append(chosen[rows, first])
        distances.append(near[rows, first])
        relative.append(near[rows, first] / (RELATIVE * near.mean(1)))
    return np.concatenate(indices), np.concatenate(distances), np.concatenate(relative)


def mean_pairwise(groups: np.ndarray) -> np.ndarray:
    """[n, k, d] of unit length -> by group the mean cosine distance of two of it."""
    count = groups.shape[1]
    cosines = np.einsum("nkd,nld->nkl", groups, groups)
    return 1 - (cosines.sum((1, 2)) - count) / (count * (count - 1))


def slerp(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """On the sphere from rows of `a` to rows of `b`."""
    angle = np.arccos(np.clip((a * b).sum(-1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    straight = (1 - share) * a + share * b
    curved = (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.maximum(sine, 1e-6)
    return np.where(sine < 1e-4, straight, curved).astype(np.float32)
