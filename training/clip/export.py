"""Step 5: the trained towers as a model folder in the Hugging Face layout: ONNX with int8 weights,
tokenizer, configuration, and golden token ids.

    python -m clip.export"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .image_tower_model import ImageTower
from .progress import load
from .quantise import store_weights_as_int8
from .settings import CONTEXT, DIMENSION, MEAN, MODEL_NAME, REPOSITORY, RECIPES, STD, Recipe
from .text_tower_model import HEADS, LAYERS, WIDTH, TextTower
from .tokenizer import END_ID, PAD_ID, START_ID, load_tokenizer

OPSET = 17
GOLDEN_TEXTS = (
    "a dog runs on the beach", "Two golden retrievers, playing!", "a photo of a chrysanthemum",
    "3 women in 2015", "Café naïve 鳥 🐦 x", "", "supercalifragilistic", "  spaces\tand\nlines  ",
    "an e-mail's @-sign: 100% \"quoted\"", "Straße, ﬁsh, Å, İstanbul",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    folder = recipe.model_folder
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    float32 = recipe.folder / "float32"
    float32.mkdir(exist_ok=True)
    scale = export_text(recipe, float32 / "text_model.onnx")
    export_vision(recipe, float32 / "vision_model.onnx")
    for name in ("text_model.onnx", "vision_model.onnx"):
        store_weights_as_int8(float32 / name, folder / "onnx" / name)
    write_configuration(recipe, folder, scale)
    write_manifest(folder)
    for path in sorted(folder.rglob("*.*")):
        print(f"{path.stat().st_size:>10,}  {path.relative_to(folder)}")


def export_text(recipe: Recipe, path: Path) -> float:
    """-> CLIP's logit scale: how much a cosine counts when labels are compared."""
    checkpoint = load(recipe.folder / "text-tower.pt") or load(recipe.folder / "joint.pt")
    if not checkpoint:
        raise SystemExit("Run python -m clip.joint_space first")
    tower = TextTower(load_tokenizer(recipe).get_vocab_size())
    text = {k.removeprefix("text."): v for k, v in checkpoint["average"].items() if k.startswith("text.")}
    tower.load_state_dict(text)
    torch.onnx.export(
        tower.eval(), torch.tensor([[START_ID, 5, END_ID, PAD_ID], [START_ID, 5, 6, END_ID]]), str(path),
        input_names=["input_ids"], output_names=["text_embeds"], opset_version=OPSET, dynamo=False,
        dynamic_axes={"input_ids": {0: "batch", 1: "sequence"}, "text_embeds": {0: "batch"}},
    )
    return checkpoint["scale"]


def export_vision(recipe: Recipe, path: Path) -> None:
    checkpoint = load(recipe.folder / f"image-tower-{recipe.phases[-1].name}.pt")
    if not checkpoint:
        raise SystemExit("Run python -m clip.image_tower for every phase first")
    tower = ImageTower()
    tower.load_state_dict(checkpoint["average"])
    fold_normalisation(tower.eval())
    torch.onnx.export(
        tower, torch.zeros(2, 3, recipe.px, recipe.px), str(path), opset_version=OPSET, dynamo=False,
        input_names=["pixel_values"], output_names=["image_embeds", "patch_embeds"],
        dynamic_axes={name: {0: "batch"} for name in ("pixel_values", "image_embeds", "patch_embeds")},
    )


def fold_normalisation(network: nn.Module) -> None:
    """Batch normalisation after a convolution becomes part of its weights."""
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for at in range(len(module) - 1):
                if isinstance(module[at], nn.Conv2d) and isinstance(module[at + 1], nn.BatchNorm2d):
                    module[at] = fuse_conv_bn_eval(module[at], module[at + 1])
                    module[at + 1] = nn.Identity()


def write_configuration(recipe: Recipe, folder: Path, scale: float) -> None:
    tokenizer = load_tokenizer(recipe)
    shutil.copy(recipe.folder / "tokenizer.json", folder / "tokenizer.json")
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT, "pad_token": "<|pad|>",
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "do_lower_case": True,
    })
    write_json(folder / "config.json", {
        "model_type": "clip", "projection_dim": DIMENSION, "logit_scale": scale,
        "text_config": {
            "vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": CONTEXT,
            "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "bos_token_id": START_ID, "eos_token_id": END_ID, "pad_token_id": PAD_ID,
        },
        "vision_config": {"image_size": recipe.px, "architectures": ["small residual network"]},
    })
    write_json(folder / "preprocessor_config.json", {
        "image_processor_type": "CLIPImageProcessor", "do_resize": True,
        "size": {"height": recipe.px, "width": recipe.px}, "resample": 2, "do_center_crop": False,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": MEAN, "image_std": STD,
    })
    shutil.copy(Path(__file__).parent / "neutral-captions.txt", folder / "neutral-captions.txt")
    if recipe.name == "full":
        write_json(REPOSITORY / "test" / "golden" / f"tokenizer-{MODEL_NAME}.json", {
            "provenance": {
                "tool": f"Hugging Face tokenizers (the Rust library) on tokenizer.json of {MODEL_NAME}",
                "command": "python -m clip.export",
            },
            "cases": [{"text": text, "ids": tokenizer.encode(text).ids} for text in GOLDEN_TEXTS],
        })


def write_manifest(folder: Path) -> None:
    """Digests of all files. `npm run bench -- relevance write` adds how relevance is calibrated."""
    manifest = {
        "name": MODEL_NAME,
        "title": "Lucida's own small CLIP, the built-in default",
        "languages": ["en"],
        "license": "Research and non-commercial use only: part of the training pictures carries that limit (see MODEL_CARD.md)",
        "files": {}, "sessionConfig": {"session.disable_quant_qdq": "1"},
        "cells": {"output": "patch_embeds"},
    }
    for name in (
        "config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
        "onnx/text_model.onnx", "onnx/vision_model.onnx", "neutral-captions.txt",
    ):
        data = (folder / name).read_bytes()
        manifest["files"][name] = {"sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    write_json(folder / "manifest.json", manifest)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
