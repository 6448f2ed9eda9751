"""Exports large pipelines of Hugging Face's diffusers to ONNX, in the form that Lucida draws with.

It has not been run on the real weights: only on models of the same classes with few random weights,
whose pictures agree with those of diffusers' own pipelines (see tiny.py).

    python -m export.unclip kandinsky-2.2 TARGET
    python -m export.unclip karlo-v1 TARGET
    python -m export.unclip lcm-dreamshaper-v7 TARGET --onnx FOLDER

TARGET becomes a folder for `lucida`'s setting `generator`. The models are those that the manifests in
pipelines/ name, or what --model, --prior and --taesd say, names or folders. lcm-dreamshaper-v7 exports
TAESD only; FOLDER holds the ready networks and the tokenizer of SimianLuo/LCM_Dreamshaper_v7.

Needs torch, diffusers, transformers, onnx and onnxruntime, and memory of about three times the largest
network in float32 (kandinsky-2.2: 15 GB, karlo-v1: 12 GB).
"""

import argparse
import hashlib
import inspect
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

OPSET = 18
TEMPLATES = Path(__file__).parent / "pipelines"
# A graph with its weights must stay below protobuf's 2 GB; larger weights go into a file beside it.
MOST_BYTES = 1_500_000_000
# Largest difference that is let pass between PyTorch and ONNX Runtime, relative to the largest number.
TOLERANCE = 1e-3


class Call(nn.Module):
    """A module whose forward is the given function of tensors."""

    def __init__(self, module, function):
        super().__init__()
        self.module, self.function = module, function

    def forward(self, *inputs):
        return self.function(self.module, *inputs)


def export(module, function, inputs, outputs, target):
    """Writes `target`/model.onnx; `inputs` are examples by name: two rows, or what all rows share."""
    if hasattr(module, "set_default_attn_processor"):
        module.set_default_attn_processor()
    call = Call(module.float().eval(), function).requires_grad_(False)
    names = [name for name, example in inputs.items() if example.dim() > 0 and len(example) > 1]
    free = {name: {0: "rows"} for name in [*names, *outputs]}
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.onnx"
    bytes_of_weights = sum(weight.numel() * 4 for weight in module.parameters())
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = path if bytes_of_weights < MOST_BYTES else Path(scratch) / "model.onnx"
        torch.onnx.export(call, tuple(inputs.values()), str(file), dynamo=False, opset_version=OPSET,
                          input_names=list(inputs), output_names=outputs, dynamic_axes=free)
        if file != path:
            # The exporter writes one file a tensor.
            onnx.save_model(onnx.load(str(file)), str(path), save_as_external_data=True,
                            all_tensors_to_one_file=True, location="model.onnx_data", size_threshold=1024)
    compare(call, inputs, path)
    print(f"{path}: {bytes_of_weights / 1e6:,.1f} MB of weights")


def compare(call, inputs, path):
    """The graph gives what the module gives, for three rows too."""
    three = {name: other(example) for name, example in inputs.items()}
    with torch.no_grad():
        expected = call(*three.values())
    expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {one.name: three[one.name].numpy() for one in session.get_inputs()})
    for name, ours, theirs in zip([one.name for one in session.get_outputs()], found, expected, strict=True):
        off = np.abs(ours - theirs.numpy()).max() / max(1e-6, float(theirs.abs().max()))
        if not off <= TOLERANCE:
            raise SystemExit(f"{path}: {name} is off by {off:.1e}")


def other(example):
    if example.numel() == 1:
        return torch.full_like(example, 500)
    shape = (3, *example.shape[1:])
    if example.dtype.is_floating_point:
        return torch.randn(shape)
    return torch.ones(shape, dtype=example.dtype)


def rows(*shape):
    return torch.randn(2, *shape)


TIME = torch.tensor(7)


def text_and_prior(text_encoder, tokenizer, prior, target):
    """What Kandinsky and Karlo share; returns what the manifest has to say of it."""
    length, config = tokenizer.model_max_length, prior.config
    export(
        text_encoder, lambda model, ids: text_outputs(model(input_ids=ids)),
        {"input_ids": torch.ones(2, length, dtype=torch.int64)}, ["text_embeds", "last_hidden_state"],
        target / "text_encoder")
    hidden = text_encoder.config.hidden_size
    export(
        prior,
        lambda model, x, time, text, hidden, mask: model(
            x, timestep=time, proj_embedding=text, encoder_hidden_states=hidden, attention_mask=mask,
            return_dict=False)[0],
        {
            "hidden_states": rows(config.embedding_dim), "timestep": TIME, "proj_embedding": rows(config.embedding_dim),
            "encoder_hidden_states": rows(length, hidden), "attention_mask": torch.ones(2, length, dtype=torch.bool),
        },
        ["predicted_image_embedding"], target / "prior")
    save_tokenizer(tokenizer, target)
    return {
        "embedding": {
            "dimension": config.embedding_dim,
            "mean": prior.clip_mean.flatten().tolist(),
            "std": prior.clip_std.flatten().tolist(),
        },
        "text": {"tokenizer": {
            "contextLength": length, "endId": tokenizer.eos_token_id, "padId": tokenizer.pad_token_id,
        }},
    }


