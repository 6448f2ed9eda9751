"""Step 14: the model card, with the figures that generate.report has gathered. It needs what ships, and no cache.

    python -m generate.model_card"""

import argparse
import json
from string import Template

from clip.energy import energy
from clip.report import percent

from .decoder_model import Decoder
from .report import MEASURED
from .sections import SPACES
from .settings import CHANNELS, DECODER_STEPS, GRID, MODEL_NAME, PX, RECIPES, TRAINING_FOLDER

PRIORS = {
    "diffusion": "a diffusion prior, a gated perceptron that predicts the picture's embedding from noise and the text's; the nearest to the text of 4 samples is taken.",
    "regression": "ridge regression from the text's embedding to the picture's.",
}
CODECS = {"patches": "the decoder is linear as well.", "refined": "the decoder adds a small trained network to the linear way back."}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--print", action="store_true", help="print the card, write nothing")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    path = MEASURED if recipe.name == "full" else recipe.folder / "measured.json"
    measured = json.loads(path.read_text())
    spec = json.loads((recipe.model_folder / "pipeline.json").read_text())
    card = Template((TRAINING_FOLDER / "model-card.md").read_text()).substitute(
        name=MODEL_NAME, px=PX, channels=CHANNELS, grid=GRID, guidance=spec["decoder"]["guidance"]["scale"], steps=DECODER_STEPS, width=recipe.width,
        megabytes=f"{sum(file['sizeBytes'] for file in spec['files'].values()) / 1e6:.1f}",
        parameters=f"{sum(p.numel() for p in Decoder(recipe.width).parameters()) / 1e6:.1f}",
        prior=PRIORS[spec["prior"]["kind"]], codec=CODECS[measured["tuning"]["codec"]["ships"]],
        pictures=f"{measured['evaluation']['memory']['known']:,}", quality=quality(measured["evaluation"]), cost=cost(measured),
    )
    if options.print:
        print(card, end="")
    else:
        (recipe.model_folder / "MODEL_CARD.md").write_text(card)


def quality(evaluation: dict) -> str:
    prompts, memory = evaluation["prompts"], evaluation["memory"]
    spaces = list(prompts["one"]["hits"])
    lines = ["| | " + " | ".join(SPACES[s] for s in spaces) + " |", "|---|" + "---|" * len(spaces)]
    for key, title in (("drawn", "drawn"), ("training photographs", "floor: training photographs"), ("blurred", "the photographs, blurred")):
        cells = " | ".join(f"{evaluation['distribution'][key][s]['frechet']:.1f}" for s in spaces)
        lines.append(f"| FD-lucida (never comparable with FID), {title} | {cells} |")
    for key, title in (("one", "drawn"), ("photographs", "the photographs themselves")):
        cells = " | ".join(percent(prompts[key]["hits"][s]["R@1"][0]) for s in spaces)
        lines.append(f"| own picture first among {prompts['prompts']}, {title} (chance {percent(prompts['chance'])}) | {cells} |")
    lines.append(
        f"\nIn lucida-clip-1 the figures are circular. Near copies of training pictures, by any of {len(memory['spaces'])} distances: "
        f"{memory['flagged']} of {memory['drawn']:,} drawn."
    )
    return "\n".join(lines)


def cost(measured: dict) -> str:
    minutes = {name: measured[name][-1]["minutes"] for name in ("decoder", "refiner", "prior")}
    hours = sum(minutes.values()) / 60
    seen = measured["decoder"][-1]["seen"]
    return (
        f"{minutes['decoder']:.0f} minutes for the decoder, which saw {seen:,} pictures, {minutes['refiner']:.0f} for the codec's trained decoder and "
        f"{minutes['prior']:.0f} for the diffusion prior, shipped or not, side by side on two shared cores of an AMD EPYC. {energy(hours)}"
    )


if __name__ == "__main__":
    main()
