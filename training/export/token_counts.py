"""Counts where transformers' tokens of CLIP, which come of texts as they are, differ from open_clip's,
which come of cleaned ones: on the corpus of golden_texts.py and on the captions of Flickr30k.

    python -m export.token_counts FOLDER

Reads text/captions.txt.gz of LUCIDA_DATASETS. Leaves the tokenizer in FOLDER with the whole vocabulary,
and captions.json with open_clip's tokens, for test/training/captions.test.ts.
"""

import gzip
import json
import os
import sys
from pathlib import Path

import open_clip
from tokenizers import Tokenizer

from .clip_files import write_tokenizer
from .golden_texts import corpus


def main(folder: Path) -> None:
    reference = open_clip.SimpleTokenizer()
    write_tokenizer(folder, reference)
    bare = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bare.enable_truncation(77)
    captions = gzip.open(Path(os.environ["LUCIDA_DATASETS"]) / "text" / "captions.txt.gz", "rt").read().splitlines()
    for name, texts in {"corpus": [text for kind, text in corpus() if kind != "literal"], "captions": captions}.items():
        ids = [unpadded(reference, text) for text in texts]
        differ = sum(found.ids != expected for found, expected in zip(bare.encode_batch(texts), ids))
        print(f"{name}: {len(texts)} texts, transformers' tokens differ from open_clip's in {differ}", flush=True)
        (folder / f"{name}.json").write_text(json.dumps({"texts": texts, "ids": ids}))


def unpadded(tokenizer: open_clip.SimpleTokenizer, text: str) -> list[int]:
    row = tokenizer([text])[0].tolist()
    return row[: row.index(tokenizer.eot_token_id) + 1]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
