"""Step 10: the model card, with the figures that clip.report and `npm run bench -- debias write` have gathered. It needs what ships, and no cache.

    python -m clip.model_card"""

import argparse
import json
from string import Template

from tokenizers import Tokenizer

from .bias import MEASURED as BIAS
from .bias import bias_section
from .energy import energy
from .image_tower_model import ImageTower
from .report import MEASURED, percent
from .settings import MODEL_NAME, RECIPES, TRAINING
from .text_tower_model import LAYERS, WIDTH


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--print", action="store_true", help="print the card, write nothing")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    path = MEASURED if recipe.name == "full" else recipe.folder / "measured.json"
    measured = json.loads(path.read_text())
    new = measured["evaluation"]["models"]["new"]["retrieval"]
    rows = [
        f"| {title} | " + " | ".join(percent(new[way][f"R@{k}"][0]) for k in (1, 5, 10)) + " |"
        for way, title in (("text_to_image", "text → image"), ("image_to_text", "image → text"))
    ]
    manifest = json.loads((recipe.model_folder / "manifest.json").read_text())
    relevance = manifest.get("relevance")
    size = sum(file["sizeBytes"] for name, file in manifest["files"].items() if name.endswith(".onnx"))
    card = Template((TRAINING / "clip" / "model-card.md").read_text()).substitute(
        name=MODEL_NAME, px=recipe.px, cells=(recipe.px // 16) ** 2, layers=LAYERS, width=WIDTH,
        parameters=f"{sum(p.numel() for p in ImageTower().parameters()) / 1e6:.1f}",
        vocabulary=f"{Tokenizer.from_file(str(recipe.model_folder / 'tokenizer.json')).get_vocab_size():,}", retrieval="\n".join(rows),
        megabytes=f"{size / 1e6:.1f}",
        relevance="" if relevance is None else (
            f"Relevance (`npm run bench -- relevance`, pictures kept out of training): at the threshold of {relevance['threshold']}, "
            f"{percent(relevance['truePositiveRate'])} of true caption-picture pairs and "
            f"{percent(relevance['falsePositiveRate'])} of mismatched ones are called relevant."
        ),
        bias=bias_section(BIAS if recipe.name == "full" else recipe.folder / "bias.json"),
        cost=cost(measured),
    )
    if options.print:
        print(card, end="")
    else:
        (recipe.model_folder / "MODEL_CARD.md").write_text(card)


def cost(measured: dict) -> str:
    joint, image = measured.get("joint"), measured.get("image-tower")
    if not joint or not image:
        return "Not recorded."
    seen = sum(entry["seen"] for entry in image["phases"].values())
    return (
        f"{joint['hours']:.1f} hours for the joint space and {image['hours']:.1f} hours for the image tower, which saw "
        f"{seen:,} crops, side by side on two shared cores of an AMD EPYC. {energy(joint['hours'] + image['hours'])}"
    )


if __name__ == "__main__":
    main()
