"""Makes the pipelines of a few kilobytes on which the engine of src/generate is tested: random weights
and the very inputs and outputs of real pipelines. They draw nothing that anybody would want to see.

    python -m generate.toy ../test/fixtures/pipelines

Needs torch, onnx and tokenizers. The files differ in no byte from run to run with the same versions.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

OPSET = 17


def save(module, folder, file, inputs, outputs):
    """Exports `module`; `inputs` are examples by name, whose first side, the rows, becomes free."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    # What is said once for all rows, an example of one or of no side shows.
    rows = [name for name, example in inputs.items() if example.dim() > 0 and example.shape[0] > 1]
    free = {name: {0: "rows"} for name in [*rows, *outputs]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), tuple(inputs.values()), str(path), dynamo=False, opset_version=OPSET,
                          input_names=list(inputs), output_names=list(outputs), dynamic_axes=free)


def write_manifest(folder, manifest):
    """Adds what is known of the files: their sizes and digests."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "pipeline.json")
    files = {
        path.relative_to(folder).as_posix(): {
            "sizeBytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in paths
    }
    text = json.dumps({**manifest, "files": files}, indent=1, ensure_ascii=False)
    (folder / "pipeline.json").write_text(text + "\n", encoding="utf-8")


def rows(*shape):
    """An example of two rows."""
    return torch.randn(2, *shape)


class Prior(nn.Module):
    """x, t, emb, keep -> x0, all of `width`."""

    def __init__(self, width):
        super().__init__()
        self.null = nn.Parameter(torch.randn(width))
        self.net = nn.Sequential(nn.Linear(2 * width + 1, 24), nn.SiLU(), nn.Linear(24, width))

    def forward(self, x, t, emb, keep):
        keep = keep[:, None]
        told = keep * emb + (1 - keep) * self.null
        return self.net(torch.cat([x, told, t[:, None]], dim=1))


class Decoder(nn.Module):
    """x, t, emb, aug, keep -> v, of `channels`."""

    def __init__(self, width, channels):
        super().__init__()
        self.null = nn.Parameter(torch.randn(width))
        self.told = nn.Linear(width + 2, 8)
        self.into = nn.Conv2d(channels, 8, 3, padding=1)
        self.out = nn.Conv2d(8, channels, 3, padding=1)

    def forward(self, x, t, emb, aug, keep):
        keep = keep[:, None]
        told = torch.cat([keep * emb + (1 - keep) * self.null, t[:, None], aug[:, None]], dim=1)
        return 0.5 * x + self.out(torch.tanh(self.into(x) + self.told(told)[:, :, None, None]))


class CodecDecoder(nn.Module):
    """z -> image in [-1, 1]."""

    def __init__(self, channels, cell):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(channels, 3 * cell * cell, 1), nn.PixelShuffle(cell), nn.Tanh())

    def forward(self, z):
        return self.net(z)


class CodecEncoder(nn.Module):
    """image -> z"""

    def __init__(self, channels, cell):
        super().__init__()
        self.net = nn.Sequential(nn.PixelUnshuffle(cell), nn.Conv2d(3 * cell * cell, channels, 1))

    def forward(self, image):
        return self.net(image)


def unclip(folder, prior_kind):
    """The form of the built-in pipeline, with the given kind of prior."""
    torch.manual_seed(1)
    width, channels, cell, side = 8, 4, 4, 16
    latent = (channels, side // cell, side // cell)
    if prior_kind == "diffusion":
        inputs = {"x": rows(width), "t": torch.rand(2), "emb": rows(width), "keep": torch.ones(2)}
        save(Prior(width), folder, "onnx/prior.onnx", inputs, ["x0"])
        prior = {
            "kind": "diffusion",
            "file": "onnx/prior.onnx",
            "inputs": {"sample": "x", "time": "t", "text": "emb", "keep": "keep"},
            "output": "x0",
            "prediction": "sample",
            "schedule": {"type": "flow", "solver": "dpmpp2m", "steps": 5},
            "guidance": 1,
            "samples": 4,
        }
    else:
        save(nn.Linear(width, width), folder, "onnx/prior.onnx", {"emb": rows(width)}, ["x0"])
        prior = {"kind": "regression", "file": "onnx/prior.onnx", "inputs": {"text": "emb"}, "output": "x0"}
    inputs = {"x": rows(*latent), "t": torch.rand(2), "emb": rows(width), "aug": torch.rand(2), "keep": torch.ones(2)}
    save(Decoder(width, channels), folder, "onnx/decoder.onnx", inputs, ["v"])
    save(CodecDecoder(channels, cell), folder, "onnx/codec-decoder.onnx", {"z": rows(*latent)}, ["image"])
    save(CodecEncoder(channels, cell), folder, "onnx/codec-encoder.onnx", {"image": rows(3, side, side)}, ["z"])
    mean, std = torch.randn(width) * 0.2, torch.rand(width) * 0.3 + 0.1
    write_manifest(folder, {
        "schema": "lucida.pipeline/1",
        "name": folder.name,
        "title": f"Random weights in the form of the built-in pipeline, its prior a {prior_kind}",
        "license": "MIT",
        "sessionConfig": {"session.disable_quant_qdq": "1"},
        "embedding": {
            "space": "toy",
            "recipe": "0123456789abcdef",
            "dimension": width,
            "mean": [round(value, 4) for value in mean.tolist()],
            "std": [round(value, 4) for value in std.tolist()],
        },
        "text": "search",
        "prior": prior,
        "decoder": {
            "file": "onnx/decoder.onnx",
            "inputs": {"sample": "x", "time": "t", "embedding": "emb", "noise": "aug", "keep": "keep"},
            "output": "v",
            "prediction": "velocity",
            "schedule": {"type": "flow", "solver": "dpmpp2m", "steps": 10, "start": 0.999},
            "guidance": {"mode": "keep", "scale": 2.5, "interval": [0.15, 0.85]},
        },
        "codec": {
            "decode": {"file": "onnx/codec-decoder.onnx", "input": "z", "output": "image"},
            "encode": {"file": "onnx/codec-encoder.onnx", "input": "image", "output": "z"},
            "channels": channels,
            "downscale": cell,
            "scale": 1,
            "shift": 0,
            "range": [-1, 1],
        },
        "size": {"widthPx": side, "heightPx": side},
    })


class TextEncoder(nn.Module):
    """ids -> (one vector for the whole, one for each token)"""

    def __init__(self, width, hidden):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, hidden)
        self.places = nn.Parameter(torch.randn(CONTEXT, hidden))
        self.out = nn.Linear(hidden, width)

    def forward(self, ids):
        hidden = torch.tanh(self.tokens(ids.long()) + self.places)
        return self.out(hidden.mean(1)), hidden


class HiddenFirst(nn.Module):
    """The same, in the other order."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, ids):
        text, hidden = self.encoder(ids)
        return hidden, text


