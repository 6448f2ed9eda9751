"""Step 6: measure a model folder on what it has not been trained on: retrieval on flickr8k-dev,
zero-shot on the held-out classes, loss by int8, and speed.

    python -m clip.evaluate [--seed-model FOLDER]     quality of the new model, and of the seed
    python -m clip.evaluate --speed                   on one core, when nothing else runs"""

import argparse
import io
import json
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .datasets import YARDSTICK, PictureSet, class_of, held_out_classes
from .joint_space import JointSpace, embed_texts
from .models import ShippedModel, unit
from .progress import load
from .settings import RECIPES, Recipe, datasets_root
from .targets import teacher_inputs
from .texts import TEMPLATES
from .tokenizer import encode, load_tokenizer

KS = (1, 5, 10)
RESAMPLES = 2000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--seed-model", type=Path, default=os.environ.get("LUCIDA_SEED_MODEL"))
    arguments.add_argument("--speed", action="store_true")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    path = recipe.folder / ("speed.json" if options.speed else "evaluation.json")
    result = measure_speed(recipe) if options.speed else evaluate(recipe, options.seed_model)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(path.read_text())


def evaluate(recipe: Recipe, seed_model: Path | None) -> dict:
    models = {"new": ShippedModel(recipe.model_folder)}
    if seed_model:
        models["seed"] = ShippedModel(Path(seed_model))
    float32 = ShippedModel(recipe.model_folder, recipe.folder / "float32")
    yardstick = PictureSet(YARDSTICK, recipe)
    pictures, captions = read_pictures(yardstick), [row["captions"] for row in yardstick.rows]
    hits = {name: retrieval(model, pictures, captions) for name, model in models.items()}
    result = {"pictures": len(pictures), "captions": sum(map(len, captions)), "models": {}}
    for name, model in models.items():
        result["models"][name] = {
            "retrieval": {way: intervals(table) for way, table in hits[name].items()},
            "zero_shot": zero_shot(
                model.embed_texts, lambda one, rows: model.embed_pictures(read_pictures(one, rows)), recipe
            ),
        }
    if seed_model:
        differences = hits["new"]["text_to_image"] - hits["seed"]["text_to_image"]
        result["gain"] = intervals(differences)
    result["float32"] = intervals(retrieval(float32, pictures, captions)["text_to_image"])
    result["models"]["teacher"] = teacher_in_place_of_pixels(recipe, yardstick)
    return result


def read_pictures(one: PictureSet, rows: np.ndarray | None = None) -> list[Image.Image]:
    with tarfile.open(datasets_root() / f"{one.name}.tar") as tar:
        chosen = one.rows if rows is None else [one.rows[row] for row in rows]
        files = [tar.extractfile(row["file"]).read() for row in chosen]
    return [Image.open(io.BytesIO(file)).convert("RGB") for file in files]


def retrieval(model: ShippedModel, pictures: list[Image.Image], captions: list[list[str]]) -> dict:
    """For every picture, the share of its captions that find it among the first k (text -> image),
    and whether one of its captions is among the first k (image -> text): [pictures, k]."""
    texts = model.embed_texts([text for group in captions for text in group])
    return ranks(model.embed_pictures(pictures), texts, captions)


def teacher_in_place_of_pixels(recipe: Recipe, yardstick: PictureSet) -> dict:
    """The same figures where the frozen teacher places the pictures: what the joint space allows."""
    tokenizer = load_tokenizer(recipe)
    space = JointSpace(tokenizer.get_vocab_size())
    space.load_state_dict(load(recipe.folder / "joint.pt")["average"])
    space.eval()

    @torch.no_grad()
    def texts(some: list[str]) -> np.ndarray:
        return embed_texts(space.text, encode(tokenizer, some)).numpy()

    @torch.no_grad()
    def pictures(one: PictureSet, rows: np.ndarray) -> np.ndarray:
        return space.teacher(*(values[rows] for values in teacher_inputs([one]))).numpy()

    captions = [row["captions"] for row in yardstick.rows]
    images = pictures(yardstick, np.arange(len(yardstick)))
    hits = ranks(images, texts([text for group in captions for text in group]), captions)
    return {
        "retrieval": {way: intervals(table) for way, table in hits.items()},
        "zero_shot": zero_shot(texts, pictures, recipe),
    }