def save_tokenizer(tokenizer, target):
    """As tokenizer.json, which slow tokenizers do not write by themselves."""
    from transformers import CLIPTokenizerFast

    tokenizer.save_pretrained(target / "tokenizer")
    if not (target / "tokenizer" / "tokenizer.json").exists():
        CLIPTokenizerFast.from_pretrained(target / "tokenizer").save_pretrained(target / "tokenizer")


def text_outputs(output):
    return output.text_embeds, output.last_hidden_state


def kandinsky(prior_pipeline, pipeline, target, size):
    """From KandinskyV22PriorPipeline and KandinskyV22Pipeline."""
    told = text_and_prior(prior_pipeline.text_encoder, prior_pipeline.tokenizer, prior_pipeline.prior, target)
    dimension = told["embedding"]["dimension"]
    # Stands for nothing: with it the image encoder need not be exported.
    encoder = prior_pipeline.image_encoder
    side = encoder.config.image_size
    with torch.no_grad():
        nothing = encoder(torch.zeros(1, 3, side, side, dtype=encoder.dtype))["image_embeds"][0].float()
    channels, movq = pipeline.unet.config.in_channels, pipeline.movq
    cell = 2 ** (len(movq.config.block_out_channels) - 1)
    latent = rows(channels, size // cell, size // cell)
    export(
        pipeline.unet,
        lambda model, x, time, embedding: model(
            x, time, None, added_cond_kwargs={"image_embeds": embedding}, return_dict=False)[0],
        {"sample": latent, "timestep": TIME, "image_embeds": rows(dimension)}, ["out_sample"], target / "unet")
    export(
        movq, lambda model, z: model.decode(z, force_not_quantize=True, return_dict=False)[0],
        {"latent_sample": latent}, ["sample"], target / "movq_decoder")
    export(
        movq, lambda model, image: model.encode(image, return_dict=False)[0],
        {"sample": rows(3, size, size)}, ["latent_sample"], target / "movq_encoder")
    told["decoder"] = {"guidance": {"nothing": nothing.tolist()}}
    told["codec"] = {"channels": channels, "downscale": cell}
    told["size"] = {"widthPx": size, "heightPx": size}
    return told


def karlo(pipeline, target):
    """From UnCLIPPipeline."""
    told = text_and_prior(pipeline.text_encoder, pipeline.tokenizer, pipeline.prior, target)
    length, hidden = pipeline.tokenizer.model_max_length, pipeline.text_encoder.config.hidden_size
    dimension = told["embedding"]["dimension"]
    inputs = {
        "image_embeddings": rows(dimension), "prompt_embeds": rows(dimension),
        "text_encoder_hidden_states": rows(length, hidden), "text_mask": torch.ones(2, length), "keep": torch.ones(2),
    }
    with torch.no_grad():
        context, labels, mask = project(pipeline.text_proj, *inputs.values())
    export(
        pipeline.text_proj, project, inputs, ["encoder_hidden_states", "class_labels", "attention_mask"],
        target / "text_proj")
    decoder = pipeline.decoder
    small = decoder.config.sample_size
    export(
        decoder,
        lambda model, x, time, context, labels, mask: model(
            x, time, context, class_labels=labels, attention_mask=mask, return_dict=False)[0],
        {
            "sample": rows(decoder.config.in_channels, small, small), "timestep": TIME,
            "encoder_hidden_states": context, "class_labels": labels, "attention_mask": mask.bool(),
        },
        ["out_sample"], target / "decoder")
    for name in ("super_res_first", "super_res_last"):
        network = getattr(pipeline, name)
        large = network.config.sample_size
        export(
            network, lambda model, x, time: model(x, time, return_dict=False)[0],
            {"sample": rows(network.config.in_channels, large, large), "timestep": TIME}, ["out_sample"], target / name)
    told["upsampler"] = {"factor": large // small}
    told["size"] = {"widthPx": large, "heightPx": large}
    return told


def project(model, image, text, hidden, mask, keep):
    """Text and image embedding -> context, labels and mask of the decoder. `keep` 0 takes what the model
    learned for no image."""
    nothing = model.learned_classifier_free_guidance_embeddings
    image = keep[:, None] * image + (1 - keep[:, None]) * nothing
    # Called otherwise in older versions.
    known = inspect.signature(model.forward).parameters
    text_name = "prompt_embeds" if "prompt_embeds" in known else "text_embeddings"
    context, labels = model(
        image_embeddings=image, text_encoder_hidden_states=hidden, do_classifier_free_guidance=False,
        **{text_name: text})
    return context, labels, torch.cat([torch.ones_like(mask[:, : model.clip_extra_context_tokens]), mask], dim=1)


def consistency(folder, codec, target, size):
    """From ready networks and AutoencoderTiny, whose pictures are between -1 and 1."""
    from transformers import CLIPTokenizerFast

    latent = rows(codec.config.latent_channels, size // 8, size // 8)
    export(
        codec, lambda model, z: model.decode(z, return_dict=False)[0],
        {"latent_sample": latent}, ["sample"], target / "taesd_decoder")
    export(
        codec, lambda model, image: model.encode(image, return_dict=False)[0],
        {"sample": rows(3, size, size)}, ["latent_sample"], target / "taesd_encoder")
    for name in ("text_encoder", "unet"):
        shutil.copytree(folder / name, target / name)
    tokenizer = CLIPTokenizerFast.from_pretrained(folder / "tokenizer")
    save_tokenizer(tokenizer, target)
    return {
        "text": {"tokenizer": {"endId": tokenizer.eos_token_id, "padId": tokenizer.pad_token_id}},
        "size": {"widthPx": size, "heightPx": size},
    }


def write_manifest(template, told, target):
    """The template with what was told, and the size and digest of every file."""
    manifest = merged(json.loads((TEMPLATES / f"{template}.json").read_text(encoding="utf-8")), told)
    for part in parts_of(manifest):
        file = Path(part["file"])
        beside = sorted(path for path in (target / file).parent.glob("*") if path.name != file.name)
        if beside:
            part["external"] = [path.relative_to(target).as_posix() for path in beside]
    paths = sorted(path for path in target.rglob("*") if path.is_file() and path.name != "pipeline.json")
    manifest["files"] = {
        path.relative_to(target).as_posix(): {"sizeBytes": path.stat().st_size, "sha256": sha256(path)} for path in paths
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (target / "pipeline.json").write_text(text + "\n", encoding="utf-8")


def merged(one, other):
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict):
            both[key] = merged(one[key], other[key])
    return both


def parts_of(node):
    """Every part of a manifest that names a graph."""
    if not isinstance(node, dict):
        return
    if "file" in node:
        yield node
    for child in node.values():
        yield from parts_of(child)


def sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("pipeline", choices=sorted(path.stem for path in TEMPLATES.glob("*.json")))
    arguments.add_argument("target", type=Path)
    arguments.add_argument("--model", help="in place of the pipeline's own")
    arguments.add_argument("--prior", default="kandinsky-community/kandinsky-2-2-prior")
    arguments.add_argument("--taesd", default="madebyollin/taesd")
    arguments.add_argument("--onnx", type=Path, help="a folder with text_encoder, unet and tokenizer")
    arguments.add_argument("--size", type=int, default=512, help="pixels a side, where it may be chosen")
    options = arguments.parse_args()
    options.target.mkdir(parents=True)
    import diffusers

    if options.pipeline == "kandinsky-2.2":
        prior = diffusers.KandinskyV22PriorPipeline.from_pretrained(options.prior)
        model = diffusers.KandinskyV22Pipeline.from_pretrained(
            options.model or "kandinsky-community/kandinsky-2-2-decoder")
        told = kandinsky(prior, model, options.target, options.size)
    elif options.pipeline == "karlo-v1":
        model = diffusers.UnCLIPPipeline.from_pretrained(options.model or "kakaobrain/karlo-v1-alpha")
        told = karlo(model, options.target)
    else:
        if options.onnx is None:
            arguments.error("--onnx names no folder")
        codec = diffusers.AutoencoderTiny.from_pretrained(options.taesd)
        told = consistency(options.onnx, codec, options.target, options.size)
    write_manifest(options.pipeline, told, options.target)
    print(options.target / "pipeline.json")


if __name__ == "__main__":
    main()