class PriorTransformer(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2 * width + hidden + 1, 24), nn.SiLU(), nn.Linear(24, width))

    def forward(self, x, timestep, text, hidden, mask):
        told = (hidden * mask.to(hidden.dtype)[..., None]).mean(1)
        time = (timestep / 1000).to(x.dtype).expand(x.shape[0])[:, None]
        return self.net(torch.cat([x, text, told, time], dim=1))


class UNet(nn.Module):
    """x, timestep and one vector -> noise, with as many channels again where `spread`."""

    def __init__(self, channels, told, spread, behind=0):
        super().__init__()
        self.told = nn.Linear(told + 1, 8)
        self.into = nn.Conv2d(channels + behind, 8, 3, padding=1)
        self.out = nn.Conv2d(8, channels * (2 if spread else 1), 3, padding=1)

    def forward(self, x, timestep, told):
        time = (timestep / 1000).to(x.dtype).expand(x.shape[0])[:, None]
        told = self.told(torch.cat([told, time], dim=1))[:, :, None, None]
        return torch.tanh(self.out(torch.tanh(self.into(x) + told)))


class KarloDecoder(nn.Module):
    def __init__(self, hidden, labels):
        super().__init__()
        self.net = UNet(3, hidden + labels, spread=True)

    def forward(self, sample, timestep, hidden, labels, mask):
        told = (hidden * mask.to(hidden.dtype)[..., None]).mean(1)
        return self.net(sample, timestep, torch.cat([told, labels], dim=1))


