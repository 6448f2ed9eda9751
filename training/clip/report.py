"""Step 8: docs/built-in-model.md, from what the other steps have measured.

    python -m clip.report

Figures are gathered from the training cache into clip/measured.json, which is committed, so that
the page can be made again without training."""

import argparse
import json
from pathlib import Path

from .joint_space import IDEAS
from .settings import MODEL_NAME, RECIPES, REPOSITORY, Recipe

MEASURED = Path(__file__).parent / "measured.json"
WAYS = {"text_to_image": "text → image", "image_to_text": "image → text"}
COLUMNS = ("seed", "new", "teacher")
SETS = {"caltech101-train": "Caltech-101", "tiny-imagenet": "Tiny ImageNet", "flowers-train": "flowers (tulip)"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    full = recipe.name == "full"
    measured = gather(recipe, json.loads(MEASURED.read_text()) if full and MEASURED.exists() else {})
    (MEASURED if full else recipe.folder / "measured.json").write_text(json.dumps(measured, indent=2) + "\n")
    page = REPOSITORY / "docs" / "built-in-model.md" if full else recipe.folder / "built-in-model.md"
    notes = (Path(__file__).parent / "notes.md").read_text() if full else ""
    page.write_text(render(measured, notes))
    print(page)


def gather(recipe: Recipe, measured: dict) -> dict:
    """What the cache holds takes the place of what was measured before."""
    for name in ("evaluation", "speed"):
        if (path := recipe.folder / f"{name}.json").exists():
            measured[name] = json.loads(path.read_text())
    ablations = measured.setdefault("ablations", {})
    for path in sorted(recipe.folder.glob("try-*.jsonl")):
        ablations[path.stem.removeprefix("try-")] = last_line(path)
    for name in ("joint", "image-tower"):
        if (path := recipe.folder / f"{name}.jsonl").exists():
            measured[name] = cost(path)
    return measured


def last_line(path: Path) -> dict:
    return json.loads(path.read_text().splitlines()[-1])


def cost(path: Path) -> dict:
    """Samples or steps by phase, the last figures, and the hours, pauses of resumed runs left out."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    seconds, before = 0.0, 0.0
    for entry in entries:
        seconds += entry["seconds"] - (before if entry["seconds"] > before else 0)
        before = entry["seconds"]
    phases = {entry.get("phase", "all"): entry for entry in entries}
    return {"hours": seconds / 3600, "phases": phases}


def render(measured: dict, notes: str) -> str:
    evaluation = measured["evaluation"]
    models = evaluation["models"]
    parts = [
        f"# The built-in model, measured\n\nMade by `python -m clip.report` ([training](../training/README.md)) "
        f"of `{MODEL_NAME}`. Intervals hold 95 % of {2000:,} resamplings of the pictures with their captions.\n",
        f"## Retrieval\n\nflickr8k-dev: {evaluation['pictures']:,} photographs, {evaluation['captions']:,} captions. "
        "No model was trained on it. The row *teacher* has the frozen teacher place the pictures: what the joint space "
        "allows; the rest is what the image tower loses.\n",
        retrieval_table(models),
    ]
    if "gain" in evaluation:
        parts.append(f"Gain of R@10, text → image: **{points(evaluation['gain']['R@10'])} points**.\n")
    parts.append("## Zero-shot on held-out classes\n\nTop-1. The new model has not been trained on pictures of these "
                 "classes; **the seed has**, and it has seen the validation pictures of the other classes too. Their names occur in captions, and the teacher, an ImageNet classifier, "
                 "knows most of them.\n")
    parts.append(zero_shot_table(models))
    exact, stored = evaluation["float32"]["R@10"][0], models["new"]["retrieval"]["text_to_image"]["R@10"][0]
    parts.append(f"## Loss by int8 weights\n\nR@10, text → image: {percent(exact)} in float32, {percent(stored)} as "
                 f"shipped: {100 * (exact - stored):+.2f} points lost.\n")
    if "speed" in measured:
        speed = measured["speed"]
        parts.append(f"## Speed\n\nOne core of an AMD EPYC, onnxruntime: {speed['picture_ms']:.1f} ms a picture at "
                     f"batch 8, {speed['query_ms']:.2f} ms a query of ten words.\n")
    parts += [cost_section(measured), ablation_section(measured["ablations"]), notes]
    return "\n".join(part for part in parts if part)


def retrieval_table(models: dict) -> str:
    lines = ["| | model | R@1 | R@5 | R@10 |", "|---|---|---|---|---|"]
    for way, title in WAYS.items():
        for name in COLUMNS:
            if name in models:
                row = models[name]["retrieval"][way]
                lines.append(f"| {title} | {name} | " + " | ".join(interval(row[f"R@{k}"]) for k in (1, 5, 10)) + " |")
    return "\n".join(lines) + "\n"


def zero_shot_table(models: dict) -> str:
    names = [name for name in COLUMNS if name in models]
    lines = ["| set | pictures | among | " + " | ".join(names) + " | chance |", "|---|---|---|" + "---|" * (len(names) + 1)]
    for key, title in SETS.items():
        row = models["new"]["zero_shot"].get(key)
        if row is None:
            continue
        rows = [
            ("among_held_out", row["pictures"], row["held_out"], f"the {row['held_out']} held out"),
            ("among_all", row["pictures"], row["classes"], f"all {row['classes']}"),
            ("seen_among_all", row["seen_pictures"], row["classes"], f"all {row['classes']}; pictures of the other classes, validation rows"),
        ]
        for among, pictures, count, words in rows:
            if count > 1:
                cells = " | ".join(percent(models[name]["zero_shot"][key][among]) for name in names)
                lines.append(f"| {title} | {pictures:,} | {words} | {cells} | {percent(1 / count)} |")
    return "\n".join(lines) + "\n"


def cost_section(measured: dict) -> str:
    joint, image = measured.get("joint"), measured.get("image-tower")
    if not joint or not image:
        return ""
    lines = ["## Cost of training\n\nOn two cores of an AMD EPYC that other programs shared, so hours are upper bounds.\n",
             "| step | amount | hours |", "|---|---|---|",
             f"| joint space | {joint['phases']['all']['step']:,} steps | {joint['hours']:.1f} |"]
    seen = ", ".join(f"{entry['seen']:,} crops ({name})" for name, entry in image["phases"].items())
    lines.append(f"| image tower | {seen} | {image['hours']:.1f} |")
    return "\n".join(lines) + "\n"


def ablation_section(ablations: dict) -> str:
    if not ablations:
        return ""
    lines = ["## What was tried\n\nThe joint space in short runs of the same length, each without one idea, on validation rows of Flickr8k "
             "and COCO (the teacher stands in for the image tower). R@10, text → image; one run each, so differences of a "
             "point or two mean nothing, and so early a start may tell little of the end.\n",
             "| left out | what it is | steps | R@10 |", "|---|---|---|---|"]
    for name, entry in ablations.items():
        title = "nothing" if name == "all" else name
        lines.append(f"| {title} | {IDEAS.get(name, 'everything kept')} | {entry['step']} | {percent(entry['recall10'])} |")
    return "\n".join(lines) + "\n"


def interval(values: list[float]) -> str:
    return f"{percent(values[0])} ({100 * values[1]:.1f}–{100 * values[2]:.1f})"


def points(values: list[float]) -> str:
    return f"{100 * values[0]:+.1f} ({100 * values[1]:+.1f} to {100 * values[2]:+.1f})"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


if __name__ == "__main__":
    main()
