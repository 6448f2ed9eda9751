"""Where things lie, and the numbers that decide a training run of the generator."""

from dataclasses import dataclass
from pathlib import Path

from clip.settings import DIMENSION, REPOSITORY, cache_root

TRAINING_FOLDER = Path(__file__).parent
MODEL_NAME = "lucida-unclip-1"
CLIP_NAME = "lucida-clip-1"  # whose space the embeddings are of

PX = 96  # side of a picture
PATCH = 8  # pixels a side that one place of the latents stands for
GRID = PX // PATCH
CHANNELS = 16  # numbers at each place of the latents
LATENT = (CHANNELS, GRID, GRID)
EMBEDDING = DIMENSION

SOLVER_START = 0.999  # time at which sampling begins; 1 is noise alone
DECODER_STEPS = 16
PRIOR_STEPS = 10
GUIDANCE = 2.5  # until generate.tuning has measured it
GUIDANCE_INTERVAL = (0.15, 0.85)  # of time, in which guidance is used
PRIOR_SAMPLES = 4

# Pictures with at least PX pixels on the shorter side.
SETS = (
    "flickr8k-train", "coco-train", "scenes-train", "caltech101-train", "grocery", "clothing", "flowers-train",
)


@dataclass(frozen=True)
class Stage:
    """How long one network learns, and how."""

    minutes: float
    batch: int  # of one process
    rate: float  # highest learning rate
    log_every_s: float = 120


@dataclass(frozen=True)
class Recipe:
    """Everything that `--recipe` decides."""

    name: str
    width: int  # of the decoder's first level
    prior_width: int
    decoder: Stage
    refiner: Stage
    prior: Stage
    generations: int  # pictures from validation texts, at most
    prompts: int  # captions of the yardstick that are drawn
    pictures_per_set: int | None = None  # fewer, for trying the chain out

    @property
    def folder(self) -> Path:
        """Where its steps leave what the next ones need."""
        folder = cache_root() / "generate" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def model_folder(self) -> Path:
        return REPOSITORY / "models" / MODEL_NAME if self.name == "full" else self.folder / "model"


RECIPES = {
    "full": Recipe(
        name="full", width=32, prior_width=384,
        decoder=Stage(minutes=52, batch=64, rate=1.2e-3),
        refiner=Stage(minutes=14, batch=32, rate=1e-3, log_every_s=60),
        prior=Stage(minutes=9, batch=256, rate=1e-3, log_every_s=30),
        generations=1000, prompts=500,
    ),
    "smoke": Recipe(
        name="smoke", width=16, prior_width=64,
        decoder=Stage(minutes=0.08, batch=16, rate=1e-3, log_every_s=2),
        refiner=Stage(minutes=0.08, batch=8, rate=1e-3, log_every_s=2),
        prior=Stage(minutes=0.05, batch=64, rate=1e-3, log_every_s=1),
        generations=24, prompts=12, pictures_per_set=96,
    ),
}


def clip_folder() -> Path:
    return REPOSITORY / "models" / CLIP_NAME
