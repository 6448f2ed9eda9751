"""A model folder as it is shipped, run by onnxruntime: what is measured is what is used."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer


class ShippedModel:
    """`onnx` may name another folder with the two ONNX files, such as the float32 ones."""

    def __init__(self, folder: Path, onnx: Path | None = None, threads: int = 1):
        self.folder, self.onnx, self.threads = folder, onnx or folder / "onnx", threads
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        rule = json.loads((folder / "preprocessor_config.json").read_text())
        self.px = rule["size"]["height"]
        self.mean = np.array(rule["image_mean"], np.float32)
        self.std = np.array(rule["image_std"], np.float32)
        self.vision, self.text = self._open("vision_model.onnx"), self._open("text_model.onnx")

    def _open(self, name: str) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        return onnxruntime.InferenceSession(str(self.onnx / name), options, ["CPUExecutionProvider"])

    def pixels(self, pictures: list[Image.Image]) -> np.ndarray:
        """[n, 3, px, px]; squashed, as the program does it."""
        out = np.stack([np.asarray(p.resize((self.px, self.px), Image.Resampling.BILINEAR)) for p in pictures])
        return np.ascontiguousarray(((out / np.float32(255) - self.mean) / self.std).transpose(0, 3, 1, 2))

    def embed_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return unit(self.vision.run(["image_embeds"], {"pixel_values": pixels})[0])

    def embed_pictures(self, pictures: list[Image.Image]) -> np.ndarray:
        parts = [pictures[at : at + 32] for at in range(0, len(pictures), 32)]
        return np.concatenate([self.embed_pixels(self.pixels(part)) for part in parts])

    def ids(self, texts: list[str]) -> np.ndarray:
        encodings = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        ids = np.zeros((len(texts), max(map(len, encodings))), np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding
        return ids

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        parts = [texts[at : at + 64] for at in range(0, len(texts), 64)]
        return unit(np.concatenate([self.text.run(["text_embeds"], {"input_ids": self.ids(p)})[0] for p in parts]))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
