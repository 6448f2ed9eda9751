"""Small models of the real kinds with random weights: two layers, width 64, pictures of 64 px. The
same modules, graphs, tensor names and settings as the real ones, through the same exporter."""

import copy
from pathlib import Path

import open_clip
import torch
from open_clip.factory import set_model_preprocess_cfg
from timm.models.fastvit import FastVit
from timm.models.registry import register_model
from torch import nn
from torch.nn.functional import normalize
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel, XLMRobertaConfig, XLMRobertaModel

from .clip_files import preprocessor, write_configuration, write_json
from .clip_towers import OPSET, Text, Vision, export_towers
from .golden_pictures import RULES, SIDE

WIDTH, LAYERS, HEADS, PATCH = 64, 2, 2, 8
VISION = {"image_size": SIDE, "layers": LAYERS, "width": WIDTH, "head_width": WIDTH // HEADS, "patch_size": PATCH, "mlp_ratio": 2}


@register_model
def fastvit_golden(pretrained=False, **settings):
    """MobileCLIP's kind of network: convolutions with reparametrised branches, then attention."""
    own = {"layers": (1, 1, 1, 1), "embed_dims": (16, 32, 64, 64), "mlp_ratios": (2, 2, 2, 2),
           "token_mixers": ("repmixer", "repmixer", "repmixer", "attention"), "down_patch_size": 7, "down_stride": 2}
    for name in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir", "features_only"):
        settings.pop(name, None)
    return FastVit(**{**own, **settings})


def lively(model: nn.Module, seed: int) -> nn.Module:
    """Random weights by which different inputs come out as different vectors; as they start, towers
    hardly look at them."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        if weight.dim() > 1 and "positional" not in name and "position_embedding" not in name:
            inputs = weight[0].numel()
            weight.data = torch.randn(weight.shape, generator=generator) * 1.6 / inputs**0.5
    for name, value in model.named_buffers():
        if name.endswith("running_var"):
            value.data.fill_(0.5)
    return model.eval().requires_grad_(False)


class Golden:
    """A model that was written, and what it makes of numbers."""

    def __init__(self, rule: str, tokens: str, vision, text, half: bool = False):
        self.rule, self.tokens, self.half = rule, tokens, half
        self.vision, self.text = vision, text

    def of_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return normalize(self.vision(pixels.half() if self.half else pixels).float(), dim=-1)

    def of_ids(self, ids: list[int]) -> torch.Tensor:
        return normalize(self.text(torch.tensor([ids])).float(), dim=-1)


def padded(text, length: int, pad: int):
    def run(ids: torch.Tensor) -> torch.Tensor:
        filled = torch.full((len(ids), length), pad)
        filled[:, : ids.shape[1]] = ids
        return text(filled)
    return run


def clip(vocabulary: int, seed: int, rule="clip", **config):
    told = {"embed_dim": WIDTH, "quick_gelu": True, "vision_cfg": VISION, "text_cfg": {
        "context_length": 77, "vocab_size": vocabulary, "width": WIDTH, "heads": HEADS, "layers": LAYERS, "mlp_ratio": 2}}
    told = {**told, **config, "text_cfg": {**told["text_cfg"], **config.get("text_cfg", {})}}
    torch.manual_seed(seed)
    custom = told.pop("custom_text", False)
    model = (open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP)(
        told["embed_dim"], told["vision_cfg"], told["text_cfg"], quick_gelu=told["quick_gelu"])
    set_model_preprocess_cfg(model, RULES[rule])
    return lively(model, seed), told


class Words:
    """Stands for open_clip's tokenizer where files are written."""

    def __init__(self, tokenizer, context: int):
        self.pruned, self.context_length = tokenizer, context
        self.tokenizer = self

    def save_pretrained(self, folder: Path) -> None:
        self.pruned.save(folder)


def open_clip_model(out: Path, words, layout="huggingface", seed=1) -> Golden:
    model, config = clip(len(words.vocabulary), seed)
    write_configuration(out, layout, model, config, Words(words, 77))
    export_towers(out, layout, model, config, 77)
    rule = "clip-immich" if layout == "immich" else "clip"
    return Golden(rule, "clip", Vision(model, False), padded(Text(model, False), 77, 0))


def mobileclip(out: Path, words) -> Golden:
    model, config = clip(len(words.vocabulary), 2, rule="mobileclip", custom_text=True, quick_gelu=False, vision_cfg={
        "timm_model_name": "fastvit_golden", "timm_model_pretrained": False, "timm_pool": "avg", "timm_proj": None,
        "timm_drop": 0.0, "timm_drop_path": 0.0, "image_size": SIDE}, text_cfg={"no_causal_mask": True})
    # The exporter folds normalisation into the weights that it is given.
    kept = copy.deepcopy(model)
    write_configuration(out, "huggingface", model, config, Words(words, 77))
    export_towers(out, "huggingface", model, config, 77)
    return Golden("mobileclip", "clip", Vision(kept, False), padded(Text(kept, False), 77, 0))


def half_precision(out: Path, words) -> Golden:
    """16-bit floats go in and come out."""
    model, config = clip(len(words.vocabulary), 1)
    write_configuration(out, "huggingface", model, config, Words(words, 77))
    half = model.half()
    graph(Vision(half, False), (torch.randn(2, 3, SIDE, SIDE).half(),), out / "onnx/vision_model_fp16.onnx", ["pixel_values"], ["image_embeds"], {0: "batch"})
    ids = torch.zeros(2, 77, dtype=torch.int64)
    graph(Text(half, False), (ids,), out / "onnx/text_model_fp16.onnx", ["input_ids"], ["text_embeds"], {0: "batch"})
    return Golden("clip", "clip", Vision(half, False), padded(Text(half, False), 77, 0), half=True)


def siglip(out: Path, words) -> Golden:
    """transformers' SigLIP: the whole context of 64, the pooled output of several."""
    tower = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    size = words.reference.vocab_size
    config = SiglipConfig(
        text_config={**tower, "vocab_size": size, "max_position_embeddings": 64, "projection_size": WIDTH},
        vision_config={**tower, "image_size": SIDE, "patch_size": PATCH})
    config._attn_implementation = "eager"
    torch.manual_seed(3)
    model = lively(SiglipModel(config), 3)
    vision = Outputs(lambda pixels: both(model.vision_model(pixel_values=pixels)), model)
    text = Outputs(lambda ids: both(model.text_model(input_ids=ids)), model)
    names = ["last_hidden_state", "pooler_output"]
    graph(vision, (torch.randn(2, 3, SIDE, SIDE),), out / "onnx/vision_model.onnx", ["pixel_values"], names, {0: "batch"})
    graph(text, (torch.ones(2, 64, dtype=torch.int64),), out / "onnx/text_model.onnx", ["input_ids"], names, {0: "batch"})
    # What google/siglip-base-patch16-224 says, and nothing of what are defaults.
    write_json(out / "config.json", {
        "architectures": ["SiglipModel"], "model_type": "siglip", "text_config": {"hidden_size": WIDTH, "vocab_size": size, "model_type": "siglip_text_model"},
        "vision_config": {"hidden_size": WIDTH, "image_size": SIDE, "patch_size": PATCH, "model_type": "siglip_vision_model"}})
    write_json(out / "preprocessor_config.json", {**preprocessor(RULES["siglip"]), "image_processor_type": "SiglipImageProcessor"})
    words.save(out)
    return Golden("siglip", "siglip", lambda x: vision(x)[1], padded(lambda ids: text(ids)[1], 64, 1))


def multilingual(out: Path, words) -> Golden:
    """An XLM-RoBERTa with a mask beside its tokens; its vector is their mean, projected."""
    torch.manual_seed(4)
    size = len(words.tokenizer)
    text = XLMRobertaModel(XLMRobertaConfig(
        vocab_size=size, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=2 * WIDTH,
        max_position_embeddings=80, pad_token_id=1, bos_token_id=0, eos_token_id=2, type_vocab_size=1, attn_implementation="eager"), add_pooling_layer=False)
    tower = lively(Pooled(text), 4)
    model, _ = clip(600, 4)
    vision = Vision(model, False)
    graph(vision, (torch.randn(2, 3, SIDE, SIDE),), out / "onnx/vision_model.onnx", ["pixel_values"], ["image_embeds"], {0: "batch"})
    ids = torch.tensor([[0, 5, 6, 2], [0, 5, 2, 1]])
    graph(tower, (ids, (ids != 1).long()), out / "onnx/text_model.onnx", ["input_ids", "attention_mask"], ["text_embeds"], {0: "batch", 1: "sequence"})
    write_json(out / "config.json", {"model_type": "xlm-roberta-clip", "projection_dim": WIDTH, "text_config": {"max_position_embeddings": 77, "pad_token_id": 1}})
    write_json(out / "preprocessor_config.json", preprocessor(RULES["clip"]))
    words.save(out)
    return Golden("clip", "xlm", vision, lambda ids: tower(ids, torch.ones_like(ids)))


def joint(out: Path, words) -> Golden:
    """transformers' CLIP as one graph: pictures and texts in, logits and both vectors out."""
    tower = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    end = len(words.vocabulary) - 1
    config = CLIPConfig(
        text_config={**tower, "vocab_size": end + 1, "eos_token_id": end, "bos_token_id": end - 1, "pad_token_id": 0},
        vision_config={**tower, "image_size": SIDE, "patch_size": PATCH}, projection_dim=WIDTH)
    config._attn_implementation = "eager"
    torch.manual_seed(5)
    model = lively(CLIPModel(config), 5)

    def everything(ids, pixels, mask):
        found = model(input_ids=ids, pixel_values=pixels, attention_mask=mask)
        return found.logits_per_image, found.logits_per_text, found.text_embeds, found.image_embeds

    ids = torch.zeros(3, 9, dtype=torch.int64)
    ids[:, 4] = end
    module = Outputs(everything, model)
    names = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]
    axes = {"input_ids": {0: "text_batch_size", 1: "sequence_length"}, "attention_mask": {0: "text_batch_size", 1: "sequence_length"},
            "pixel_values": {0: "image_batch_size"}, names[0]: {0: "image_batch_size", 1: "text_batch_size"},
            names[1]: {0: "text_batch_size", 1: "image_batch_size"}, names[2]: {0: "text_batch_size"}, names[3]: {0: "image_batch_size"}}
    graph(module, (ids, torch.randn(2, 3, SIDE, SIDE), torch.ones_like(ids)), out / "onnx/model.onnx",
          ["input_ids", "pixel_values", "attention_mask"], names, axes=axes)
    write_json(out / "config.json", {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": WIDTH, "logit_scale_init_value": 2.6592,
        "text_config": {"vocab_size": end + 1, "max_position_embeddings": 77, "eos_token_id": end}})
    write_json(out / "preprocessor_config.json", preprocessor(RULES["clip"]))
    words.save(out)
    some = torch.tensor([[end - 1, 5, end]])
    return Golden("clip", "clip-bare",
                  lambda x: everything(some, x, torch.ones_like(some))[3], lambda x: everything(x, torch.zeros(1, 3, SIDE, SIDE), torch.ones_like(x))[2])


def both(found):
    return found.last_hidden_state, found.pooler_output


class Outputs(nn.Module):
    """A function that gives several tensors; keeps the weights that it uses."""

    def __init__(self, function, module: nn.Module):
        super().__init__()
        self.function, self.module = function, module

    def forward(self, *given):
        return self.function(*given)


class Pooled(nn.Module):
    def __init__(self, text: nn.Module):
        super().__init__()
        self.text, self.projection = text, nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.text(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return self.projection((hidden * weights).sum(1) / weights.sum(1))


def graph(module, examples, path: Path, inputs, outputs, first=None, axes=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.backends.mha.set_fastpath_enabled(False)
    free = axes or {**{name: first for name in inputs}, **{name: {0: "batch"} for name in outputs}}
    with torch.no_grad():
        torch.onnx.export(module, examples, str(path), dynamo=False, opset_version=OPSET, input_names=inputs, output_names=outputs, dynamic_axes=free)
