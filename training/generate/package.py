"""Step 9: the model folder, of the codec and the prior that measured best, with pipeline.json.

    python -m generate.package [--folder FOLDER] [--prior diffusion|ridge]"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

from .pictures import Pictures
from .settings import (
    CHANNELS, CLIP_NAME, DECODER_STEPS, EMBEDDING, GUIDANCE, GUIDANCE_INTERVAL, MODEL_NAME, PATCH, PRIOR_SAMPLES,
    PRIOR_STEPS, PX, RECIPES, SOLVER_START, Recipe, clip_folder,
)

TITLE = "Lucida's own small unCLIP: sketches of 96 px"
LICENSE = "Research and non-commercial use only: part of the training pictures carries that limit (see MODEL_CARD.md)"
# As src/models/pixel-rule.ts has it; both decide what a picture's vector is.
PIXEL_CONVENTIONS = "upright,white,srgb8,first-frame,pil"
FILTERS = {1: "lanczos3", 2: "linear", 3: "cubic"}
MOST_BYTES = 18_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--folder", type=Path, help="in place of the recipe's")
    arguments.add_argument("--prior", choices=("diffusion", "ridge"), help="in place of what generate.ablation chose")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    folder = options.folder or recipe.model_folder
    package(recipe, folder, options.prior or read(recipe, "ablation")["ships"])
    for path in sorted(folder.rglob("*.*")):
        print(f"{path.stat().st_size:>10,}  {path.relative_to(folder)}")


def read(recipe: Recipe, name: str) -> dict:
    path = recipe.folder / f"{name}.json"
    if not path.exists():
        raise SystemExit(f"Run python -m generate.{name} first")
    return json.loads(path.read_text())


def package(recipe: Recipe, folder: Path, prior: str) -> None:
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    chosen = tuned(recipe)
    files = {
        "onnx/prior.onnx": f"prior-{prior}", "onnx/decoder.onnx": "decoder", "onnx/codec-encoder.onnx": "codec-encoder",
        "onnx/codec-decoder.onnx": f"codec-{chosen['codec']['ships']}",
    }
    for target, source in files.items():
        shutil.copy(recipe.folder / "onnx" / f"{source}.onnx", folder / target)
    names = [*files, *(name for name in ("training-hashes.bin",) if (folder / name).exists())]
    spec = pipeline(recipe, prior, {name: digest(folder / name) for name in names})
    if (total := sum(one["sizeBytes"] for one in spec["files"].values())) > MOST_BYTES:
        raise SystemExit(f"{total:,} bytes in all; at most {MOST_BYTES:,} may ship")
    (folder / "pipeline.json").write_text(json.dumps(spec, indent=1) + "\n")


def digest(path: Path) -> dict:
    data = path.read_bytes()
    return {"sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def pipeline(recipe: Recipe, prior: str, files: dict) -> dict:
    pictures = Pictures(recipe)
    return {
        "schema": "lucida.pipeline/1", "name": MODEL_NAME, "title": TITLE, "license": LICENSE, "files": files,
        "sessionConfig": {"session.disable_quant_qdq": "1"},
        "embedding": {
            "space": CLIP_NAME, "recipe": clip_recipe(), "dimension": EMBEDDING,
            "mean": [round(float(v), 7) for v in pictures.mean], "std": [round(float(v), 7) for v in pictures.std],
        },
        "text": "search",
        "prior": prior_spec(prior),
        "decoder": {
            "file": "onnx/decoder.onnx",
            "inputs": {"sample": "x", "time": "t", "embedding": "emb", "noise": "aug", "keep": "keep"},
            "output": "v", "prediction": "velocity",
            "schedule": {"type": "flow", "solver": "dpmpp2m", "steps": DECODER_STEPS, "start": SOLVER_START},
            "guidance": {"mode": "keep", "scale": tuned(recipe)["guidance"]["chosen"], "interval": list(GUIDANCE_INTERVAL)},
        },
        "codec": {
            "decode": {"file": "onnx/codec-decoder.onnx", "input": "z", "output": "image"},
            "encode": {"file": "onnx/codec-encoder.onnx", "input": "image", "output": "z"},
            "channels": CHANNELS, "downscale": PATCH, "scale": 1, "shift": 0, "range": [-1, 1],
        },
        "size": {"widthPx": PX, "heightPx": PX},
    }


def tuned(recipe: Recipe) -> dict:
    """What generate.tuning chose, or with what it begins."""
    first = {"codec": {"ships": "patches"}, "guidance": {"chosen": GUIDANCE}}
    return read(recipe, "tuning") if (recipe.folder / "tuning.json").exists() else first


def prior_spec(prior: str) -> dict:
    if prior == "ridge":
        return {"kind": "regression", "file": "onnx/prior.onnx", "inputs": {"text": "emb"}, "output": "x0"}
    return {
        "kind": "diffusion", "file": "onnx/prior.onnx",
        "inputs": {"sample": "x", "time": "t", "text": "emb", "keep": "keep"}, "output": "x0", "prediction": "sample",
        "schedule": {"type": "flow", "solver": "dpmpp2m", "steps": PRIOR_STEPS}, "guidance": 1, "samples": PRIOR_SAMPLES,
    }


def clip_recipe() -> str:
    """What src/models/manifest.ts calls the recipe of a model's vectors."""
    manifest, rule = (json.loads((clip_folder() / name).read_text()) for name in ("manifest.json", "preprocessor_config.json"))
    height, width = rule["size"]["height"], rule["size"]["width"]
    pixels = {
        "resize": "squash", "heightPx": height, "widthPx": width, "shortestEdgePx": min(height, width),
        "filter": FILTERS[rule["resample"]], "rescale": rule["rescale_factor"], "mean": rule["image_mean"], "std": rule["image_std"],
    }
    told = json.dumps([manifest["files"]["onnx/vision_model.onnx"]["sha256"], pixels, PIXEL_CONVENTIONS], separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
