"""Exports pipelines of the same classes as the real ones with few random weights, and draws with
diffusers' own pipelines, so that Lucida's pictures can be compared with theirs.

    python -m export.tiny TARGET

Needs what unclip.py needs. Leaves a folder in TARGET for each of unclip.py's pipelines, with expected.json in it.
"""

import json
import sys
from pathlib import Path

import torch
import diffusers
from diffusers.schedulers import UnCLIPScheduler
from transformers import (
    CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from . import unclip

PROMPT = "a red cat, 4k photo"
SEED = 11
STEPS = 6
WIDTH = 32


def tokenizer(folder):
    """CLIP's, with bytes for its vocabulary and two merges."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [256 + i for i in range(256 - len(printable))]
    letters = [chr(code) for code in [*printable, *others]]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=77)


def text_encoder(tokenizer, kind=CLIPTextModelWithProjection):
    return kind(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, projection_dim=WIDTH, intermediate_size=37, num_attention_heads=4,
        num_hidden_layers=2, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id)).eval()


def prior():
    model = diffusers.PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=WIDTH, num_layers=1)
    # Zeros, as it comes.
    model.clip_mean = torch.nn.Parameter(torch.randn(1, WIDTH) * 0.3)
    model.clip_std = torch.nn.Parameter(torch.rand(1, WIDTH) + 0.5)
    return model.eval()


def prior_scheduler():
    return UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample", clip_sample_range=5.0)


CROSSED = {
    "down_block_types": ("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
    "up_block_types": ("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "cross_attention_dim": WIDTH,
    "attention_head_dim": 4,
    "resnet_time_scale_shift": "scale_shift",
}


def kandinsky(target):
    torch.manual_seed(5)
    words = tokenizer(target / "words")
    image_encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=WIDTH, image_size=32, projection_dim=WIDTH, intermediate_size=37, num_attention_heads=4,
        num_hidden_layers=2, patch_size=16)).eval()
    first = diffusers.KandinskyV22PriorPipeline(
        prior=prior(), image_encoder=image_encoder, text_encoder=text_encoder(words), tokenizer=words,
        scheduler=prior_scheduler(), image_processor=CLIPImageProcessor())
    unet = diffusers.UNet2DConditionModel(
        in_channels=4, out_channels=8, addition_embed_type="image", encoder_hid_dim=WIDTH,
        encoder_hid_dim_type="image_proj", **CROSSED)
    movq = diffusers.VQModel(
        block_out_channels=[32, 64], down_block_types=["DownEncoderBlock2D", "AttnDownEncoderBlock2D"], latent_channels=4,
        layers_per_block=1, norm_num_groups=8, norm_type="spatial", num_vq_embeddings=12, vq_embed_dim=4,
        up_block_types=["AttnUpDecoderBlock2D", "UpDecoderBlock2D"])
    scheduler = diffusers.DDPMScheduler(
        beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, steps_offset=1)
    second = diffusers.KandinskyV22Pipeline(unet=unet.eval(), scheduler=scheduler, movq=movq.eval())

    generator = torch.Generator().manual_seed(SEED)
    found = first(PROMPT, generator=generator)
    size = 64
    drawn = second(
        image_embeds=found.image_embeds, negative_image_embeds=found.negative_image_embeds, height=size, width=size,
        num_inference_steps=STEPS, generator=generator, output_type="np")
    folder = target / "kandinsky-2.2"
    told = unclip.kandinsky(first, second, folder, size)
    unclip.write_manifest("kandinsky-2.2", told, folder)
    write_expected(folder, drawn.images[0], found.image_embeds[0])


def karlo(target):
    torch.manual_seed(6)
    words = tokenizer(target / "words-of-karlo")
    larger = {
        "sample_size": 64, "in_channels": 6, "out_channels": 3, "layers_per_block": 1, "block_out_channels": (32, 64),
        "down_block_types": ("ResnetDownsampleBlock2D",) * 2, "up_block_types": ("ResnetUpsampleBlock2D",) * 2,
    }
    # Not among the names that diffusers offers, and moved between versions.
    module = sys.modules[diffusers.UnCLIPPipeline.__module__]
    text_proj = module.UnCLIPTextProjModel(
        clip_embeddings_dim=WIDTH, time_embed_dim=32 * 4, cross_attention_dim=WIDTH)
    torch.nn.init.normal_(text_proj.learned_classifier_free_guidance_embeddings)
    pipeline = diffusers.UnCLIPPipeline(
        prior=prior(), text_encoder=text_encoder(words), tokenizer=words, text_proj=text_proj.eval(),
        decoder=diffusers.UNet2DConditionModel(
            sample_size=16, in_channels=3, out_channels=6, class_embed_type="identity", **CROSSED).eval(),
        super_res_first=diffusers.UNet2DModel(**larger).eval(), super_res_last=diffusers.UNet2DModel(**larger).eval(),
        prior_scheduler=prior_scheduler(),
        decoder_scheduler=UnCLIPScheduler(variance_type="learned_range"),
        super_res_scheduler=UnCLIPScheduler(variance_type="fixed_small_log"))
    drawn = pipeline(
        PROMPT, decoder_num_inference_steps=STEPS, generator=torch.Generator().manual_seed(SEED), output_type="np")
    folder = target / "karlo-v1"
    unclip.write_manifest("karlo-v1", unclip.karlo(pipeline, folder), folder)
    write_expected(folder, drawn.images[0])


def consistency(target):
    torch.manual_seed(7)
    words = tokenizer(target / "words-of-lcm")
    encoder = text_encoder(words, CLIPTextModel)
    unet = diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH, norm_num_groups=2, time_cond_proj_dim=256).eval()
    codec = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(16,) * 4, decoder_block_out_channels=(16,) * 4, num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4).eval()
    # Else the pictures are nearly of one colour.
    torch.nn.init.normal_(codec.decoder.layers[-1].weight, std=0.5)
    scheduler = diffusers.LCMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=True)
    pipeline = diffusers.LatentConsistencyModelPipeline(
        vae=codec, text_encoder=encoder, tokenizer=words, unet=unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, image_encoder=None, requires_safety_checker=False)
    size = 64
    drawn = pipeline(
        PROMPT, height=size, width=size, num_inference_steps=STEPS, generator=torch.Generator().manual_seed(SEED),
        output_type="np")

    # As the ready files have it.
    ready = target / "ready"
    words.save_pretrained(ready / "tokenizer")
    unclip.export(
        encoder, lambda model, ids: tuple(model(input_ids=ids)[:2]),
        {"input_ids": torch.ones(2, 77, dtype=torch.int32)}, ["last_hidden_state", "pooler_output"],
        ready / "text_encoder")
    unclip.export(
        unet,
        lambda model, x, time, hidden, scale: model(x, time, hidden, timestep_cond=scale, return_dict=False)[0],
        {
            "sample": torch.randn(2, 4, 8, 8), "timestep": torch.tensor([7]), "encoder_hidden_states": torch.randn(2, 77, WIDTH),
            "timestep_cond": torch.randn(2, 256),
        },
        ["out_sample"], ready / "unet")
    folder = target / "lcm-dreamshaper-v7"
    unclip.write_manifest("lcm-dreamshaper-v7", unclip.consistency(ready, codec, folder, size), folder)
    write_expected(folder, drawn.images[0])


def write_expected(folder, image, embedding=None):
    record = {
        "prompt": PROMPT, "seed": SEED, "steps": STEPS, "pixels": (image * 255).round().astype(int).flatten().tolist(),
        "embedding": None if embedding is None else (embedding / embedding.norm()).tolist(),
    }
    (folder / "expected.json").write_text(json.dumps(record))


def main(target):
    diffusers.utils.logging.disable_progress_bar()
    target.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        kandinsky(target)
        karlo(target)
        consistency(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
