"""Step 8: what each way from a text to a picture's embedding is worth (Ramesh et al. 2022, 5.1), and
which prior ships. Prompts are captions of the yardstick.

    python -m generate.ablation"""

import argparse
import json

import numpy as np

from clip.models import unit

from .metrics import hits, interval, kernel, mean_pairwise
from .package import package, prior_spec
from .pictures import Pictures
from .pipeline import Pipeline, noise_of
from .settings import PRIOR_SAMPLES, RECIPES, Recipe
from .spaces import features, judge, open_spaces, yardstick

NEAREST = 5  # pictures of training that the retrieval prior takes the mean of
AGAIN = 30  # prompts that are drawn with several seeds
SEEDS = 4
OTHER_SEEDS = 1_000_000  # of those draws


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    result = compare(recipe)
    (recipe.folder / "ablation.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def compare(recipe: Recipe) -> dict:
    spaces, pictures = open_spaces(), Pictures(recipe)
    prompts, real, others = yardstick(recipe)
    folder = recipe.folder / "trial"
    package(recipe, folder, "diffusion")
    pipeline = Pipeline(folder)
    regression = Pipeline(folder, prior=(prior_spec("ridge"), recipe.folder / "onnx" / "prior-ridge.onnx"))
    texts = {name: space.embed_texts(prompts) for name, space in spaces.items()}
    known = pictures.embeddings[0, pictures.training]

    def retrieved(text: np.ndarray) -> np.ndarray:
        return unit(known[np.argsort(-(text @ known.T), axis=1)[:, :NEAREST]].mean(1))

    ways = {
        "text": lambda text, noise: text,
        "ridge": lambda text, noise: regression.embed(text, noise[:, :1]),
        "retrieval": lambda text, noise: retrieved(text),
        "diffusion 1": lambda text, noise: pipeline.embed(text, noise[:, :1]),
        "diffusion 4": pipeline.embed,
    }
    truth, elsewhere = features(spaces, real), features(spaces, others)
    result = {
        "prompts": len(prompts), "second": "second" in spaces,
        "real": {"hits": fidelity(truth, texts), "kernel": distance(truth, elsewhere)}, "ways": {},
    }
    drawn, hit = {}, {}
    for name, way in ways.items():
        noise, start = noises(range(len(prompts)))
        embeddings = way(texts["own"], noise)
        drawn[name] = pipeline.draw(embeddings, start)
        seen = features(spaces, drawn[name])
        decides = judge(spaces)
        hit[name] = hits(seen[decides], texts[decides])
        result["ways"][name] = {
            "hits": fidelity(seen, texts), "kernel": distance(seen, elsewhere),
            "diversity": interval(diversity(pipeline, way, texts["own"][:AGAIN], spaces)),
            "to truth": mean_cosine(embeddings, truth["own"]), "to text": mean_cosine(embeddings, texts["own"]),
            "to another text": mean_cosine(embeddings, np.roll(texts["own"], 1, axis=0)),
        }
        print(name, json.dumps(result["ways"][name]), flush=True)
    np.savez(recipe.folder / "ablation-drawn.npz", prompts=np.array(prompts), **drawn)
    return result | decision(result["ways"], hit)


def noises(seeds) -> tuple[np.ndarray, np.ndarray]:
    both = [noise_of(seed, PRIOR_SAMPLES) for seed in seeds]
    return np.stack([one for one, _ in both]), np.stack([two for _, two in both])


def fidelity(images: dict, texts: dict) -> dict:
    found = {name: hits(images[name], texts[name]) for name in images}
    return {name: {f"R@{k}": interval(table[:, i]) for i, k in enumerate((1, 5))} for name, table in found.items()}


def distance(a: dict, b: dict) -> dict:
    random = np.random.default_rng(0)
    return {name: kernel(*(v * a[name].shape[1] ** 0.5 for v in (a[name], b[name])), random, 250) for name in a}


def diversity(pipeline: Pipeline, way, texts: np.ndarray, spaces: dict) -> np.ndarray:
    """How different the pictures of one prompt are from each other, by who decides."""
    noise, start = noises(range(OTHER_SEEDS, OTHER_SEEDS + len(texts) * SEEDS))
    pixels = pipeline.draw(way(np.repeat(texts, SEEDS, axis=0), noise), start)
    decides = judge(spaces)
    return mean_pairwise(features({decides: spaces[decides]}, pixels)[decides].reshape(len(texts), SEEDS, -1))


def mean_cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum(1).mean())


def decision(ways: dict, hit: dict) -> dict:
    """The diffusion prior ships if it is found more often than ridge regression, or as often and with
    more variety."""
    gain = interval(hit["diffusion 4"][:, 0].astype(float) - hit["ridge"][:, 0])
    varied = ways["diffusion 4"]["diversity"][0] - ways["ridge"]["diversity"][0]
    wins = gain[1] > 0 or (gain[2] >= 0 and varied > 0)
    return {"gain of R@1": gain, "gain of diversity": varied, "ships": "diffusion" if wins else "ridge"}


if __name__ == "__main__":
    main()
