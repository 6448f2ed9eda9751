"""What variations, walks between two embeddings and text differences do, as `evaluate` measures them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clip.models import ShippedModel, unit

from .ablation import mean_cosine, noises
from .metrics import slerp
from .pictures import Pictures
from .pipeline import Pipeline
from .settings import EMBEDDING
from .spaces import features, judge, small

STRAYS = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of noise in an embedding
PAIRS = 100  # of a photograph and another, by whose text it is altered
FEW = 50  # of these are varied, and walked between
WALK = 7
THETA = 0.35  # how far a text difference turns an embedding
NOTHING_SAID = "a photo"


def edits(pipeline: Pipeline, spaces: dict[str, ShippedModel], pictures: Pictures, rows: np.ndarray) -> dict[str, Callable]:
    """What is measured, by name; `rows` are those of photographs with texts."""
    bench = Bench(pipeline, spaces, pictures, np.random.default_rng(0).permutation(rows)[: 2 * PAIRS])
    return {"variations": bench.variations, "walks": bench.walks, "text differences": bench.text_differences}


@dataclass(frozen=True)
class Bench:
    pipeline: Pipeline
    spaces: dict[str, ShippedModel]
    pictures: Pictures
    rows: np.ndarray  # first the sources, then what they are paired with

    @property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        count = len(self.rows) // 2
        return self.rows[:count], self.rows[count : 2 * count]

    def seen(self, pixels: np.ndarray, name: str = "own") -> np.ndarray:
        return features({name: self.spaces[name]}, pixels)[name]

    def variations(self) -> list[dict]:
        """The more noise in an embedding, the further from the source, and from each other."""
        rows = self.halves[0][:FEW]
        source = self.pictures.embeddings[0, rows]
        found = []
        for stray in STRAYS:
            pixels, seen = [], []
            for seed in (1, 2):
                random = np.random.default_rng([seed, 7])
                _, start = noises(range(seed * 10_000, seed * 10_000 + len(rows)))
                pixels.append(self.pipeline.draw(source, start, stray, random.standard_normal((len(rows), EMBEDDING), np.float32)))
                seen.append(self.seen(pixels[-1]))
            one, two = (small(p) for p in pixels)
            found.append({
                "noise": stray, "to source": mean_cosine(np.concatenate(seen), np.concatenate([source, source])),
                "apart": float(np.sqrt(((one - two) ** 2).mean(1)).mean()), "cosine apart": 1 - mean_cosine(*seen),
            })
        return found

    def walks(self) -> dict:
        """Slerp between two photographs' embeddings, with the same noise: does what is drawn move evenly?"""
        ends = [self.pictures.embeddings[0, rows] for rows in (half[:FEW] for half in self.halves)]
        _, start = noises(range(len(ends[0])))
        seen = [self.seen(self.pipeline.draw(slerp(*ends, share), start)) for share in np.linspace(0, 1, WALK)]
        steps = np.stack([np.arccos(np.clip((a * b).sum(1), -1, 1)) for a, b in zip(seen, seen[1:])])
        direct = np.arccos(np.clip((seen[0] * seen[-1]).sum(1), -1, 1))
        arc = np.arccos(np.clip((ends[0] * ends[1]).sum(1), -1, 1))
        nearer = np.stack([(one * ends[1]).sum(1) - (one * ends[0]).sum(1) for one in seen])
        return {
            "pairs": len(arc), "steps": WALK - 1, "arc": float(arc.mean()), "path": float(steps.sum(0).mean()),
            "ends apart": float(direct.mean()), "largest step": float((steps.max(0) / np.maximum(steps.sum(0), 1e-6)).mean()),
            "forward": float((np.diff(nearer, axis=0) > 0).mean()),
        }

    def text_differences(self) -> dict:
        """A photograph's embedding, turned towards what a text says that `NOTHING_SAID` does not."""
        rows, others = self.halves
        source = self.pictures.embeddings[0, rows]
        target = self.pictures.arrays["text_embeddings"][self.pictures.text_ids[others, 0]]
        difference = unit(target - self.spaces["own"].embed_texts([NOTHING_SAID]))
        _, start = noises(range(len(rows)))
        before, after = (self.pipeline.draw(one, start) for one in (source, slerp(source, difference, THETA)))
        decides = judge(self.spaces)
        texts = self.pictures.arrays["texts"][self.pictures.text_ids[others, 0]].tolist()
        found = {"pairs": len(rows), "theta": THETA}
        for name in {"own", decides}:
            gain = ((self.seen(after, name) - self.seen(before, name)) * self.spaces[name].embed_texts(texts)).sum(1)
            found[name] = {"nearer": float((gain > 0).mean()), "gain": float(gain.mean())}
        return found
