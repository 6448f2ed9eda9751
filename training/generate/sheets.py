"""Step 11: contact sheets of what the model draws, without picking, and strips that show walks and text
differences. Drawn pictures only.

    python -m generate.sheets"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from clip.models import ShippedModel, unit

from .ablation import noises
from .edits import NOTHING_SAID
from .metrics import slerp
from .pipeline import Pipeline
from .settings import PX, RECIPES, REPOSITORY, Recipe, clip_folder

ACROSS, DOWN = 8, 3
DECILES = {"worst": 0, "middle": 4, "best": 9}
STEPS = 8
SEED = 2026
WALKS = (
    ("a sunflower", "a mountain with snow"),
    ("a dog runs on the grass", "a child plays on the beach"),
    ("a forest", "a street with buildings"),
    ("an orange", "a red apple"),
)
DIFFERENCES = (
    ("a dog runs on the grass", "snow"),
    ("a street with buildings", "night"),
    ("a mountain", "sunset"),
    ("a shirt", "a red thing"),
)
PROMPTS = (
    "a sunflower", "a mountain with snow", "a forest", "a street with buildings", "the sea at sunset",
    "a dog runs on the grass", "a child plays on the beach", "a red apple",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    folder = pictures_folder(recipe)
    with np.load(recipe.folder / "prompts-drawn.npz") as file:
        pixels, scores = file["pixels"], file["scores"]
    for name, decile in DECILES.items():
        save(sheet(pixels[decile_rows(scores, decile)]), folder / f"{name}-decile.webp")
    pipeline, clip = Pipeline(recipe.model_folder), ShippedModel(clip_folder())
    save(sheet(by_prompt(pipeline, clip), len(PROMPTS)), folder / "prompts.webp")
    save(sheet(walks(pipeline, clip), STEPS), folder / "walks.webp")
    save(sheet(differences(pipeline, clip), STEPS), folder / "text-differences.webp")


def pictures_folder(recipe: Recipe) -> Path:
    folder = REPOSITORY / "docs" / "images" / "generation" if recipe.name == "full" else recipe.folder / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def decile_rows(scores: np.ndarray, decile: int) -> np.ndarray:
    """Evenly spread over one tenth of the pictures in the order of their scores."""
    tenth = np.array_split(np.argsort(scores), 10)[decile]
    return tenth[np.linspace(0, len(tenth) - 1, min(ACROSS * DOWN, len(tenth))).astype(int)]


def by_prompt(pipeline: Pipeline, clip: ShippedModel) -> np.ndarray:
    """A column for each prompt, a row for each seed."""
    texts = clip.embed_texts(list(PROMPTS))
    rows = []
    for row in range(4):
        noise, start = noises(range(SEED + row * 100, SEED + row * 100 + len(PROMPTS)))
        rows.append(pipeline.draw(pipeline.embed(texts, noise), start))
    return np.concatenate(rows)


def walks(pipeline: Pipeline, clip: ShippedModel) -> np.ndarray:
    """From the embedding that the prior gives one text to that of another, the same noise all the way."""
    return strips(pipeline, *(embedded(pipeline, clip, [pair[end] for pair in WALKS]) for end in (0, 1)), most=1.0)


def differences(pipeline: Pipeline, clip: ShippedModel) -> np.ndarray:
    """Turned by up to half of the way towards what the second text says that "a photo" does not."""
    source = embedded(pipeline, clip, [one for one, _ in DIFFERENCES])
    target = unit(clip.embed_texts([other for _, other in DIFFERENCES]) - clip.embed_texts([NOTHING_SAID]))
    return strips(pipeline, source, target, most=0.5)


def embedded(pipeline: Pipeline, clip: ShippedModel, texts: list[str]) -> np.ndarray:
    noise, _ = noises(range(SEED, SEED + len(texts)))
    return pipeline.embed(clip.embed_texts(texts), noise)


def strips(pipeline: Pipeline, a: np.ndarray, b: np.ndarray, most: float) -> np.ndarray:
    _, start = noises(range(SEED, SEED + len(a)))
    columns = [pipeline.draw(slerp(a, b, share), start) for share in np.linspace(0, most, STEPS)]
    return np.stack(columns, axis=1).reshape(-1, PX, PX, 3)


def sheet(pixels: np.ndarray, across: int = ACROSS) -> np.ndarray:
    whole = pixels[: len(pixels) // across * across] if len(pixels) >= across else pixels
    lines = [np.concatenate(list(whole[at : at + across]), axis=1) for at in range(0, len(whole), across)]
    return np.concatenate([line for line in lines if line.shape == lines[0].shape])


def save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, quality=80)
    print(f"{path.stat().st_size:>10,}  {path.name}")


if __name__ == "__main__":
    main()
