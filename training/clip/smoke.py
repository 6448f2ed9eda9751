"""The whole chain on a handful of pictures, in a few minutes: it shows that every step runs and that
each finds what the one before it left. Its model is worth nothing.

    python -m clip.smoke"""

import shutil
import sys
import time

from . import evaluate, export, image_tower, joint_space, model_card, report, text_tower, tokenizer
from .settings import RECIPES

RECIPE = RECIPES["smoke"]
STEPS = [
    (tokenizer, []),
    (joint_space, []),
    *((image_tower, ["--phase", phase.name]) for phase in RECIPE.phases),
    (text_tower, []),
    (export, []),
    (evaluate, []),
    (evaluate, ["--speed"]),
    (report, []),
    (model_card, []),
]


def main() -> None:
    shutil.rmtree(RECIPE.folder)
    started = time.monotonic()
    for module, arguments in STEPS:
        name = module.__name__.removeprefix("clip.")
        print(f"== {name} {' '.join(arguments)}", flush=True)
        sys.argv = [name, "--recipe", RECIPE.name, *arguments]
        module.main()
    missing = [
        name for name in ("MODEL_CARD.md", "manifest.json", "onnx/vision_model.onnx", "onnx/text_model.onnx")
        if not (RECIPE.model_folder / name).exists()
    ]
    if missing:
        raise SystemExit(f"The chain did not leave {', '.join(missing)}")
    print(f"The chain is whole: {time.monotonic() - started:.0f} s, model in {RECIPE.model_folder}")


if __name__ == "__main__":
    main()
