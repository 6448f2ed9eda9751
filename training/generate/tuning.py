"""Step 7: what validation pictures decide: which decoder the codec has, and how far the U-Net exaggerates
what it is told. Photographs are drawn again from their own embeddings.

    python -m generate.tuning"""

import argparse
import json
from pathlib import Path

import numpy as np

from .ablation import noises
from .codec import load_latents, psnr, to_pixels
from .metrics import hits, kernel
from .onnx_files import open_session
from .package import package
from .pictures import Pictures
from .pipeline import Pipeline
from .settings import RECIPES, Recipe
from .spaces import features, judge, open_spaces

SCALES = (1.0, 1.5, 2.5, 4.0)
DRAWN = 200
CODED = 500  # pictures on which the codec is measured
GAIN_DB = 1.5  # that a trained decoder of the codec must reach to ship, or else
GAIN_FEATURES = 0.25  # this share of a distance between features


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    path = recipe.folder / "tuning.json"
    path.unlink(missing_ok=True)
    trial = Trial(recipe)
    result = {"guidance": trial.guidance()}
    result["codec"] = trial.codecs(result["guidance"]["chosen"])
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(path.read_text())


class Trial:
    def __init__(self, recipe: Recipe):
        self.recipe, self.pictures, self.spaces = recipe, Pictures(recipe), open_spaces()
        package(recipe, recipe.folder / "trial", "ridge")
        self.pipeline = Pipeline(recipe.folder / "trial")
        with_text = self.pictures.text_ids[self.pictures.validation, 0] >= 0
        self.rows = np.random.default_rng(1).permutation(self.pictures.validation[with_text])[:DRAWN]
        self.judge = judge(self.spaces)
        self.truth = self.seen(np.asarray(self.pictures.pixels[self.rows]))

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        return features({self.judge: self.spaces[self.judge]}, pixels)[self.judge]

    def distance(self, seen: np.ndarray) -> float:
        root = seen.shape[1] ** 0.5
        return kernel(seen * root, self.truth * root, np.random.default_rng(0), len(self.rows) // 2)[0]

    def latents(self, scale: float) -> np.ndarray:
        self.pipeline.spec["decoder"]["guidance"]["scale"] = scale
        _, start = noises(range(len(self.rows)))
        own = self.pictures.embeddings[0, self.rows]
        parts = [slice(at, at + 16) for at in range(0, len(own), 16)]
        return np.concatenate([self.pipeline.latents(own[part], start[part]) for part in parts])

    def guidance(self) -> dict:
        """The scale whose pictures are nearest to photographs."""
        texts = self.pictures.arrays["texts"][self.pictures.text_ids[self.rows, 0]].tolist()
        told = self.spaces[self.judge].embed_texts(texts)
        found = {}
        for scale in SCALES:
            seen = self.seen(decoded(self.codec("patches"), self.latents(scale)))
            found[str(scale)] = {
                "kernel": self.distance(seen), "to source": float((seen * self.truth).sum(1).mean()),
                "R@5": float(hits(seen, told)[:, 1].mean()),
            }
            print(scale, found[str(scale)], flush=True)
        chosen = float(min(found, key=lambda scale: found[scale]["kernel"]))
        return {"pictures": len(self.rows), "scales": found, "chosen": chosen}

    def codec(self, name: str) -> Path:
        return self.recipe.folder / "onnx" / f"codec-{name}.onnx"

    def codecs(self, scale: float) -> dict:
        """Both decoders, on the latents of photographs and on drawn ones."""
        rows = self.pictures.validation[:CODED]
        z, real = load_latents(self.recipe)[0, rows].astype(np.float32), np.asarray(self.pictures.pixels[rows])
        drawn, truth = self.latents(scale), self.seen(real)
        figures = {"pictures": len(rows), "drawn": len(drawn)}
        exact = self.recipe.folder / "float32" / "codec-refined.onnx"
        for name, path in {"patches": self.codec("patches"), "refined": self.codec("refined"), "refined in float32": exact}.items():
            shown = decoded(path, z)
            figures[name] = {
                "dB": psnr(shown, real), "distance": float(1 - (self.seen(shown) * truth).sum(1).mean()),
                "kernel": self.distance(self.seen(decoded(path, drawn))),
            }
        gains = {
            "dB": figures["refined"]["dB"] - figures["patches"]["dB"],
            **{key: 1 - figures["refined"][key] / figures["patches"][key] for key in ("distance", "kernel")},
        }
        worth = gains["dB"] >= GAIN_DB or max(gains["distance"], gains["kernel"]) >= GAIN_FEATURES
        return figures | {"gains": gains, "ships": "refined" if worth else "patches"}


def decoded(path: Path, z: np.ndarray) -> np.ndarray:
    session = open_session(path)
    return np.concatenate([to_pixels(session.run(None, {"z": z[at : at + 32]})[0]) for at in range(0, len(z), 32)])


if __name__ == "__main__":
    main()
