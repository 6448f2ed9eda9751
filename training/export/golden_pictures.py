"""The encoded pictures that go through the small models, and what PIL makes of them: upright, in front
of white, 8 bits a channel, then the model's own rule."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from torchvision.transforms import CenterCrop, InterpolationMode, Resize
from transformers import CLIPImageProcessorPil

from .clip_files import preprocessor

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SIDE = 64
# By name: open_clip's preprocess_cfg.
RULES = {
    "clip": {"size": SIDE, "mode": "RGB", "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0},
    "siglip": {"size": SIDE, "mode": "RGB", "mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic", "resize_mode": "squash", "fill_color": 0},
    "mobileclip": {"size": SIDE, "mode": "RGB", "mean": (0.0,) * 3, "std": (1.0,) * 3, "interpolation": "bilinear", "resize_mode": "shortest", "fill_color": 0},
}
# By name: the rule, and who applies it.
REFERENCES = {
    "clip": ("clip", "transformers"), "clip-immich": ("clip", "torchvision"),
    "siglip": ("siglip", "transformers"), "mobileclip": ("mobileclip", "transformers"),
}
FILTERS = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}


def scene(width: int, height: int, seed: int) -> Image.Image:
    """Shapes in front of a gradient: edges and smooth parts, and few bytes."""
    draw = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    ends = draw.integers(0, 256, (3, 3))
    image = Image.fromarray((ends[0] + across[..., None] * (ends[1] - ends[0]) * 0.6 + down[..., None] * (ends[2] - ends[0]) * 0.4).clip(0, 255).astype(np.uint8))
    canvas = ImageDraw.Draw(image)
    for _ in range(9):
        x, y, w, h = draw.random(4) * (width, height, width / 2, height / 2)
        shape = canvas.ellipse if draw.random() < 0.5 else canvas.rectangle
        shape([x - w / 2, y - h / 2, x + w / 2, y + h / 2], fill=tuple(int(c) for c in draw.integers(0, 256, 3)))
    return image


def write_pictures(folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    seeds = iter(range(100))

    def save(name, image, **options):
        image.save(folder / name, **options)

    def made(width, height):
        return scene(width, height, next(seeds))

    save("plain.png", made(200, 150))
    save("tall.png", made(37, 300))
    save("narrow.png", made(3, 500))
    save("dot.png", made(1, 1))
    save("odd.png", made(223, 225))
    save("grey.png", made(120, 91).convert("L"))
    save("two-tones.png", made(120, 91).convert("1"))
    save("palette.png", made(160, 120).quantize(32))
    alpha = made(150, 130)
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    save("transparent.png", alpha)
    save("grey-transparent.png", alpha.convert("LA"))
    deep = np.asarray(made(130, 110).convert("L")).astype(np.uint16)
    save("grey-16-bits.png", Image.fromarray(deep * 256 + 77))
    save("photo.jpg", made(320, 240), quality=90, subsampling=0)
    save("photo-420.jpg", made(320, 240), quality=85)
    save("grey.jpg", made(160, 120).convert("L"), quality=90)
    save("progressive.jpg", made(240, 320), quality=80, progressive=True)
    for orientation in (3, 6, 8, 5):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"turned-{orientation}.jpg", made(180, 120), quality=90, subsampling=0, exif=exif.tobytes())
    save("large.jpg", made(1600, 1200), quality=80)
    save("picture.webp", made(240, 180), quality=80)
    return sorted(path.name for path in folder.iterdir())


def upright(data: bytes) -> Image.Image:
    """What a person sees, in front of white."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def prepared(image: Image.Image, rule: dict, by: str) -> np.ndarray:
    """By transformers or by torchvision (as open_clip does), which crop otherwise: [h, w, 3] bytes."""
    if by == "transformers":
        settings = {**preprocessor(rule), "do_rescale": False, "do_normalize": False}
        return CLIPImageProcessorPil(**settings)(image)["pixel_values"][0].transpose(1, 2, 0)
    side, filter = rule["size"], FILTERS[rule["interpolation"]]
    return np.asarray(CenterCrop(side)(Resize(side, filter)(image)))


def normalised(pixels: np.ndarray, rule: dict) -> np.ndarray:
    """[h, w, 3] bytes -> [3, h, w] float32."""
    floats = pixels.astype(np.float32) / np.float32(255)
    return ((floats - np.float32(rule["mean"])) / np.float32(rule["std"])).transpose(2, 0, 1)
