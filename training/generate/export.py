"""Step 6: every network as ONNX into the training cache, checked against PyTorch.

    python -m generate.export"""

import argparse
import json

import numpy as np
import torch
from torch import Tensor, nn

from .codec import Encoder, PatchDecoder, load_basis, psnr
from .decoder_model import Decoder
from .learning import best_state
from .onnx_files import open_session, write
from .package import package
from .pictures import Pictures
from .pipeline import Pipeline, noise_of
from .prior import Prior, Ridge
from .refiner import Refiner
from .settings import EMBEDDING, LATENT, PX, RECIPES, Recipe

COMPARED = 64  # pictures drawn with stored and with exact weights


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
    result = {"differences": differences}
    if "decoder" not in options.without:
        result["int8"] = stored_against_exact(recipe)
    (recipe.folder / "export.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


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


def stored_against_exact(recipe: Recipe) -> dict:
    """How far pictures drawn by the decoder with int8 weights are from those with float32 weights."""
    pictures = Pictures(recipe)
    rows = pictures.validation[:COMPARED]
    package(recipe, recipe.folder / "trial", "ridge")
    pipeline = Pipeline(recipe.folder / "trial")
    start = np.stack([noise_of(seed, 0)[1] for seed in range(len(rows))])
    stored = pipeline.draw(pictures.embeddings[0, rows], start)
    pipeline.decoder = open_session(recipe.folder / "float32" / "decoder.onnx")
    exact = pipeline.draw(pictures.embeddings[0, rows], start)
    sizes = [(recipe.folder / name / "decoder.onnx").stat().st_size for name in ("onnx", "float32")]
    return {"pictures": len(rows), "dB": psnr(stored, exact), "guidance": pipeline.spec["decoder"]["guidance"]["scale"], "bytes": sizes}


if __name__ == "__main__":
    main()
