"""Records what Pillow makes of pseudo-random pictures, for resample.test.ts.

    python test/golden/record-resample.py > test/golden/resample.json
"""
import hashlib
import json

import PIL
from PIL import Image

CASES = [  # width, height -> width, height
    (16, 16, 8, 8), (7, 5, 3, 9), (112, 112, 80, 80), (500, 375, 80, 80), (640, 427, 224, 224),
    (1, 1, 4, 4), (3, 200, 80, 80), (333, 2, 17, 31), (50, 50, 224, 224), (224, 224, 224, 224),
]
FILTERS = {"lanczos3": Image.LANCZOS, "linear": Image.BILINEAR, "cubic": Image.BICUBIC}


def noise(count: int) -> bytes:
    """The upper bits of a linear congruential generator (Numerical Recipes)."""
    seed, out = 1, bytearray()
    for _ in range(count):
        seed = (seed * 1664525 + 1013904223) % 2**32
        out.append(seed >> 24)
    return bytes(out)


cases = []
for width, height, to_width, to_height in CASES:
    image = Image.frombytes("RGB", (width, height), noise(width * height * 3))
    for name, filter in FILTERS.items():
        out = image.resize((to_width, to_height), filter).tobytes()
        cases.append({"from": [width, height], "to": [to_width, to_height], "filter": name, "sha256": hashlib.sha256(out).hexdigest()})
print(json.dumps({"provenance": {"tool": f"Pillow {PIL.__version__}", "command": "python test/golden/record-resample.py", "tolerance": "none"}, "cases": cases}, indent=2))
