"""The two towers of an open_clip model as ONNX graphs, in the layouts of Hugging Face and of Immich."""

import copy
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention
from open_clip.transformer import text_global_pool

OPSET = 18
# A graph with its weights must stay below protobuf's 2 GB; larger weights go into a file beside it.
MOST_BYTES = 1_500_000_000
# Largest difference between PyTorch and ONNX Runtime that is let pass, relative to the largest number.
TOLERANCE = 1e-3
# By layout: file, name of the input, name of the output.
VISION = {
    "huggingface": ("onnx/vision_model.onnx", "pixel_values", "image_embeds"),
    "immich": ("visual/model.onnx", "image", "embedding"),
}
TEXT = {
    "huggingface": ("onnx/text_model.onnx", "input_ids", "text_embeds"),
    "immich": ("textual/model.onnx", "text", "embedding"),
}


class Vision(nn.Module):
    def __init__(self, model: nn.Module, unit: bool):
        super().__init__()
        self.model, self.unit = model, unit

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model.encode_image(pixels, normalize=self.unit)


class Text(nn.Module):
    def __init__(self, model: nn.Module, unit: bool):
        super().__init__()
        self.model, self.unit = model, unit

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model.encode_text(ids, normalize=self.unit)


class Attention(nn.Module):
    """nn.MultiheadAttention over itself. Traced, that one keeps the length of the example."""

    def __init__(self, attention: nn.MultiheadAttention):
        super().__init__()
        self.attention = attention

    def forward(self, x, _key, _value, need_weights=False, attn_mask=None):
        a, (rows, length, width) = self.attention, x.shape
        joint = linear(x, a.in_proj_weight, a.in_proj_bias).view(rows, length, 3, a.num_heads, a.head_dim)
        query, key, value = joint.permute(2, 0, 3, 1, 4)  # each [rows, heads, length, width / heads]
        blended = scaled_dot_product_attention(query, key, value, attn_mask=attn_mask)
        return a.out_proj(blended.transpose(1, 2).reshape(rows, length, width)), None


class CausalText(nn.Module):
    """CLIP.encode_text for texts of any length: what follows the end token changes nothing."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.parts = getattr(model, "text", model)
        self.transformer = copy.deepcopy(self.parts.transformer)
        for block in self.transformer.resblocks:
            block.attn = Attention(block.attn)
        self.pool = getattr(model, "text_pool_type", None) or self.parts.pool_type
        self.eos = getattr(model, "text_eos_id", None) or getattr(self.parts, "eos_id", None)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        parts, length = self.parts, ids.shape[1]
        x = parts.token_embedding(ids) + parts.positional_embedding[:length]
        x = self.transformer(x, attn_mask=parts.attn_mask[:length, :length])
        x = text_global_pool(parts.ln_final(x), ids, self.pool, eos_token_id=self.eos)
        if parts.text_projection is None:
            return x
        layer = isinstance(parts.text_projection, nn.Linear)
        return parts.text_projection(x) if layer else x @ parts.text_projection


def any_length(config: dict) -> bool:
    """Whether padding says nothing: a causal tower, pooled at the end token, without further tokens."""
    text = config["text_cfg"]
    plain = not text.get("hf_model_name") and not text.get("no_causal_mask") and not text.get("embed_cls")
    return plain and text.get("pool_type", "argmax") in ("argmax", "eos")


def export_towers(out: Path, layout: str, model: nn.Module, config: dict, context: int) -> float:
    """Writes both graphs; returns how far ONNX Runtime is from PyTorch at the most."""
    free = layout == "huggingface"
    height, width = pair(model.visual.image_size)
    pixels = torch.randn(2 if free else 1, 3, height, width, generator=torch.Generator().manual_seed(0))
    path, source, target = VISION[layout]
    vision_off = export(Vision(model, not free), pixels, out / path, source, target, {0: "batch"} if free else {})
    ids = some_texts(config, context, rows=2 if free else 1)
    path, source, target = TEXT[layout]
    if not free:
        return max(vision_off, export(Text(model, True), ids.int(), out / path, source, target, {}))
    shorter = any_length(config)
    tower = CausalText(model) if shorter else Text(model, False)
    axes = {0: "batch", 1: "sequence"} if shorter else {0: "batch"}
    off = export(tower, ids, out / path, source, target, axes, reference=Text(model, False))
    return max(vision_off, off)


def pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def some_texts(config: dict, context: int, rows: int) -> torch.Tensor:
    """Start, a few words, and the highest number, which ends a text in CLIP; padded with zeros."""
    last = config["text_cfg"].get("vocab_size", 1000) - 1
    ids = torch.zeros(rows, context, dtype=torch.int64)
    for row in range(rows):
        ids[row, : 5 + row] = torch.tensor([last - 1, *range(10, 13 + row), last])
    return ids


def export(tower, example, path: Path, source: str, target: str, axes: dict, reference=None) -> float:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Its fused kernels have no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    dynamic = {source: axes, target: {k: v for k, v in axes.items() if k == 0}} if axes else None
    # Three rows where there may be three; below, a text cut to what it says where it may be cut.
    given = example[[0, 1, 0]] if axes else example
    with torch.no_grad():
        # Before: the exporter may fold normalisation into weights that it shares with the module.
        expected = (reference or tower)(given).numpy()
    size = sum(weight.numel() * weight.element_size() for weight in tower.parameters())
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        file = path if size < MOST_BYTES else Path(scratch) / "model.onnx"
        torch.onnx.export(tower, (example,), str(file), dynamo=False, opset_version=OPSET,
                          input_names=[source], output_names=[target], dynamic_axes=dynamic)
        if file != path:
            # The exporter writes one file a tensor.
            onnx.save_model(onnx.load(str(file)), str(path), save_as_external_data=True,
                            all_tensors_to_one_file=True, location=f"{path.name}_data", size_threshold=1024)
    return compare(path, {source: given[:, :7] if 1 in axes else given}, expected)


def compare(path: Path, feeds: dict[str, torch.Tensor], expected: np.ndarray) -> float:
    """How far the graph is from what the module gave, relative to its largest number."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {name: given.numpy() for name, given in feeds.items()})
    off = float(np.abs(found - expected).max() / np.abs(expected).max())
    if not off <= TOLERANCE:
        raise SystemExit(f"{path} is off by {off:.1e}")
    return off
