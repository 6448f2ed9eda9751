"""The sections of docs/generation.md: measured figures as text and tables."""

from clip.report import interval, percent

from .settings import CHANNELS, CLIP_NAME, GRID, MODEL_NAME, PX
from .sheets import DIFFERENCES, PROMPTS, WALKS

NETWORKS = ("decoder", "refiner", "prior")
SPACES = {"own": CLIP_NAME, "second": "second"}
HEAPS = {
    "halves of the photographs": "floor: one half of the photographs against the other (half as many)",
    "training photographs": "floor: as many training photographs, by lot",
    "drawn": f"**drawn by {MODEL_NAME}**",
    "shipped codec": "the photographs through the shipped codec",
    "patch codec": "the photographs through the patch codec",
    "blurred": "the photographs blurred (Gauss, 2 px)",
}
WAYS = {
    "text": "text embedding straight into the decoder", "ridge": "ridge regression", "retrieval": "mean of the 5 nearest training pictures",
    "diffusion 1": "diffusion prior, one sample", "diffusion 4": "diffusion prior, best of 4 samples",
}
SHOWN = {"one": "one picture", "best of four": f"best of four, chosen by {CLIP_NAME}", "shuffled prompts": "shuffled prompts", "photographs": "the photographs themselves"}


def sections(measured: dict) -> list[str]:
    tuning, ablation, evaluation = (measured[name] for name in ("tuning", "ablation", "evaluation"))
    return [
        introduction(measured), pictures(), distribution(evaluation), prompts(evaluation["prompts"]), priors(ablation),
        memory(evaluation["memory"]), edits(evaluation), codec(tuning["codec"]), guidance(tuning["guidance"]), exported(measured["export"]), cost(measured, evaluation),
    ]


def introduction(measured: dict) -> str:
    second = (
        "*second* is another small CLIP, which the generator never met in training. It saw the same data sets, the "
        "validation rows included, but not flickr8k-dev; so it is a second judge, not an independent one.\n"
        if measured["evaluation"]["second"] else "No second model was at hand.\n"
    )
    return (
        f"# Generation, measured\n\nMade by `python -m generate.report` ([training](../training/README.md)) of `{MODEL_NAME}`: "
        f"a prior from the text embedding of {CLIP_NAME} to its picture embedding, a diffusion decoder over {CHANNELS} x {GRID} x {GRID} "
        f"latents, and a codec of {PX} px pictures (unCLIP, Ramesh et al. 2022, very small).\n\n"
        "**Its pictures are sketches**: colours, light and the rough layout of a scene, seldom a thing that one could name without "
        "the prompt. Pictures of the full system are of 64 px enlarged to 1,024, from hundreds of millions of captioned pictures; these are of "
        f"{PX} px, from tens of thousands.\n\n"
        f"Two spaces judge. *{CLIP_NAME}* is what the generator is conditioned on, so figures in it are circular. {second}"
    )


def pictures() -> str:
    strips = "; ".join(f"*{a}* to *{b}*" for a, b in WALKS)
    turned = "; ".join(f"*{a}* and *{b}*" for a, b in DIFFERENCES)
    return (
        "## Pictures\n\nNothing was picked: the seeds are fixed, and the sheets take pictures evenly from a tenth of all.\n\n"
        "By prompt (columns: " + ", ".join(PROMPTS) + "; rows: seeds):\n\n![four pictures for each of eight prompts](images/generation/prompts.webp)\n\n"
        "Captions of flickr8k-dev, from the best, the fifth and the worst tenth by the judge's cosine to the prompt:\n\n"
        "![from the best tenth](images/generation/best-decile.webp)\n\n![from the fifth tenth](images/generation/middle-decile.webp)\n\n"
        "![from the worst tenth](images/generation/worst-decile.webp)\n\n"
        f"From one embedding to another ({strips}):\n\n![strips from one prompt to another](images/generation/walks.webp)\n\n"
        f"Text differences, from nothing at the left to half of the way at the right ({turned}):\n\n![strips of text differences](images/generation/text-differences.webp)\n"
    )


def distribution(evaluation: dict) -> str:
    names = list(next(iter(evaluation["distribution"].values())))
    lines = [
        f"## Distance to photographs\n\n{evaluation['generations']:,} pictures drawn from the texts of validation rows, against the photographs of those rows. "
        "FD: Fréchet distance of Gaussians, as FID but over the features of a CLIP (unit vectors times the root of their length): **FD-lucida, not "
        "to be compared with any FID**. KID: unbiased kernel distance, times 1,000, mean ± standard deviation of 50 subsets of 500.\n",
        "| | " + " | ".join(f"FD, {SPACES[s]} | KID, {SPACES[s]}" for s in names) + " |", "|---|" + "---|---|" * len(names),
    ]
    for key, title in HEAPS.items():
        row = evaluation["distribution"][key]
        cells = " | ".join(f"{row[s]['frechet']:.1f} | {row[s]['kernel'][0]:.0f} ± {row[s]['kernel'][1]:.0f}" for s in names)
        lines.append(f"| {title} | {cells} |")
    return "\n".join(lines) + "\n"


