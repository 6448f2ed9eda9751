"""Small tokenizers of the real kinds, and what the reference implementations make of the corpus."""

import tempfile
from pathlib import Path

import open_clip
import sentencepiece
from tokenizers import processors
from transformers import SiglipTokenizer, XLMRobertaTokenizer
from transformers.convert_slow_tokenizer import SpmConverter, import_protobuf

from .clip_files import clip_tokenizer, save_clip_tokenizer, write_json

PIECES = 1_200


class PrunedClip:
    """open_clip's tokenizer with no more merges than these texts need: every text is cut as by the
    whole one, and numbers follow the order of the whole one. Its ends are the two last, as always."""

    def __init__(self, texts: list[str]):
        self.whole = open_clip.SimpleTokenizer()
        used = set()
        for text in texts:
            for merge in self.merges_in(self.whole.clean_fn(text)):
                used.add(merge)
        ranks = self.whole.bpe_ranks
        self.merges = sorted(used, key=ranks.get)
        encoder = self.whole.encoder
        pieces = [piece for piece, number in encoder.items() if number < 512] + ["".join(merge) for merge in self.merges]
        self.vocabulary = {piece: i for i, piece in enumerate([*pieces, "<start_of_text>", "<end_of_text>"])}
        self.renumber = {encoder[piece]: number for piece, number in self.vocabulary.items()}

    def merges_in(self, text: str):
        """Every merge on the way from bytes to tokens, the lowest rank first, as in bpe()."""
        for word in set(self.whole.pat.findall(text)):
            parts = ["".join(self.whole.byte_encoder[byte] for byte in word.encode())]
            parts = [*parts[0][:-1], parts[0][-1] + "</w>"]
            while True:
                ranked = [(self.whole.bpe_ranks.get(pair), pair) for pair in zip(parts, parts[1:])]
                ranked = [one for one in ranked if one[0] is not None]
                if not ranked:
                    break
                first, second = min(ranked)[1]
                yield first, second
                joined, at = [], 0
                while at < len(parts):
                    both = parts[at : at + 2] == [first, second]
                    joined.append(first + second if both else parts[at])
                    at += 2 if both else 1
                parts = joined

    def ids(self, text: str) -> list[int]:
        """What open_clip's tokenizer says, without its padding."""
        row = self.whole([text])[0].tolist()
        return [self.renumber[number] for number in row[: row.index(self.whole.eot_token_id) + 1]]

    def bare_ids(self, text: str) -> list[int]:
        """What transformers says, which cleans nothing."""
        return clip_tokenizer(dict(self.vocabulary), self.merges, 77)(text, truncation=True)["input_ids"]

    def save(self, folder: Path) -> None:
        save_clip_tokenizer(clip_tokenizer(dict(self.vocabulary), self.merges, 77), folder)


def trained(texts: list[str], folder: Path, **settings) -> Path:
    """A sentencepiece model, which leaves rare characters out; texts may hold no line breaks there."""
    told = folder / "texts.txt"
    told.write_text("\n".join(" ".join(text.split())[:1_000] for text in texts))
    sentencepiece.SentencePieceTrainer.train(
        input=str(told), model_prefix=str(folder / "spiece"), vocab_size=PIECES, model_type="unigram",
        character_coverage=0.98, hard_vocab_limit=False, minloglevel=2, num_threads=1, **settings)
    return folder / "spiece.model"


class Siglip:
    """transformers' SiglipTokenizer over a sentencepiece model, and its tokenizer.json."""

    def __init__(self, texts: list[str]):
        self.folder = tempfile.TemporaryDirectory()
        model = trained(texts, Path(self.folder.name), pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name="nmt_nfkc")
        self.reference = SiglipTokenizer(str(model), model_max_length=64)

    def ids(self, text: str) -> list[int]:
        return self.reference(text, truncation=True, max_length=64)["input_ids"]

    def save(self, folder: Path) -> None:
        fast = SpmConverter(self.reference).converted()
        fast.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        folder.mkdir(parents=True, exist_ok=True)
        fast.save(str(folder / "tokenizer.json"))
        write_json(folder / "tokenizer_config.json", {
            "tokenizer_class": "SiglipTokenizer", "do_lower_case": True, "model_max_length": 64,
            "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>",
        })


class XlmRoberta:
    """XLM-RoBERTa's: unigrams behind sentencepiece's table of characters. The reference is
    sentencepiece itself; transformers' fast tokenizer applies the table otherwise."""

    def __init__(self, texts: list[str]):
        self.folder = tempfile.TemporaryDirectory()
        model = trained(texts, Path(self.folder.name), normalization_rule_name="nmt_nfkc")
        self.model = sentencepiece.SentencePieceProcessor(str(model))
        pieces = [(self.model.id_to_piece(i), self.model.get_score(i)) for i in range(3, self.model.get_piece_size())]
        vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]
        self.tokenizer = XLMRobertaTokenizer(vocab=vocabulary, _spm_precompiled_charsmap=charsmap(model), model_max_length=77)

    def ids(self, text: str) -> list[int]:
        """Numbers are one higher than sentencepiece's, whose <unk> is 0."""
        numbers = [3 if number == 0 else number + 1 for number in self.model.encode(text)]
        return [0, *numbers[:75], 2]

    def save(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)


def charsmap(model: Path) -> bytes:
    """The table by which the model replaces characters first."""
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(model.read_bytes())
    return proto.normalizer_spec.precompiled_charsmap
