"""Step 7: how far the decoder exaggerates what it is told. Photographs of validation rows are drawn
again from their own embeddings; the scale whose pictures are nearest to photographs is taken.

    python -m generate.guidance"""

import argparse
import json

import numpy as np

from .ablation import noises
from .metrics import hits, kernel
from .package import package
from .pictures import Pictures
from .pipeline import Pipeline
from .settings import RECIPES, Recipe
from .spaces import features, judge, open_spaces

SCALES = (1.0, 1.5, 2.5, 4.0)
DRAWN = 200


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    result = compare(recipe)
    (recipe.folder / "guidance.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def compare(recipe: Recipe) -> dict:
    pictures, spaces = Pictures(recipe), open_spaces()
    package(recipe, recipe.folder / "trial", "ridge")
    pipeline = Pipeline(recipe.folder / "trial", threads=2)
    with_text = pictures.text_ids[pictures.validation, 0] >= 0
    rows = np.random.default_rng(1).permutation(pictures.validation[with_text])[:DRAWN]
    decides = judge(spaces)
    truth = features(spaces, np.asarray(pictures.pixels[rows]))[decides]
    texts = spaces[decides].embed_texts(pictures.arrays["texts"][pictures.text_ids[rows, 0]].tolist())
    _, start = noises(range(len(rows)))
    found = {}
    for scale in SCALES:
        pipeline.spec["decoder"]["guidance"]["scale"] = scale
        seen = features(spaces, pipeline.draw(pictures.embeddings[0, rows], start))[decides]
        root = seen.shape[1] ** 0.5
        found[str(scale)] = {
            "kernel": kernel(seen * root, truth * root, np.random.default_rng(0), len(rows) // 2)[0],
            "to source": float((seen * truth).sum(1).mean()), "R@5": float(hits(seen, texts)[:, 1].mean()),
        }
        print(scale, found[str(scale)], flush=True)
    return {"pictures": len(rows), "scales": found, "chosen": float(min(found, key=lambda s: found[s]["kernel"]))}


if __name__ == "__main__":
    main()
