"""The texts on which tokenizers are compared: captions of ours, and everything that a tokenizer may
stumble over, by kind. The same on every machine: what is drawn is drawn from a fixed seed."""

import html.entities
import random
import re
import unicodedata
from pathlib import Path

CAPTIONS = Path(__file__).parent.parent / "clip" / "neutral-captions.txt"
WORDS = ("café", "naïve", "Åsa", "Straße", "İstanbul", "ISPARTA ılık", "Ελλάδα ΟΔΟΣ ΣΟΦΟΣ", "Việt Nam", "한국어", "Ǆungla ǆep",
         "ﬁsh ﬂow oﬀer ſtill", "Kelvin K Ångström Å", "co\u0301pia", "q\u0323\u0307 q\u0307\u0323", "ञ़ क़", "\u1100\u1161\u11a8")
TYPED = (
    "a dog", "A DOG", "", " ", "!", "a photo of a {}.", "it's don't we'll I'D you've she'd they're I'm 'tis o'clock rock'n'roll",
    "“curly” ‘quotes’ don’t it’s l’été «guillemets» „low“ ‚low‘", "3 women in 2015, 1,000.50 € ½ ² ⅷ ④ ٣ ३", "e-mail me@example.org http://example.org/a?b=c&d=e",
    "100% \"quoted\" (brackets) [x] {y} <z> a/b a\\b a_b a__b ~ ^ ` | # $ & * + = ; : ? @", "...!!!???---___", "a\u00adsoft hyphen zero\u200bwidth no\u2060break",
    "<|endoftext|>", "a <|endoftext|> b", "<|startoftext|>", "x<|startoftext|>y<|endoftext|>z", "<|ENDOFTEXT|>", "<s> </s> <pad> <unk> <mask>", "a</w> b</w>", "Ġa Ċ ▁b",
    "WWWWWWWW", "hello world", "Hello World!!!", "小狗在沙滩上跑", "犬が海辺を走る。ひらがな カタカナ", "강아지가 해변을 달린다", "собака бежит по пляжу",
    "كلب يركض على الشاطئ", "כלב רץ על החוף", "สุนัขวิ่งบนชายหาด", "कुत्ता समुद्र तट पर दौड़ता है", "σκύλος στην παραλία ΣΣ Σ. ΑΣ'Σ", "con chó chạy trên bãi biển",
    "🐦", "a 🐶 on a 🏖️", "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ ❤️ 🏴󠁧󠁢󠁷󠁬󠁳󠁿", "😀😁😂🤣😃", "∑∫√≠≤∞ ←↑→↓ ♠♣♥♦ ░▒▓", "ＦＵＬＬ ｗｉｄｔｈ！ ﾊﾝｶｸ ﾜｰﾙﾄﾞ", "𝒮𝒸𝓇𝒾𝓅𝓉 𝔉𝔯𝔞𝔨𝔱𝔲𝔯 🅰🅱",
    "line\nbreak\r\nand\rmore\ttabs\x0b\x0c", "  leading and trailing  ", "\ufeffbyte order mark", "replacement \ufffd object \ufffc", "\x1b[31mred\x1b[0m",
)
LITERAL = re.compile(r"<\|?(start|end)_?of_?text\|?>|</?s>|<(pad|unk|mask)>", re.IGNORECASE)
MISREAD = ("cafÃ©", "â€œhelloâ€\x9d", "donâ€™t", "Ã¼ber", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "l’humanitÃ©", "schÃ¶n")
FORMULAS = ("&checkmark; &Jscr;ohn &HilbertSpace; &NotEqualTilde; &star;", "&hearts; &phone; &female;&male;")


def corpus() -> list[tuple[str, str]]:
    """(kind, text). `misread` and `formulas` are those that Lucida does not clean as ftfy does, `literal`
    those with the name of a special token in them, which every tokenizer takes in its own way."""
    random.seed(20_26)
    captions = CAPTIONS.read_text().splitlines()
    texts = [("caption", caption) for caption in captions]
    texts += [("caption", caption.title() if i % 2 else caption.upper()) for i, caption in enumerate(captions[::7])]
    texts += [("typed", text) for text in TYPED]
    for word in WORDS:
        texts += [("accents", unicodedata.normalize(form, word)) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    texts += [("blanks", f"a{chr(code)}{chr(code)}dog {chr(code)}") for code in BLANKS]
    texts += [("controls", f"a{chr(code)}b {chr(code)} c") for code in [*range(0x20), *range(0x7F, 0xA1), *MARKS]]
    texts += entities() + [("characters", text) for text in characters()] + long_texts()
    pieces = [*TYPED, *WORDS, *captions[:40], "&amp;", "&#39;", " ", "\n", "‘", "<b>", "!!", "…", "—", "0", "ß", "犬", "🐦"]
    texts += [("mixed", "".join(random.choices(pieces, k=random.randint(2, 6)))) for _ in range(300)]
    texts += [("misread", text) for text in MISREAD] + [("formulas", text) for text in FORMULAS]
    return list(dict.fromkeys(("literal" if LITERAL.search(text) else kind, text) for kind, text in texts))


BLANKS = (9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF)
MARKS = (0xAD, 0x61C, 0x200C, 0x200D, 0x200E, 0x202A, 0x206A, 0x206F, 0xFFF9, 0xFFFC, 0xE0020)


def entities() -> list[tuple[str, str]]:
    names = sorted({*html.entities.name2codepoint, "apos"})
    told = [" ".join(f"a&{name};b" for name in names[at : at + 6]) for at in range(0, len(names), 6)]
    bare = sorted(name for name in html.entities.html5 if not name.endswith(";"))
    told += [" ".join(f"x&{name} y&{name}z" for name in bare[at : at + 6]) for at in range(0, len(bare), 6)]
    told += [
        "Tom &amp; Jerry", "Tom &amp;amp; Jerry", "Tom &amp;amp;amp;lt; Jerry", "&lt;b&gt;bold&lt;/b&gt;", "<b>bold &amp; old</b>", "&#39;quoted&#39; &#x27;too&#X27;",
        "&#8220;a dog&#8221; &ldquo;a cat&rdquo;", "&#0; &#1; &#128; &#150; &#159; &#x1F436; &#55296; &#1114112; &#99999999999;", "&nbsp;&nbsp;a&nbsp;b&#160;c",
        "AT&T R&D a & b &", "&notanentity; &not; &notit; &noti", "P&EACUTE;REZ BUNDESSTRA&SZLIG;E &NTILDE;", "&;&#;&#x;&#xg;", "a\n<i>b &eacute;\nc &eacute;", "&eacute;\n<i>",
    ]
    return [("entities", text) for text in told]


def characters() -> list[str]:
    """Every 37th assigned character, six a text: between letters, after a blank, alone."""
    kept = [chr(code) for code in range(0xA1, 0x3134B, 37) if unicodedata.category(chr(code))[0] not in "C"]
    return [" ".join(f"a{c}{c}b {c}" for c in kept[at : at + 6]) for at in range(0, len(kept), 6)]


def long_texts() -> list[tuple[str, str]]:
    told = ["lorem ipsum dolor " * 555, "x" * 10_000, "a dog " * 75, "a dog " * 38 + "cat", "犬" * 10_000, "🐦" * 5_000, "e\u0301" * 5_000,
            "don't " * 60, "&amp; " * 1_600, "supercalifragilistic" * 30, "1234567890" * 30, " " * 10_000]
    return [("long", text) for text in told]
