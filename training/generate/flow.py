"""The one path between data and noise that prior and decoder share, x_t = (1 - t) x_0 + t noise, and
how it is walked back: DPM-Solver++(2M) (Lu et al. 2022), with log((1 - t) / t) for its lambda."""

from collections.abc import Callable

import numpy as np

from .settings import SOLVER_START


def noised(data, noise, t):
    """Rows of `data` at the times `t`, one for each row."""
    t = t.reshape(-1, *[1] * (data.ndim - 1))
    return (1 - t) * data + t * noise


def central_times(random: np.random.Generator, count: int) -> np.ndarray:
    """sigmoid(N(0, 1)): most often in the middle, where there is most to learn (Esser et al. 2024)."""
    return (1 / (1 + np.exp(-random.standard_normal(count)))).astype(np.float32)


def times(steps: int, start: float = SOLVER_START) -> np.ndarray:
    """Evenly from `start` to 0; steps + 1 of them."""
    return np.linspace(start, 0, steps + 1)


def dpmpp2m(denoise: Callable[[np.ndarray, float], np.ndarray], x: np.ndarray, path: np.ndarray) -> np.ndarray:
    """`denoise(x, t)` says what x_0 it takes x for. The first and the last step are of first order."""
    before, width_before = None, None
    for t, following in zip(path[:-1], path[1:]):
        guess = denoise(x, t)
        if following == 0:
            return guess
        width = lam(following) - lam(t)
        aim = guess if before is None else guess + (guess - before) * (width / width_before) / 2
        x = (following / t) * x - (1 - following) * np.expm1(-width) * aim
        x = x.astype(np.float32)
        before, width_before = guess, width
    return x


def lam(t: float) -> float:
    return float(np.log((1 - t) / t))
