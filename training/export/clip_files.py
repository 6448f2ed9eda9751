"""What lies beside the graphs of a model: config.json, how pictures are prepared, the tokenizer."""

import json
from pathlib import Path

import open_clip
import torch
from transformers import CLIPTokenizer

# PIL's numbers.
RESAMPLE = {"bilinear": 2, "bicubic": 3}
END = "<|endoftext|>"


def write_configuration(out: Path, layout: str, model: torch.nn.Module, config: dict, tokenizer) -> None:
    told = {**config, "text_cfg": {**config["text_cfg"], "context_length": tokenizer.context_length}}
    write_json(out / "config.json", {
        "model_type": "open_clip", "logit_scale": float(model.logit_scale.exp()), **told,
    })
    pixels = model.visual.preprocess_cfg
    if pixels["resize_mode"] not in ("shortest", "squash"):
        raise SystemExit(f"Pictures that are resized by the rule {pixels['resize_mode']} cannot be prepared by Lucida")
    if layout == "immich":
        write_json(out / "visual" / "preprocess_cfg.json", pixels)
        write_tokenizer(out / "textual", tokenizer)
    else:
        write_json(out / "preprocessor_config.json", preprocessor(pixels))
        write_tokenizer(out, tokenizer)


def preprocessor(pixels: dict) -> dict:
    """open_clip's preprocess_cfg, as Hugging Face says it."""
    size = pixels["size"]
    height, width = (size, size) if isinstance(size, int) else size
    squash = pixels["resize_mode"] == "squash"
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": height, "width": width} if squash else {"shortest_edge": min(height, width)},
        "resample": RESAMPLE[pixels["interpolation"]],
        "do_center_crop": not squash,
        "crop_size": {"height": height, "width": width},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(pixels["mean"]),
        "image_std": list(pixels["std"]),
    }


def write_tokenizer(folder: Path, tokenizer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        ranks = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.get)
        save_clip_tokenizer(clip_tokenizer(dict(tokenizer.encoder), ranks, tokenizer.context_length), folder)
    else:
        tokenizer.tokenizer.save_pretrained(folder)


def save_clip_tokenizer(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """open_clip pads with 0, which is the "!" of texts, too, and cannot be named as a token of its own."""
    tokenizer.save_pretrained(folder)
    told = json.loads((folder / "tokenizer_config.json").read_text())
    write_json(folder / "tokenizer_config.json", {**told, "pad_token": None})


def clip_tokenizer(vocabulary: dict[str, int], merges: list[tuple[str, str]], context: int) -> CLIPTokenizer:
    """open_clip names the two special tokens otherwise than everybody else."""
    start, end = vocabulary.pop("<start_of_text>"), vocabulary.pop("<end_of_text>")
    vocabulary |= {"<|startoftext|>": start, END: end}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=context, do_lower_case=True)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
