"""Step 1: train the tokenizer, a byte-pair encoding (Sennrich et al. 2016) of lower-case English.

    python -m clip.tokenizer"""

import argparse

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from .datasets import training_sets
from .settings import CONTEXT, RECIPES, Recipe
from .texts import caption_groups, imagenet_names, lvis, validation_captions

PAD, START, END = "<|pad|>", "<|startoftext|>", "<|endoftext|>"
PAD_ID, START_ID, END_ID = 0, 1, 2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    tokenizer = train(corpus(recipe), recipe.vocabulary)
    tokenizer.save(str(recipe.folder / "tokenizer.json"))
    print(f"{tokenizer.get_vocab_size()} entries in {recipe.folder / 'tokenizer.json'}")


def corpus(recipe: Recipe) -> list[str]:
    """All texts of training. Names count many times over: they are asked for more than written."""
    sets = training_sets(recipe)
    flickr8k = next(one for one in sets if one.name == "flickr8k-train")
    groups = caption_groups(recipe.pictures_per_set, validation_captions(flickr8k))
    texts = [caption for group in groups for caption in group]
    for one in sets:
        rows = [one.rows[i] for i in np.flatnonzero(one.is_training)]
        texts += [text for row in rows for text in row.get("captions", [])]
        texts += 20 * sorted({label for row in rows for label in row.get("labels", [])})
    names, definitions, _ = lvis()
    return texts + 20 * names + definitions + 5 * [n for line in imagenet_names() for n in line]


def train(texts: list[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(BPE(continuing_subword_prefix="", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"[a-z]+|[0-9]|[^\sa-z0-9]+"), behavior="removed", invert=True
    )
    ascii_signs = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    trainer = BpeTrainer(
        vocab_size=vocabulary, special_tokens=[PAD, START, END], end_of_word_suffix="</w>",
        initial_alphabet=ascii_signs, limit_alphabet=len(ascii_signs), show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", pair=f"{START} $A $B {END}",
        special_tokens=[(START, START_ID), (END, END_ID)],
    )
    tokenizer.enable_truncation(CONTEXT)
    return tokenizer


def load_tokenizer(recipe: Recipe) -> Tokenizer:
    path = recipe.folder / "tokenizer.json"
    if not path.exists():
        raise SystemExit("Run python -m clip.tokenizer first")
    return Tokenizer.from_file(str(path))


def encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """-> [n, CONTEXT] ids, padded on the right."""
    ids = np.full((len(texts), CONTEXT), PAD_ID, np.int64)
    for row, encoding in enumerate(tokenizer.encode_batch(texts)):
        ids[row, : len(encoding.ids)] = encoding.ids
    return ids


if __name__ == "__main__":
    main()
