"""Where things lie, and the numbers that decide a training run."""

import os
from dataclasses import dataclass
from pathlib import Path

TRAINING = Path(__file__).resolve().parent.parent
REPOSITORY = TRAINING.parent
MODEL_NAME = "lucida-clip-1"

DIMENSION = 256  # of the joint space
CONTEXT = 28  # tokens of a text, special ones included
GRID_STRIDE = 16  # pixels of the picture per cell of `patch_embeds`

# Statistics of CLIP's own preprocessing (Radford et al. 2021), in steps of 1/255.
MEAN = tuple(byte / 255 for byte in (122.77, 116.75, 104.09))
STD = tuple(byte / 255 for byte in (68.5, 66.63, 70.32))


@dataclass(frozen=True)
class Phase:
    """One stretch of training the image tower. A phase begins where the one before it ended."""

    name: str
    target: str  # what it learns: "features" of the teacher, or places in the "joint" space
    px: int
    samples: int
    rate: tuple[float, float]  # learning rate at its start and at its end
    captions: float = 0.0  # weight of the contrast with captions
    area: float = 0.35  # least share of a picture that a crop shows


@dataclass(frozen=True)
class Recipe:
    """Everything that `--recipe` decides."""

    name: str
    vocabulary: int
    joint_steps: int
    joint_batch: int
    text_steps: int
    phases: tuple[Phase, ...]
    image_batch: int
    px: int  # what the exported tower takes
    pictures_per_set: int | None = None  # fewer, for trying the chain out
    compile: bool = True

    @property
    def folder(self) -> Path:
        """Where its steps leave what the next ones need."""
        folder = cache_root() / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def model_folder(self) -> Path:
        return REPOSITORY / "models" / MODEL_NAME if self.name == "full" else self.folder / "model"


RECIPES = {
    "full": Recipe(
        name="full",
        vocabulary=8192,
        joint_steps=1400,
        joint_batch=256,
        text_steps=200,
        image_batch=128,
        px=80,
        phases=(
            Phase("features", "features", px=64, samples=236_928, rate=(1.5e-3, 1.5e-3)),
            Phase("joint", "joint", px=48, samples=337_536, rate=(1.5e-3, 1.5e-3), captions=0.1, area=0.45),
            Phase("finish", "joint", px=64, samples=271_360, rate=(1.2e-3, 1e-5), captions=0.2, area=0.55),
        ),
    ),
    "smoke": Recipe(
        name="smoke",
        vocabulary=1024,
        joint_steps=20,
        joint_batch=64,
        text_steps=10,
        image_batch=16,
        px=48,
        phases=(
            Phase("features", "features", px=32, samples=160, rate=(1e-3, 1e-3)),
            Phase("joint", "joint", px=32, samples=160, rate=(1e-3, 1e-3), captions=0.1),
            Phase("finish", "joint", px=48, samples=160, rate=(1e-3, 1e-5), captions=0.1),
        ),
        pictures_per_set=96,
        compile=False,
    ),
}


def datasets_root() -> Path:
    """The folder of the data sets; see ../README.md for what must be in it."""
    folder = os.environ.get("LUCIDA_DATASETS")
    if not folder or not (Path(folder) / "flickr8k-dev.jsonl").exists():
        raise SystemExit("Set LUCIDA_DATASETS to the folder of data sets that training/README.md describes")
    return Path(folder)


def cache_root() -> Path:
    """Decoded pictures, checkpoints and logs: large, and never committed."""
    return Path(os.environ.get("LUCIDA_TRAINING_CACHE", TRAINING / "clip" / ".cache"))
