"""Exports a model of open_clip to a folder that `lucida models import FOLDER` takes.

    python -m export.open_clip ViT-B-32 --pretrained openai OUT
    python -m export.open_clip hf-hub:timm/ViT-B-16-SigLIP OUT
    python -m export.open_clip ViT-B-32 --random --seed 0 OUT

`--random` downloads nothing: the same graph with random weights, for measuring speed and memory.
`--layout immich` writes visual/ and textual/ as Immich does: one row at a time, int32 tokens, vectors
of unit length. Both graphs are run and compared with PyTorch before the folder is called done.

Needs clip-requirements.txt, and memory of about three times the weights.
"""

import argparse
from pathlib import Path

import open_clip
import torch

from .clip_files import write_configuration
from .clip_towers import export_towers


def main() -> None:
    arguments = parse()
    model = create(arguments.model, arguments.pretrained, arguments.random, arguments.seed)
    tokenizer = open_clip.get_tokenizer(arguments.model)
    config = model_config(arguments.model)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_configuration(arguments.out, arguments.layout, model, config, tokenizer)
    off = export_towers(arguments.out, arguments.layout, model, config, tokenizer.context_length)
    print(f"{arguments.out}: no number is off by more than {off:.1e}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="open_clip's name of the architecture, or hf-hub:OWNER/NAME")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--pretrained", help="open_clip's tag of the weights, or a file of them")
    parser.add_argument("--random", action="store_true", help="random weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layout", choices=("huggingface", "immich"), default="huggingface")
    arguments = parser.parse_args()
    if not (arguments.pretrained or arguments.random or ":" in arguments.model):
        parser.error(f"which weights? --pretrained TAG ({', '.join(tags(arguments.model)) or 'none known'}), or --random")
    return arguments


def tags(name: str) -> list[str]:
    return open_clip.list_pretrained_tags_by_model(name)


def create(name: str, pretrained: str | None, random: bool, seed: int) -> torch.nn.Module:
    """In evaluation mode, with the activation that its weights were trained with."""
    torch.manual_seed(seed)
    told = open_clip.get_pretrained_cfg(name, pretrained) if pretrained and not random else {}
    model = open_clip.create_model(
        name, pretrained=None if random else pretrained, load_weights=not random,
        force_quick_gelu=told.get("quick_gelu", False), pretrained_text=False)
    return model.eval().requires_grad_(False)


def model_config(name: str) -> dict:
    if name.startswith("hf-hub:"):
        return open_clip.factory._get_hf_config(name.removeprefix("hf-hub:"))["model_cfg"]
    return open_clip.get_model_config(name)


if __name__ == "__main__":
    main()
