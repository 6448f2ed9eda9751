"""Step 12: what the program must come to from one prompt and one seed: test/golden/lucida-unclip-1.json.

    python -m generate.golden"""

import argparse
import json

import numpy as np

from clip.models import ShippedModel

from .codec import to_pixels
from .pipeline import Pipeline, noise_of
from .settings import EMBEDDING, MODEL_NAME, PRIOR_SAMPLES, RECIPES, REPOSITORY, clip_folder

PROMPT = "a mountain with snow"
SEED = 7
FIRST = 8  # numbers of long lists
CELLS = 4  # a side, over which pixels are averaged


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    path = REPOSITORY / "test" / "golden" / f"{MODEL_NAME}.json" if recipe.name == "full" else recipe.folder / "golden.json"
    provenance = {
        "tool": f"{MODEL_NAME} by onnxruntime in Python, noise by torch.randn",
        "command": "python -m generate.golden",
        "draws": "one generator: samples x dimension numbers for the prior, unless it is a regression, then channels x height x width for the decoder",
    }
    path.write_text(json.dumps({"provenance": provenance} | draw(Pipeline(recipe.model_folder)), indent=1) + "\n")
    print(path)


def draw(pipeline: Pipeline) -> dict:
    text = ShippedModel(clip_folder()).embed_texts([PROMPT])
    diffuses = pipeline.prior_spec["kind"] == "diffusion"
    prior, start = noise_of(SEED, PRIOR_SAMPLES if diffuses else 0)
    given = prior[None] if diffuses else np.zeros((1, 1, EMBEDDING), np.float32)
    candidates = pipeline.candidates(text, given)[0]
    embedding = pipeline.embed(text, given)
    z = pipeline.latents(embedding, start[None])
    pixels = to_pixels(pipeline.codec.run(["image"], {"z": z})[0])[0]
    return {
        "prompt": PROMPT, "seed": SEED, "textEmbedding": rounded(text[0]), "priorNoise": rounded(prior.reshape(-1)[:FIRST]),
        "decoderNoise": rounded(start.reshape(-1)[:FIRST]),
        "candidateCosines": rounded(candidates @ text[0]), "chosen": int((candidates @ text[0]).argmax()),
        "embedding": rounded(embedding[0]),
        "latents": {"mean": round(float(z.mean()), 5), "std": round(float(z.std()), 5), "first": rounded(z.reshape(-1)[:FIRST])},
        "pixels": {"cells": CELLS, "means": cells(pixels).round(2).tolist()},
    }


def rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 6) for v in values]


def cells(pixels: np.ndarray) -> np.ndarray:
    """Mean colour of CELLS x CELLS parts, row by row: [CELLS * CELLS, 3]."""
    side = len(pixels) // CELLS
    return pixels.reshape(CELLS, side, CELLS, side, 3).astype(np.float64).mean((1, 3)).reshape(-1, 3)


if __name__ == "__main__":
    main()
