"""The whole chain on a handful of pictures, in about a minute: it shows that every step runs and that
each finds what the one before it left. Its model is worth nothing.

    python -m generate.smoke"""

import shutil
import sys
import time

from . import (
    ablation, codec, decoder, evaluate, export, golden, model_card, package, pictures, prior, refiner, report, sheets, tuning,
)
from .settings import RECIPES

RECIPE = RECIPES["smoke"]
STEPS = (
    pictures, codec, decoder, refiner, prior, export, tuning, ablation, package, evaluate, sheets, golden, report, model_card,
)
LEAVES = ("pipeline.json", "MODEL_CARD.md", *(f"onnx/{name}.onnx" for name in ("prior", "decoder", "codec-encoder", "codec-decoder")))


def main() -> None:
    shutil.rmtree(RECIPE.folder)
    started = time.monotonic()
    for module in STEPS:
        name = module.__name__.removeprefix("generate.")
        print(f"== {name}", flush=True)
        sys.argv = [name, "--recipe", RECIPE.name]
        module.main()
    if missing := [name for name in LEAVES if not (RECIPE.model_folder / name).exists()]:
        raise SystemExit(f"The chain did not leave {', '.join(missing)}")
    print(f"The chain is whole: {time.monotonic() - started:.0f} s, model in {RECIPE.model_folder}")


if __name__ == "__main__":
    main()