class TextProjection(nn.Module):
    """Image and text embeddings -> four more tokens before the text's, and labels."""

    def __init__(self, width, hidden, told, labels):
        super().__init__()
        self.null = nn.Parameter(torch.randn(width))
        self.tokens = nn.Linear(width, 4 * told)
        self.hidden = nn.Linear(hidden, told)
        self.image, self.text = nn.Linear(width, labels), nn.Linear(width, labels)

    def forward(self, image, text, hidden, mask, keep):
        image = keep[:, None] * image + (1 - keep[:, None]) * self.null
        tokens = self.tokens(image).reshape(image.shape[0], 4, -1)
        hidden = torch.cat([tokens, self.hidden(hidden)], dim=1)
        mask = torch.cat([torch.ones_like(mask[:, :4]), mask], dim=1)
        return hidden, self.image(image) + self.text(text), mask


class Larger(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = UNet(3, 1, spread=False, behind=3)

    def forward(self, sample, timestep):
        return self.net(sample, timestep, sample[:, 0, 0, :1] * 0)


class ConsistencyUNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = UNet(4, hidden + 8, spread=False)
        self.guidance = nn.Linear(256, 8)

    def forward(self, sample, timestep, hidden, guidance):
        told = torch.cat([hidden.mean(1), self.guidance(guidance)], dim=1)
        return self.net(sample, timestep, told)


class ZeroToOne(nn.Module):
    def __init__(self, channels, cell):
        super().__init__()
        self.net = CodecDecoder(channels, cell)

    def forward(self, z):
        return self.net(z) / 2 + 0.5


CONTEXT = 10
VOCABULARY = 64
START, END = 0, 1


def tokenizer(folder):
    """A byte-pair encoding of a few dozen pieces; writes it and returns what the manifest says of it."""
    pieces = Tokenizer(models.BPE(unk_token="<unk>"))
    pieces.normalizer, pieces.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<start>", "<end>", "<unk>"], show_progress=False,
        initial_alphabet=list("abcdefghijklmnopqrstuvwxyz"),
    )
    pieces.train_from_iterator(["a dog on the beach", "a cat in the snow", "the red car", "a boat on a lake"], trainer)
    pieces.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", START), ("<end>", END)])
    (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
    pieces.save(str(folder / "tokenizer" / "tokenizer.json"), pretty=False)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    return {"folder": "tokenizer", "contextLength": CONTEXT, "endId": END, "padId": END}


WIDTH, HIDDEN = 8, 6
COSINE_PRIOR = {"type": "diffusion", "solver": "unclip", "betas": {"type": "cosine"}, "spacing": "linspace", "clip": 5}


def embedded(folder, title):
    """Text encoder and prior, which two families share, and what the manifest says of them."""
    ids = torch.randint(0, VOCABULARY, (2, CONTEXT))
    save(TextEncoder(WIDTH, HIDDEN), folder, "text_encoder/model.onnx", {"input_ids": ids}, ["text_embeds", "last_hidden_state"])
    inputs = {
        "hidden_states": rows(WIDTH), "timestep": torch.tensor(7), "proj_embedding": rows(WIDTH),
        "encoder_hidden_states": rows(CONTEXT, HIDDEN), "attention_mask": torch.ones(2, CONTEXT, dtype=torch.bool),
    }
    save(PriorTransformer(WIDTH, HIDDEN), folder, "prior/model.onnx", inputs, ["predicted_image_embedding"])
    mean, std = torch.randn(WIDTH) * 0.5, torch.rand(WIDTH) + 0.5
    return {
        "schema": "lucida.pipeline/1",
        "name": folder.name,
        "title": title,
        "license": "MIT",
        "embedding": {
            "space": "toy",
            "dimension": WIDTH,
            "mean": [round(value, 4) for value in mean.tolist()],
            "std": [round(value, 4) for value in std.tolist()],
            "unit": False,
            "decoder": "plain",
        },
        "text": {
            "file": "text_encoder/model.onnx",
            "inputs": {"ids": "input_ids"},
            "outputs": {"text": "text_embeds", "hidden": "last_hidden_state"},
            "tokenizer": tokenizer(folder),
        },
        "prior": {
            "kind": "diffusion",
            "file": "prior/model.onnx",
            "inputs": {
                "sample": "hidden_states", "time": "timestep", "text": "proj_embedding",
                "hidden": "encoder_hidden_states", "mask": "attention_mask",
            },
            "output": "predicted_image_embedding",
            "prediction": "sample",
            "schedule": {**COSINE_PRIOR, "steps": 5},
            "guidance": {"mode": "concat", "scale": 4},
        },
        "batch": 1,
        "sequential": True,
    }


def kandinsky(folder):
    """Tensors as in Kandinsky 2.2, the variance that nobody uses included."""
    torch.manual_seed(2)
    manifest = embedded(folder, "Random weights with the tensors of Kandinsky 2.2")
    inputs = {"sample": rows(4, 4, 4), "timestep": torch.tensor(7), "image_embeds": rows(WIDTH)}
    save(UNet(4, WIDTH, spread=True), folder, "unet/model.onnx", inputs, ["out_sample"])
    save(CodecDecoder(4, 4), folder, "movq_decoder/model.onnx", {"latent_sample": rows(4, 4, 4)}, ["sample"])
    save(CodecEncoder(4, 4), folder, "movq_encoder/model.onnx", {"sample": rows(3, 16, 16)}, ["latent_sample"])
    write_manifest(folder, {
        **manifest,
        "decoder": {
            "file": "unet/model.onnx",
            "inputs": {"sample": "sample", "time": "timestep", "embedding": "image_embeds"},
            "output": "out_sample",
            "prediction": "epsilon",
            "schedule": {
                "type": "diffusion", "solver": "ddpm", "steps": 8, "offset": 1,
                "betas": {"type": "linear", "start": 0.00085, "end": 0.012},
            },
            "guidance": {"mode": "concat", "scale": 4, "nothing": [round(v, 3) for v in torch.randn(WIDTH).tolist()]},
        },
        "codec": {
            "decode": {"file": "movq_decoder/model.onnx", "input": "latent_sample", "output": "sample"},
            "encode": {"file": "movq_encoder/model.onnx", "input": "sample", "output": "latent_sample"},
            "channels": 4,
            "downscale": 4,
            "scale": 20,
        },
        "size": {"widthPx": 16, "heightPx": 16},
    })


def karlo(folder):
    """Tensors as in Karlo, with its two networks that enlarge."""
    torch.manual_seed(3)
    manifest = embedded(folder, "Random weights with the tensors of Karlo")
    told, labels = 5, 7
    inputs = {
        "image_embeddings": rows(WIDTH), "prompt_embeds": rows(WIDTH), "text_encoder_hidden_states": rows(CONTEXT, HIDDEN),
        "text_mask": torch.ones(2, CONTEXT), "keep": torch.ones(2),
    }
    outputs = ["encoder_hidden_states", "class_labels", "attention_mask"]
    save(TextProjection(WIDTH, HIDDEN, told, labels), folder, "text_proj/model.onnx", inputs, outputs)
    inputs = {
        "sample": rows(3, 8, 8), "timestep": torch.tensor(7), "encoder_hidden_states": rows(CONTEXT + 4, told),
        "class_labels": rows(labels), "attention_mask": torch.ones(2, CONTEXT + 4, dtype=torch.bool),
    }
    save(KarloDecoder(told, labels), folder, "decoder/model.onnx", inputs, ["out_sample"])
    for name in ("super_res_first", "super_res_last"):
        inputs = {"sample": rows(6, 32, 32), "timestep": torch.tensor(7)}
        save(Larger(), folder, f"{name}/model.onnx", inputs, ["out_sample"])
    write_manifest(folder, {
        **manifest,
        "project": {
            "file": "text_proj/model.onnx",
            "inputs": {
                "embedding": "image_embeddings", "text": "prompt_embeds", "hidden": "text_encoder_hidden_states",
                "mask": "text_mask", "keep": "keep",
            },
            "outputs": {"hidden": "encoder_hidden_states", "labels": "class_labels", "mask": "attention_mask"},
        },
        "decoder": {
            "file": "decoder/model.onnx",
            "inputs": {
                "sample": "sample", "time": "timestep", "hidden": "encoder_hidden_states", "labels": "class_labels",
                "mask": "attention_mask",
            },
            "output": "out_sample",
            "prediction": "epsilon",
            "schedule": {**COSINE_PRIOR, "steps": 6, "clip": 1, "variance": "learned_range"},
            "guidance": {"mode": "concat", "scale": 8},
        },
        "codec": {"channels": 3, "downscale": 1},
        "upsampler": {
            "file": "super_res_first/model.onnx",
            "last": {"file": "super_res_last/model.onnx"},
            "inputs": {"sample": "sample", "time": "timestep"},
            "output": "out_sample",
            "prediction": "epsilon",
            "schedule": {**COSINE_PRIOR, "steps": 4, "clip": 1},
            "factor": 4,
        },
        "size": {"widthPx": 32, "heightPx": 32},
    })


def consistency(folder):
    """Tensors as in LCM_Dreamshaper_v7, with TAESD for a codec."""
    torch.manual_seed(4)
    ids = torch.randint(0, VOCABULARY, (2, CONTEXT), dtype=torch.int32)
    encoder = HiddenFirst(TextEncoder(WIDTH, HIDDEN))
    save(encoder, folder, "text_encoder/model.onnx", {"input_ids": ids}, ["last_hidden_state", "pooler_output"])
    inputs = {
        "sample": rows(4, 4, 4), "timestep": torch.tensor([7]), "encoder_hidden_states": rows(CONTEXT, HIDDEN),
        "timestep_cond": rows(256),
    }
    save(ConsistencyUNet(HIDDEN), folder, "unet/model.onnx", inputs, ["out_sample"])
    save(ZeroToOne(4, 4), folder, "vae_decoder/model.onnx", {"latent_sample": rows(4, 4, 4)}, ["sample"])
    save(CodecEncoder(8, 4), folder, "vae_encoder/model.onnx", {"sample": rows(3, 16, 16)}, ["latent_parameters"])
    write_manifest(folder, {
        "schema": "lucida.pipeline/1",
        "name": folder.name,
        "title": "Random weights with the tensors of LCM_Dreamshaper_v7 and TAESD",
        "license": "MIT",
        "text": {
            "file": "text_encoder/model.onnx",
            "inputs": {"ids": "input_ids"},
            "outputs": {"hidden": "last_hidden_state"},
            "tokenizer": tokenizer(folder),
        },
        "decoder": {
            "file": "unet/model.onnx",
            "inputs": {
                "sample": "sample", "time": {"name": "timestep", "shared": True},
                "hidden": "encoder_hidden_states", "guidance": "timestep_cond",
            },
            "output": "out_sample",
            "prediction": "epsilon",
            "schedule": {
                "type": "diffusion", "solver": "lcm", "steps": 4,
                "betas": {"type": "scaled_linear", "start": 0.00085, "end": 0.012},
            },
            "guidance": {"mode": "w-embed", "scale": 8.5},
        },
        "codec": {
            "decode": {"file": "vae_decoder/model.onnx", "input": "latent_sample", "output": "sample"},
            "encode": {"file": "vae_encoder/model.onnx", "input": "sample", "output": "latent_parameters"},
            "channels": 4,
            "downscale": 4,
            "scale": 20,
            "shift": 0.1,
            "range": [0, 1],
        },
        "size": {"widthPx": 16, "heightPx": 16},
        "batch": 1,
        "sequential": True,
    })


def main(target):
    unclip(target / "toy-unclip", "diffusion")
    unclip(target / "toy-regression", "regression")
    kandinsky(target / "toy-kandinsky")
    karlo(target / "toy-karlo")
    consistency(target / "toy-consistency")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