def prompts(figures: dict) -> str:
    names = list(figures["one"]["hits"])
    lines = [
        f"## Prompts\n\n{figures['prompts']} captions of flickr8k-dev, which nobody here was trained on. R@k: whether a prompt finds the picture drawn from it among the "
        f"first k of all {figures['prompts']}; chance is {percent(figures['chance'])} for R@1. In {CLIP_NAME} this is circular: the generator aims at what is measured.\n",
        "| | " + " | ".join(f"R@1, {SPACES[s]} | R@5, {SPACES[s]} | cosine" for s in names) + " |", "|---|" + "---|---|---|" * len(names),
    ]
    for key, title in SHOWN.items():
        row = figures[key]
        cells = " | ".join(f"{interval(row['hits'][s]['R@1'])} | {interval(row['hits'][s]['R@5'])} | {row['cosine'][s]:.3f}" for s in names)
        lines.append(f"| {title} | {cells} |")
    if len(names) > 1:
        gap = figures["one"]["hits"]["own"]["R@1"][0] - figures["one"]["hits"]["second"]["R@1"][0]
        lines.append(f"\nThe circular figure is {100 * gap:+.1f} points from the second model's (R@1, one picture).")
    return "\n".join(lines) + "\n"


def priors(ablation: dict) -> str:
    names = list(ablation["real"]["hits"])
    lines = [
        f"## From text to embedding\n\nThe paper's ablation (section 5.1) in miniature, on the same {ablation['prompts']} prompts. KID: against the other photographs of flickr8k-dev (subsets of at most 250). "
        "Diversity: mean cosine distance of two pictures of one prompt, by the judge, over 30 prompts of four seeds. To truth: mean cosine of the embedding to that of the photograph the caption is of; to text: to its own text, and in brackets to another's.\n",
        "| | " + " | ".join(f"R@1, {SPACES[s]} | R@5, {SPACES[s]} | KID, {SPACES[s]}" for s in names) + " | diversity | to truth | to text |",
        "|---|" + "---|---|---|" * len(names) + "---|---|---|",
    ]
    for key, title in WAYS.items():
        way = ablation["ways"][key]
        cells = " | ".join(f"{percent(way['hits'][s]['R@1'][0])} | {percent(way['hits'][s]['R@5'][0])} | {way['kernel'][s][0]:.0f}" for s in names)
        lines.append(f"| {title} | {cells} | {way['diversity'][0]:.3f} | {way['to truth']:.3f} | {way['to text']:.3f} ({way['to another text']:.3f}) |")
    real = ablation["real"]
    cells = " | ".join(f"{percent(real['hits'][s]['R@1'][0])} | {percent(real['hits'][s]['R@5'][0])} | {real['kernel'][s][0]:.0f}" for s in names)
    gain = ablation["gain of R@1"]
    chosen = {"diffusion": "the diffusion prior", "ridge": "ridge regression"}[ablation["ships"]]
    lines += [
        f"| the photographs | {cells} | | | |",
        f"\nBy the judge, R@1 of the diffusion prior (best of 4) less that of ridge regression: {100 * gain[0]:+.1f} points ({100 * gain[1]:+.1f} to {100 * gain[2]:+.1f}); "
        f"its diversity less ridge's: {ablation['gain of diversity']:+.3f}. **{chosen[0].upper() + chosen[1:]} ships** (rule: found more often, or as often and with more variety).",
    ]
    return "\n".join(lines) + "\n"


def memory(figures: dict) -> str:
    lines = [
        f"## Copies\n\nThe nearest of {figures['known']:,} training photographs to each of {figures['drawn']:,} drawn pictures, by three distances. A picture is flagged when its nearest is closer than half of the mean distance to the 50 nearest "
        "(after Carlini et al. 2023). Held-out photographs show what is normal: a generator that copies would lie nearer than they do.\n",
        "| distance | flagged | held-out photographs flagged | median, drawn | median, held-out photographs | least ratio |", "|---|---|---|---|---|---|",
    ]
    for name, row in figures["spaces"].items():
        title = {"pixels": "32 x 32 px, L2"}.get(name) or SPACES[name]
        lines.append(
            f"| {title} | {row['flagged']} of {figures['drawn']:,} | {row['flagged photographs']} of {row['photographs']:,} | {row['median']:.3f} | {row['median of photographs']:.3f} | {row['least relative']:.2f} |"
        )
    verdict = "passes" if figures["passes"] else "**fails**"
    lines.append(f"\nFlagged by any of them: {figures['flagged']} of {figures['drawn']:,}; the gate (at most 0.5 %) {verdict}.")
    return "\n".join(lines) + "\n"


