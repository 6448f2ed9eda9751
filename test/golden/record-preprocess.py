"""Records what transformers and open_clip make of pseudo-random pictures, for preprocess.test.ts: whole
pipelines, from 8-bit RGB to normalised numbers, at the sizes of the real models.

    python test/golden/record-preprocess.py > test/golden/preprocess.json

Needs training/export/clip-requirements.txt.
"""
import hashlib
import json

import numpy as np
import open_clip
import PIL
import torchvision
import transformers
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CLIP = {
    "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True, "do_resize": True, "resample": 3, "image_mean": MEAN, "image_std": STD,
}
# transformers' settings, by the model that has them.
HUGGING_FACE = {
    "clip": {**CLIP, "size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}},
    "resized to more than is cropped": {**CLIP, "size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}},
    "mobileclip": {**CLIP, "size": {"shortest_edge": 256}, "crop_size": {"height": 256, "width": 256}, "resample": 2, "do_normalize": False},
    "siglip": {**CLIP, "size": {"height": 224, "width": 224}, "do_center_crop": False, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
    "lanczos": {**CLIP, "size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}, "resample": 1},
}
# open_clip's, as Immich ships them.
OPEN_CLIP = {
    "open_clip": {"size": [224, 224], "mode": "RGB", "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0},
    "open_clip, squashed": {"size": [256, 256], "mode": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear", "resize_mode": "squash", "fill_color": 0},
}
SIZES = [
    (1, 1), (2, 1), (3, 1000), (1000, 3), (223, 225), (225, 223), (224, 224), (226, 224), (227, 224), (224, 227), (229, 224), (231, 224),
    (500, 375), (375, 500), (640, 427), (301, 900), (37, 53), (1600, 90),
]


def noise(count: int) -> bytes:
    """The upper bits of a linear congruential generator (Numerical Recipes)."""
    seed, out = 1, bytearray()
    for _ in range(count):
        seed = (seed * 1664525 + 1013904223) % 2**32
        out.append(seed >> 24)
    return bytes(out)


def record(pixels: np.ndarray, mean, std) -> dict:
    """[3, h, w] -> the bytes that it was made of, and some of its numbers."""
    mean, std = (np.float32(values).reshape(3, 1, 1) for values in (mean, std))
    data = np.rint((pixels * std + mean) * 255).astype(np.uint8)
    return {"sha256": hashlib.sha256(data.tobytes()).hexdigest(), "numbers": [float(value) for value in pixels.reshape(-1)[:: pixels.size // 12]]}


cases = []
for width, height in SIZES:
    image = Image.frombytes("RGB", (width, height), noise(width * height * 3))
    for name, config in HUGGING_FACE.items():
        found = transformers.CLIPImageProcessorPil(**config)(image)["pixel_values"][0]
        plain = not config["do_normalize"]
        cases.append({"size": [width, height], "rule": name, **record(found, [0] * 3 if plain else config["image_mean"], [1] * 3 if plain else config["image_std"])})
    for name, config in OPEN_CLIP.items():
        found = image_transform_v2(PreprocessCfg(**{**config, "size": config["size"][0]}), is_train=False)(image).numpy()
        cases.append({"size": [width, height], "rule": name, **record(found, config["mean"], config["std"])})
print(json.dumps({
    "provenance": {
        "tool": f"Pillow {PIL.__version__}, transformers {transformers.__version__} (CLIPImageProcessorPil), open_clip {open_clip.__version__}, torchvision {torchvision.__version__}",
        "command": "python test/golden/record-preprocess.py", "tolerance": "none before normalisation, 1e-6 after it",
    },
    "rules": {**HUGGING_FACE, **OPEN_CLIP}, "cases": cases,
}))
