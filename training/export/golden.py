"""Builds the small golden models and records what the reference implementations make of texts and
pictures with them.

    python -m export.golden                  (in training/)

Writes test/fixtures/models/ and test/golden/{clip-models,tokenizers}.json.gz. Needs
clip-requirements.txt, sentencepiece and protobuf; downloads nothing.
"""

import base64
import datetime
import gzip
import hashlib
import importlib.metadata
import json
import shutil
from pathlib import Path

import torch

from . import golden_models, golden_pictures
from .golden_texts import corpus
from .golden_tokenizers import PrunedClip, Siglip, XlmRoberta

REPOSITORY = Path(__file__).parent.parent.parent
MODELS = REPOSITORY / "test" / "fixtures" / "models"
TOKENIZER = REPOSITORY / "test" / "fixtures" / "clip-tokenizer"
GOLDEN = REPOSITORY / "test" / "golden"
TEXTS = ("a dog", "a photo of a red car in the snow", "A DOG, running on the beach!", "don’t “look” &amp; laugh", "café 犬 🐦", "", "a very long text " * 40)
LEARNED_FROM = ("caption", "typed", "accents", "mixed")
PACKAGES = ("torch", "torchvision", "open_clip_torch", "transformers", "tokenizers", "sentencepiece", "ftfy", "timm", "onnx", "pillow")


def main() -> None:
    torch.set_num_threads(1)
    texts = corpus()
    learned = [text for kind, text in texts if kind in LEARNED_FROM]
    # The models' own vocabulary of CLIP is smaller than the one that the tokenizers are compared by.
    words = {"clip": PrunedClip(list(TEXTS)), "siglip": Siglip(learned), "xlm": XlmRoberta(learned)}
    for folder in (MODELS, TOKENIZER):
        shutil.rmtree(folder, ignore_errors=True)
    makers = {
        "clip": lambda out: golden_models.open_clip_model(out, words["clip"]),
        "clip-immich": lambda out: golden_models.open_clip_model(out, words["clip"], layout="immich"),
        "clip-fp16": lambda out: golden_models.half_precision(out, words["clip"]),
        "clip-joint": lambda out: golden_models.joint(out, words["clip"]),
        "mobileclip": lambda out: golden_models.mobileclip(out, words["clip"]),
        "siglip": lambda out: golden_models.siglip(out, words["siglip"]),
        "xlm-roberta": lambda out: golden_models.multilingual(out, words["xlm"]),
    }
    pictures = golden_pictures.write_pictures(MODELS / "pictures")
    pixels = {name: prepared(pictures, name) for name in golden_pictures.REFERENCES}
    models = {}
    with torch.no_grad():
        for name, make in makers.items():
            models[name] = reference(make(MODELS / name), words, pixels)
            compact(MODELS / name)
            write_manifest(MODELS / name, name)
    write(GOLDEN / "clip-models.json.gz", {
        "provenance": provenance("cosine >= 0.9999 from the same pixels or tokens, >= 0.999 from encoded files; pixels as in the test"),
        "texts": TEXTS, "models": models,
        "rules": {name: {key: golden_pictures.RULES[rule][key] for key in ("mean", "std")} for name, (rule, _) in golden_pictures.REFERENCES.items()},
        "pixels": {rule: {name: encoded(one.tobytes()) for name, one in of.items()} for rule, of in pixels.items()},
    })
    tokenizers = {**words, "clip": PrunedClip([text for _, text in texts])}
    tokenizers["clip"].save(TOKENIZER)
    compact(TOKENIZER)
    write(GOLDEN / "tokenizers.json.gz", {
        "provenance": provenance("none, but for the kinds that the test names"),
        "cases": [{"kind": kind, "text": text, **{name: one.ids(text) for name, one in tokenizers.items()}} for kind, text in texts],
    })


def prepared(names: list[str], reference: str) -> dict:
    rule, by = golden_pictures.REFERENCES[reference]
    pictures = {name: golden_pictures.upright((MODELS / "pictures" / name).read_bytes()) for name in names}
    return {name: golden_pictures.prepared(one, golden_pictures.RULES[rule], by) for name, one in pictures.items()}


def reference(golden: golden_models.Golden, words: dict, pixels: dict) -> dict:
    """PyTorch's vectors, each computed alone."""
    ids = [words["clip"].bare_ids(text) if golden.tokens == "clip-bare" else words[golden.tokens].ids(text) for text in TEXTS]
    rule = golden_pictures.RULES[golden_pictures.REFERENCES[golden.rule][0]]
    tensors = {name: torch.from_numpy(golden_pictures.normalised(one, rule))[None] for name, one in pixels[golden.rule].items()}
    return {
        "rule": golden.rule, "ids": ids, "texts": [rounded(golden.of_ids(one)) for one in ids],
        "pictures": {name: rounded(golden.of_pixels(tensor)) for name, tensor in tensors.items()},
    }


def rounded(vector: torch.Tensor) -> list[float]:
    return [round(value, 6) for value in vector[0].tolist()]


def compact(folder: Path) -> None:
    for path in folder.rglob("tokenizer.json"):
        path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")))


def write_manifest(folder: Path, name: str) -> None:
    """As an import writes it, so that the folder can be opened where it is."""
    files = {}
    for path in sorted(folder.rglob("*.*")):
        data = path.read_bytes()
        files[str(path.relative_to(folder))] = {"sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = {"name": f"golden-{name}", "title": f"Random weights in the form of {name}", "languages": [], "license": "Lucida's own", "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def provenance(tolerance: str) -> dict:
    return {
        "tool": "PyTorch, PIL, open_clip's SimpleTokenizer, transformers' SiglipTokenizer, sentencepiece",
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "command": "python -m export.golden", "date": datetime.date.today().isoformat(), "tolerance": tolerance,
    }


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(path: Path, value: dict) -> None:
    path.write_bytes(gzip.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"), mtime=0))


if __name__ == "__main__":
    main()