def edits(evaluation: dict) -> str:
    lines = [
        "## Variations, walks, text differences\n\nA photograph's embedding with a share of noise mixed in, two seeds: how near what is drawn stays to the source, and how far the two are apart (32 x 32 px, root mean square of [0, 1]).\n",
        f"| noise | cosine to the source, {CLIP_NAME} | apart, cosine | apart, pixels |", "|---|---|---|---|",
    ]
    lines += [f"| {v['noise']} | {v['to source']:.3f} | {v['cosine apart']:.3f} | {v['apart']:.3f} |" for v in evaluation["variations"]]
    near, apart = ([v[key] for v in evaluation["variations"]] for key in ("to source", "apart"))
    walk, text = evaluation["walks"], evaluation["text differences"]
    lines.append(
        f"\nNearness falls {steadily(near, -1)}, pixel distance rises {steadily(apart, 1)}.\n\n"
        f"Walks between {walk['pairs']} pairs of photographs' embeddings in {walk['steps']} steps: the embeddings of what is drawn cover {walk['path']:.2f} rad where the embeddings asked for cover {walk['arc']:.2f}; "
        f"their ends are {walk['ends apart']:.2f} apart; {percent(walk['forward'])} of the steps go forward, and the largest step is {percent(walk['largest step'])} of the way on average.\n"
    )
    judges = [s for s in ("own", "second") if s in text]
    lines.append(
        f"Text differences (turned by {text['theta']} of the way, {text['pairs']} pairs of a photograph and a caption): "
        + "; ".join(f"{percent(text[s]['nearer'])} come nearer to the text in {SPACES[s]} (mean gain {text[s]['gain']:+.3f})" for s in judges) + ". The aim is 80 %.\n"
    )
    return "\n".join(lines)


def steadily(values: list[float], sign: int) -> str:
    return "steadily" if all((b - a) * sign > 0 for a, b in zip(values, values[1:])) else "**not steadily**"


def codec(figures: dict) -> str:
    lines = [
        f"## Codec\n\nThe encoder is the same for both: {CHANNELS} principal components of 8 x 8 patches. PSNR, and distance (one less the judge's cosine to the photograph), on {figures['pictures']} photographs of validation rows; KID of {figures['drawn']} drawn pictures to photographs. "
        "The trained decoder ships when it gains 1.5 dB or a quarter of either distance. It learned with noise in the latents, so that what is drawn shows its patches less, which costs sharpness on exact ones.\n",
        "| decoder | PSNR | distance | KID, drawn |", "|---|---|---|---|",
    ]
    titles = {"patches": "patch by patch (PCA)", "refined": "trained, as stored (int8)", "refined in float32": "trained, float32"}
    lines += [f"| {title} | {row['dB']:.2f} dB | {row['distance']:.4f} | {row['kernel']:.0f} |" for row, title in ((figures[key], title) for key, title in titles.items())]
    shipped, gains = {"refined": "The trained decoder", "patches": "The patch decoder"}[figures["ships"]], figures["gains"]
    lines.append(f"\nGain {gains['dB']:+.2f} dB, {percent(gains['distance'])} of the distance, {percent(gains['kernel'])} of the KID. **{shipped} ships.**")
    return "\n".join(lines) + "\n"


def exported(figures: dict) -> str:
    worst = ", ".join(f"{name} {value:.0e}" for name, value in figures["differences"].items())
    int8 = figures["int8"]
    small, large = (f"{size / 1e6:.1f} MB" for size in int8["bytes"])
    return f"## Export\n\nLargest difference between onnxruntime and PyTorch in float32, at batches of 1, 2 and 5: {worst}. The decoder with int8 weights ({small} in place of {large}) draws the same pictures from the same noise to {int8['dB']:.1f} dB ({int8['pictures']} photographs of validation rows drawn again, guidance {int8['guidance']}). All other figures of this page are of the stored files, with int8 weights.\n"


def guidance(figures: dict) -> str:
    lines = [
        f"## Guidance\n\n{figures['pictures']} photographs of validation rows, drawn again from their own embeddings and seen by the judge: distance to the photographs (KID), mean cosine to the photograph drawn again, and R@5 of its text.\n",
        "| scale | KID | cosine | R@5 |", "|---|---|---|---|",
    ]
    lines += [f"| {scale} | {row['kernel']:.0f} | {row['to source']:.3f} | {percent(row['R@5'])} |" for scale, row in figures["scales"].items()]
    lines.append(f"\nThe pipeline's own scale is that of the least KID, **{figures['chosen']}**.")
    return "\n".join(lines) + "\n"


def cost(measured: dict, evaluation: dict) -> str:
    lines = [
        "## Cost\n\nAMD EPYC, 2 cores, 23 GB, shared with other programs: minutes are upper bounds.\n", "| network | minutes | samples | best loss on validation rows |", "|---|---|---|---|",
    ]
    for name in NETWORKS:
        best = min(e["held_out"] for e in measured[name])
        shown = f"{-best:.2f} dB" if name == "refiner" else f"{best:.4f}"
        lines.append(f"| {name} | {measured[name][-1]['minutes']:.0f} | {measured[name][-1]['seen']:,} | {shown} |")
    lines.append(f"\nA picture took {evaluation['seconds a picture']:.2f} s of wall-clock in the evaluation (onnxruntime, one thread, 16 at once, other programs running, prior and codec included).\n\n![loss while training](images/generation/curves.png)")
    return "\n".join(lines) + "\n"
