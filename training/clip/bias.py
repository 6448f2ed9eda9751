"""The section of the model card about bias, from what `npm run bench -- debias write` has measured."""

import json
from pathlib import Path

MEASURED = Path(__file__).parent / "bias.json"


def bias_section(path: Path) -> str:
    if not path.exists():
        return "Not audited."
    measured = json.loads(path.read_text())
    report = measured["report"]
    return "\n\n".join((
        f"`lucida audit` on {measured['dataset']} ({report['pictures']:,} pictures), the first {report['k']} for each of "
        f"{len(report['sensitivity']['queries'])} queries that ask for nobody in particular, compared with the whole collection. What the "
        "measures are, where they come from and what they cannot show: [docs/bias.md](../../docs/bias.md). In brackets: 95 % intervals.",
        compositions(report),
        "Who is shown was told by the model itself (by prompts) and, as \"your labels\", by the words of the captions. The model's own view is "
        "weak: " + contradictions(report),
        associations(report),
        called(report),
        f"Wording: paraphrases of one query share {percent(report['sensitivity']['overlap'])} of their first {report['k']} pictures.",
        mitigation(measured["mitigation"], report["k"]),
    ))


def compositions(report: dict) -> str:
    lines = ["| attribute | pictures | of them | MaxSkew | p | NDKL | p |", "|---|---|---|---|---|---|---|"]
    for one in report["compositions"]:
        if one["skipped"] is not None:
            continue
        shares = ", ".join(f"{value['name']} {percent(value['share'])}" for value in one["values"])
        cells = [one["title"], f"{one['pictures']:,}", shares]
        for measure in ("maxSkew", "ndkl"):
            cells += [estimate(one[measure]["mean"], one[measure]["interval"]), p_text(one[measure]["p"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def contradictions(report: dict) -> str:
    for one in report["misclassification"]:
        if one["name"].endswith("contradicts the label"):
            groups = ", ".join(f"{percent(group['rate'])} of {group['pictures']} ({group['group']})" for group in one["groups"])
            return f"it contradicts the captions for {groups}."
    return "how weak was not measured."


def associations(report: dict) -> str:
    lines = ["| association test | effect | adjusted p |", "|---|---|---|"]
    for one in report["associations"]:
        p = p_text(one["adjustedP"])
        lines.append(f"| {one['title']}{' (control)' if one['control'] else ''} | {estimate(one['effect'], one['interval'])} | {p} |")
    unfound = [one for one in report["associations"] if one["control"] and not (one["effect"] > 0 and one["adjustedP"] <= 0.05)]
    note = (
        "\n\nThe controls, which any sound model passes, were not all found: this model knows such words too little, and that the other tests "
        "find nothing is no comfort." if unfound else ""
    )
    return "\n".join(lines) + note


def called(report: dict) -> str:
    lines = []
    for one in report["misclassification"]:
        if one["name"].startswith("called"):
            groups = ", ".join(f"{percent(group['rate'])} ({group['group']})" for group in one["groups"])
            lines.append(f"{one['name']}: {groups}")
    return "Zero-shot, pictures of people are " + "; ".join(lines) + "." if lines else ""


def mitigation(ways: list[dict], k: int) -> str:
    lines = [
        f"What `--debias gender` and `--balance gender` do, against equal shares among the first {k}, and what they cost over 5,000 captions:",
        "",
        "| | MaxSkew by prompts | MaxSkew by captions | R@10 | R@10, captions that name neither |", "|---|---|---|---|---|",
    ]
    for way in ways[:5]:
        cells = [way["name"], f"{way['byPrompts']['maxSkew']:.2f}", f"{way['byCaptions']['maxSkew']:.2f}"]
        cells += [percent(way[kind]["R@10"]) for kind in ("recall", "recallUnnamed")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def estimate(value: float, interval: list[float]) -> str:
    return f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"
