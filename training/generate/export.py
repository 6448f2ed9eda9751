"""Step 6: every network as ONNX into the training cache, and what int8 weights cost.

    python -m generate.export"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from clip.models import ShippedModel

from .codec import Encoder, PatchDecoder, load_basis, load_latents, psnr, to_pixels
from .decoder_model import Decoder
from .learning import best_state
from .onnx_files import open_session, write
from .pictures import Pictures, embed
from .prior import Prior, Ridge
from .refiner import Refiner
from .settings import EMBEDDING, LATENT, PX, RECIPES, Recipe, clip_folder

GAIN_DB = 1.5  # that the refiner must reach to ship …
GAIN_FEATURES = 0.25  # … or else this share of the distance to the true picture, as the CLIP sees it
MEASURED_ON = 500


class Clamped(nn.Module):
    """The range that pixels have."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> Tensor:
        return self.network(z).clamp(-1, 1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    arguments.add_argument("--without", nargs="*", default=[], help="networks that are not trained yet")
    options = arguments.parse_args()
    recipe = RECIPES[options.recipe]
    differences = export(recipe, set(options.without))
    figures = {"differences": differences, "codec": compare_codecs(recipe)}
    (recipe.folder / "export.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def export(recipe: Recipe, without: set[str]) -> dict[str, float]:
    exact, stored = (recipe.folder / name for name in ("float32", "onnx"))
    for folder in (exact, stored):
        folder.mkdir(exist_ok=True)
    basis = load_basis(recipe)
    one, two = torch.ones(2), torch.tensor([0.3, 0.7])
    emb, x, noise = torch.randn(2, EMBEDDING), torch.randn(2, *LATENT), torch.randn(2, EMBEDDING)
    networks: dict[str, tuple[nn.Module, dict, str]] = {
        # Few and large-grained weights: float32 in both.
        "codec-encoder": (Encoder(basis), {"image": torch.rand(2, 3, PX, PX) * 2 - 1}, "z"),
        "codec-patches": (Clamped(PatchDecoder(basis)), {"z": x}, "image"),
    }
    with np.load(recipe.folder / "ridge.npz") as file:
        networks["prior-ridge"] = (Ridge(file["weight"], file["bias"]), {"emb": emb}, "x0")
    if "decoder" not in without:
        inputs = {"x": x, "t": two, "emb": emb, "aug": torch.tensor([0.0, 0.4]), "keep": torch.tensor([1.0, 0.0])}
        networks["decoder"] = (trained(Decoder(recipe.width), recipe, "decoder"), inputs, "v")
    if "refiner" not in without:
        networks["codec-refined"] = (Clamped(trained(Refiner(basis), recipe, "refiner")), {"z": x}, "image")
    if "prior" not in without:
        inputs = {"x": noise, "t": two, "emb": torch.nn.functional.normalize(emb), "keep": one}
        networks["prior-diffusion"] = (trained(Prior(recipe.prior_width), recipe, "prior"), inputs, "x0")
    differences = {}
    for name, (network, inputs, output) in networks.items():
        small = name in ("codec-encoder", "codec-patches")
        target = stored / f"{name}.onnx"
        differences[name] = write(network, inputs, output, target if small else exact / f"{name}.onnx", None if small else target)
        print(f"{target.stat().st_size:>10,}  {target.name}", flush=True)
    return differences


def trained(network: nn.Module, recipe: Recipe, name: str) -> nn.Module:
    network.load_state_dict(best_state(recipe, name)["average"])
    return network


def compare_codecs(recipe: Recipe) -> dict:
    """Both decoders of the codec on validation rows, and which one ships."""
    pictures = Pictures(recipe)
    rows = pictures.validation[:MEASURED_ON]
    z, real = load_latents(recipe)[0, rows].astype(np.float32), np.asarray(pictures.pixels[rows])
    clip, own = ShippedModel(clip_folder()), pictures.embeddings[0, rows]
    figures = {"pictures": len(rows)}
    files = {"patches": "onnx/codec-patches", "refined": "onnx/codec-refined", "refined in float32": "float32/codec-refined"}
    for name, file in files.items():
        path = recipe.folder / f"{file}.onnx"
        if path.exists():
            shown = decoded(path, z)
            distance = 1 - (embed(clip, shown) * own).sum(1).mean()
            figures[name] = {"dB": psnr(shown, real), "distance": float(distance)}
    if "refined" in figures:
        gain = figures["refined"]["dB"] - figures["patches"]["dB"]
        nearer = 1 - figures["refined"]["distance"] / figures["patches"]["distance"]
        figures["ships"] = "refined" if gain >= GAIN_DB or nearer >= GAIN_FEATURES else "patches"
        figures |= {"gain dB": gain, "gain in distance": nearer}
    else:
        figures["ships"] = "patches"
    return figures


def decoded(path: Path, z: np.ndarray) -> np.ndarray:
    session = open_session(path)
    return np.concatenate([to_pixels(session.run(None, {"z": z[at : at + 32]})[0]) for at in range(0, len(z), 32)])


if __name__ == "__main__":
    main()
