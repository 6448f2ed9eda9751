"""Draws the curves of training from its logs into the training cache.

    python -m clip.curves"""

import argparse
import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from .settings import RECIPES  # noqa: E402

CURVES = (("joint.jsonl", "step", ("loss", "recall10")), ("image-tower.jsonl", "seen", ("loss", "cosine_flickr8k", "cosine", "recall10")))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    figure, axes = plt.subplots(len(CURVES), 2, figsize=(11, 7), layout="constrained")
    for (file, unit, names), row in zip(CURVES, axes):
        entries = [json.loads(line) for line in (recipe.folder / file).read_text().splitlines()]
        ends, offset = [], 0  # phases count from nought; the picture goes on
        for before, entry in zip([None, *entries], entries):
            if before and entry.get("phase") != before.get("phase"):
                offset += before[unit]
            ends.append(offset + entry[unit])
        for name in names:
            points = [(x, entry[name]) for x, entry in zip(ends, entries) if name in entry]
            (row[0] if name == "loss" else row[1]).plot(*zip(*points), label=name)
        for axis in row:
            axis.set(xlabel=f"{file.removesuffix('.jsonl')}: {unit}")
            axis.legend()
    figure.savefig(recipe.folder / "curves.png", dpi=110)
    print(recipe.folder / "curves.png")


if __name__ == "__main__":
    main()
