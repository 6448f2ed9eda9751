"""Step 13: docs/generation.md, from what the other steps have measured.

    python -m generate.report

Figures are gathered from the training cache into generate/measured.json, which is committed, so that
the page can be made again without training."""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from .sections import NETWORKS, sections  # noqa: E402
from .settings import RECIPES, REPOSITORY, Recipe  # noqa: E402
from .sheets import pictures_folder  # noqa: E402

MEASURED = Path(__file__).parent / "measured.json"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    full = recipe.name == "full"
    measured = gather(recipe, json.loads(MEASURED.read_text()) if full and MEASURED.exists() else {})
    (MEASURED if full else recipe.folder / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
    draw_curves(measured, pictures_folder(recipe) / "curves.png")
    page = REPOSITORY / "docs" / "generation.md" if full else recipe.folder / "generation.md"
    notes = (Path(__file__).parent / "notes.md").read_text() if full else ""
    page.write_text("\n".join([*sections(measured), notes]))
    print(page)


def gather(recipe: Recipe, measured: dict) -> dict:
    """What the cache holds takes the place of what was measured before."""
    for name in ("export", "tuning", "ablation", "evaluation"):
        if (path := recipe.folder / f"{name}.json").exists():
            measured[name] = json.loads(path.read_text())
    for name in NETWORKS:
        if (path := recipe.folder / f"{name}.jsonl").exists():
            measured[name] = [json.loads(line) for line in path.read_text().splitlines()]
    return measured


def draw_curves(measured: dict, path: Path) -> None:
    figure, axes = plt.subplots(1, len(NETWORKS), figsize=(11, 3), layout="constrained")
    for name, axis in zip(NETWORKS, axes):
        seen = [e["seen"] / 1000 for e in measured[name]]
        if name == "refiner":
            axis.plot(seen, [-e["held_out"] for e in measured[name]], label="dB on validation rows")
        else:
            axis.plot(seen, [e["loss"] for e in measured[name]], label="loss")
            axis.plot(seen, [e["held_out"] for e in measured[name]], label="on validation rows")
        axis.set(title=name, xlabel="samples, thousands")
        axis.legend()
    figure.savefig(path, dpi=80)
    plt.close(figure)


if __name__ == "__main__":
    main()
