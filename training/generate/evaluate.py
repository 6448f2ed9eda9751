"""Step 10: measure the model folder: how far its pictures are from photographs, how they answer prompts,
whether they are copies, and what `edits` do.

    python -m generate.evaluate"""

import argparse
import json
import time

import numpy as np
from PIL import Image, ImageFilter

from .ablation import fidelity, mean_cosine, noises
from .codec import load_latents
from .edits import edits
from .metrics import frechet, kernel, nearest
from .pictures import Pictures
from .pipeline import Pipeline
from .settings import RECIPES, Recipe
from .spaces import features, judge, open_spaces, small, training_features, yardstick
from .tuning import decoded

BLUR_PX = 2
MOST_FLAGGED = 0.005
TASTE = 4  # of which the best is chosen
SHOWN_PAIRS = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    path = recipe.folder / "evaluation.json"
    result = Evaluation(recipe).run()
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(path.read_text())


class Evaluation:
    """What every measurement needs, read once."""

    def __init__(self, recipe: Recipe):
        self.recipe, self.pictures = recipe, Pictures(recipe)
        self.pipeline = Pipeline(recipe.model_folder)
        self.spaces = open_spaces()
        self.random = np.random.default_rng(0)
        with_text = self.pictures.text_ids[:, 0] >= 0
        validation = self.pictures.validation[with_text[self.pictures.validation]]
        self.rows = np.sort(self.random.permutation(validation)[: recipe.generations])

    def run(self) -> dict:
        result = {"second": "second" in self.spaces, "generations": len(self.rows)}
        started = time.monotonic()
        self.from_validation = self.draw_from_validation()
        result["seconds a picture"] = (time.monotonic() - started) / len(self.rows)
        for name, measure in {
            "distribution": self.distribution, "prompts": self.prompts, "memory": self.memory,
            **edits(self.pipeline, self.spaces, self.pictures, self.rows),
        }.items():
            result[name] = measure()
            print(f"{time.monotonic() - started:.0f} s: {name} {json.dumps(result[name])}", flush=True)
        return result

    def draw_from_validation(self) -> np.ndarray:
        """A picture for a text of each validation row, so that both heaps are of the same kinds."""
        ids = self.pictures.text_ids[self.rows, 0]
        prior, start = noises(range(len(self.rows)))
        return self.pipeline.draw(self.pipeline.embed(self.pictures.arrays["text_embeddings"][ids], prior), start)

    def distribution(self) -> dict:
        """Distances to the photographs of the validation rows."""
        real = np.asarray(self.pictures.pixels[self.rows])
        z = load_latents(self.recipe)[0, self.rows].astype(np.float32)
        half = self.random.permutation(len(self.rows))
        known = np.concatenate([self.random.choice(self.alike(s), (self.set_of(self.rows) == s).sum()) for s in np.unique(self.set_of(self.rows))])
        heaps = {
            "drawn": self.from_validation,
            "training photographs": np.asarray(self.pictures.pixels[np.sort(known)]),
            "shipped codec": decoded(self.recipe.model_folder / "onnx" / "codec-decoder.onnx", z),
            "patch codec": decoded(self.recipe.folder / "onnx" / "codec-patches.onnx", z),
            "blurred": np.stack([np.asarray(Image.fromarray(p).filter(ImageFilter.GaussianBlur(BLUR_PX))) for p in real]),
        }
        truth = self.scaled(real)
        self.features = {}
        found = {}
        for name, pixels in heaps.items():
            self.features[name] = self.scaled(pixels)
            found[name] = {s: self.distances(self.features[name][s], truth[s]) for s in truth}
        first, second = half[: len(half) // 2], half[len(half) // 2 :]
        found["halves of the photographs"] = {s: self.distances(f[first], f[second]) for s, f in truth.items()}
        return found

    def set_of(self, rows: np.ndarray) -> np.ndarray:
        return self.pictures.arrays["set_index"][rows]

    def alike(self, which: int) -> np.ndarray:
        return self.pictures.training[self.set_of(self.pictures.training) == which]

    def scaled(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Unit vectors times the root of their length, as both distances take them."""
        return {name: f * f.shape[1] ** 0.5 for name, f in features(self.spaces, pixels).items()}

    def distances(self, a: np.ndarray, b: np.ndarray) -> dict:
        return {"frechet": frechet(a, b), "kernel": kernel(a, b, np.random.default_rng(0))}

    def prompts(self) -> dict:
        """Of the yardstick's prompts: one picture each, and the best of a few as lucida-clip-1 judges."""
        prompts, real, _ = yardstick(self.recipe)
        texts = {name: space.embed_texts(prompts) for name, space in self.spaces.items()}
        drawn, seen = [], []
        for taste in range(TASTE):
            noise, start = noises(range(taste * 10_000, taste * 10_000 + len(prompts)))
            drawn.append(self.pipeline.draw(self.pipeline.embed(texts["own"], noise), start))
            seen.append(features(self.spaces, drawn[-1]))
        best = np.stack([(one["own"] * texts["own"]).sum(1) for one in seen]).argmax(0)
        chosen = {name: np.stack([one[name] for one in seen])[best, np.arange(len(prompts))] for name in self.spaces}
        shuffled = {name: np.roll(f, 1, axis=0) for name, f in seen[0].items()}
        decides = judge(self.spaces)
        np.savez(
            self.recipe.folder / "prompts-drawn.npz", prompts=np.array(prompts), pixels=drawn[0],
            scores=(seen[0][decides] * texts[decides]).sum(1),
        )
        self.prompted = drawn[0]
        truth = features(self.spaces, real)
        ways = {"one": seen[0], "best of four": chosen, "shuffled prompts": shuffled, "photographs": truth}
        return {"prompts": len(prompts), "chance": 1 / len(prompts)} | {
            name: {"hits": fidelity(f, texts), "cosine": {s: mean_cosine(f[s], texts[s]) for s in f}} for name, f in ways.items()
        }

    def memory(self) -> dict:
        """Nearest training photographs of everything drawn, and of photographs that were held out."""
        drawn = np.concatenate([self.from_validation, self.prompted])
        held_out = np.asarray(self.pictures.pixels[self.rows])
        rows = self.pictures.training
        known = training_features(self.recipe, self.spaces, self.pictures) | {"pixels": small(np.asarray(self.pictures.pixels[rows]))}
        drawn_in, real_in = ({**features(self.spaces, p), "pixels": small(p)} for p in (drawn, held_out))
        result, flagged = {"drawn": len(drawn), "known": len(rows), "spaces": {}}, np.zeros(len(drawn), bool)
        for name in known:
            index, distance, relative = nearest(drawn_in[name], known[name])
            _, other, other_relative = nearest(real_in[name], known[name])
            flagged |= relative < 1
            result["spaces"][name] = {
                "flagged": int((relative < 1).sum()), "flagged photographs": int((other_relative < 1).sum()),
                "photographs": len(held_out), "median": float(np.median(distance)), "median of photographs": float(np.median(other)),
                "least relative": float(relative.min()),
            }
            self.show_pairs(name, drawn, rows[index], distance)
        result["flagged"] = int(flagged.sum())
        result["passes"] = bool(flagged.mean() <= MOST_FLAGGED)
        return result

    def show_pairs(self, name: str, drawn: np.ndarray, rows: np.ndarray, distance: np.ndarray) -> None:
        """The closest pairs as a picture in the cache: it shows photographs of other people."""
        closest = np.argsort(distance)[:SHOWN_PAIRS]
        pairs = [np.concatenate([drawn[i], self.pictures.pixels[rows[i]]], axis=1) for i in closest]
        lines = [np.concatenate(pairs[at : at + 5], axis=1) for at in range(0, len(pairs) // 5 * 5, 5)]
        Image.fromarray(np.concatenate(lines)).save(self.recipe.folder / f"closest-{name}.png")


if __name__ == "__main__":
    main()