def ranks(images: np.ndarray, texts: np.ndarray, captions: list[list[str]]) -> dict:
    owners = np.repeat(np.arange(len(captions)), [len(group) for group in captions])
    scores = texts @ images.T
    own = scores[np.arange(len(texts)), owners]
    image_rank = (scores > own[:, None]).sum(1)
    best_own = np.array([own[owners == row].max() for row in range(len(images))])
    text_rank = (scores > best_own[None]).sum(0)
    hits = image_rank[:, None] < np.array(KS)
    by_picture = np.stack([hits[owners == row].mean(0) for row in range(len(images))])
    return {"text_to_image": by_picture, "image_to_text": (text_rank[:, None] < np.array(KS)).astype(float)}


def intervals(table: np.ndarray) -> dict:
    """Mean per column and its 95 % interval, by resampling pictures with all their captions."""
    random = np.random.default_rng(1)
    means = np.stack([table[random.integers(len(table), size=len(table))].mean(0) for _ in range(RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return {f"R@{k}": [table[:, i].mean(), low[i], high[i]] for i, k in enumerate(KS)}


def zero_shot(embed_texts, embed_rows, recipe: Recipe) -> dict:
    """Top-1. Pictures of held-out classes: among these classes alone, and among all of the set.
    Validation pictures of the other classes, among all: what a class gains by having been seen."""
    result = {}
    for name in ("caltech101-train", "tiny-imagenet", "flowers-train"):
        one = PictureSet(name, recipe)
        names = {class_of(name, row): row["labels"][0].lower() for row in one.rows}
        classes = sorted(names)
        weights = unit(np.stack([embed_texts(templates(names[c])).mean(0) for c in classes]))
        hidden = [index for index, c in enumerate(classes) if c in held_out_classes(name)]
        rows = np.flatnonzero(one.is_held_out)
        others = np.flatnonzero(one.is_validation & ~one.is_held_out)
        if not len(rows) or not len(others):
            continue
        scores, truth = embed_rows(one, rows) @ weights.T, classes_of(one, rows, classes)
        seen = embed_rows(one, others) @ weights.T
        result[name] = {
            "pictures": len(rows), "held_out": len(hidden), "classes": len(classes), "seen_pictures": len(others),
            "among_held_out": float((np.array(hidden)[scores[:, hidden].argmax(1)] == truth).mean()),
            "among_all": float((scores.argmax(1) == truth).mean()),
            "seen_among_all": float((seen.argmax(1) == classes_of(one, others, classes)).mean()),
        }
    return result


def classes_of(one: PictureSet, rows: np.ndarray, classes: list[str]) -> np.ndarray:
    return np.array([classes.index(class_of(one.name, one.rows[row])) for row in rows])


def templates(name: str) -> list[str]:
    return [template.format(name) for template in TEMPLATES]


def measure_speed(recipe: Recipe) -> dict:
    """Milliseconds on one core: a picture at batch 8, and a query of ten words."""
    model = ShippedModel(recipe.model_folder)
    pixels = np.random.default_rng(0).standard_normal((8, 3, model.px, model.px), np.float32)
    ids = model.ids(["two brown dogs run on the wet beach at sunset"])
    picture = median_ms(lambda: model.vision.run(["image_embeds"], {"pixel_values": pixels})) / 8
    return {"picture_ms": picture, "query_ms": median_ms(lambda: model.text.run(None, {"input_ids": ids}))}


def median_ms(run, times: int = 60) -> float:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        took.append((time.perf_counter() - started) * 1000)
    return float(np.median(took))


if __name__ == "__main__":
    main()
