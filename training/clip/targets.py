"""What the image tower is taught: a unit vector for every picture of every training set, in the
order of `training_sets`, and the vectors of the captions."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .datasets import PictureSet, pca_basis
from .settings import Recipe


@dataclass
class Captions:
    vectors: Tensor  # [m, d]
    owners: np.ndarray  # [m] rows of their pictures, ascending


@dataclass
class Targets:
    images: Tensor  # [n, d]
    captions: Captions | None = None  # of training pictures
    validation: Captions | None = None


def feature_targets(sets: list[PictureSet]) -> Targets:
    """The teacher's pooled features, halfway between whitened and not: strong directions count
    more, weak ones still count."""
    spread = pca_basis()["std"] ** 0.5
    features = np.concatenate([one.teacher["pca"] for one in sets]) * spread
    return Targets(F.normalize(torch.from_numpy(features), dim=1))


def joint_targets(recipe: Recipe, sets: list[PictureSet]) -> Targets:
    """The frozen joint space, as `clip.joint_space` left it."""
    path = recipe.folder / "joint-targets.npz"
    if not path.exists():
        raise SystemExit("Run python -m clip.joint_space first")
    with np.load(path) as file:
        images, captions, owners = (file[name] for name in ("images", "captions", "owners"))
    if len(images) != sum(map(len, sets)):
        raise SystemExit(f"{path} was made for other data sets; run python -m clip.joint_space anew")
    vectors = [F.normalize(torch.from_numpy(a.astype(np.float32)), dim=1) for a in (images, captions)]
    unseen = np.concatenate([one.is_validation for one in sets])[owners]
    training, validation = (Captions(vectors[1][torch.from_numpy(mask)], owners[mask]) for mask in (~unseen, unseen))
    return Targets(vectors[0], training, validation)


def teacher_inputs(sets: list[PictureSet], classes: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """What `TeacherHead` takes, for every picture."""
    features = np.concatenate([one.teacher["pca"] for one in sets]) * pca_basis()["std"] ** 0.5
    top5 = np.concatenate([one.teacher["top5"] for one in sets])
    prob5 = np.concatenate([one.teacher["prob5"] for one in sets]) * classes
    return torch.from_numpy(features), torch.from_numpy(top5), torch.from_numpy(prob5)
