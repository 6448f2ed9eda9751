"""Best and worst searches of the new model on validation rows of Flickr8k, as one HTML page in the
training cache. It shows other people's photographs: it is never committed.

    python -m clip.gallery"""

import argparse
import base64
import html
import io

import numpy as np

from .datasets import PictureSet
from .evaluate import read_pictures
from .models import ShippedModel
from .settings import RECIPES

SHOWN = 40


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipe", choices=RECIPES, default="full")
    recipe = RECIPES[arguments.parse_args().recipe]
    one = PictureSet("flickr8k-train", recipe)
    rows = np.flatnonzero(one.is_validation)
    pictures = read_pictures(one, rows)
    captions = [text for row in rows for text in one.rows[row]["captions"]]
    owners = np.repeat(np.arange(len(rows)), 5)
    model = ShippedModel(recipe.model_folder)
    scores = model.embed_texts(captions) @ model.embed_pictures(pictures).T
    ranks = (scores > scores[np.arange(len(captions)), owners][:, None]).sum(1)
    order = np.argsort(ranks, kind="stable")
    sources = [as_url(picture) for picture in pictures]
    page = ["<!doctype html><meta charset=utf-8><title>Searches</title>"]
    for title, chosen in (("Worst", order[::-1][:SHOWN]), ("Best", order[:SHOWN])):
        page.append(f"<h1>{title}</h1>")
        for i in chosen:
            first = np.argsort(-scores[i])[:6]
            page.append(f"<p>{html.escape(captions[i])} (rank {ranks[i] + 1} of {len(rows)}; its own picture first)<br>")
            page += [f"<img src={sources[at]}>" for at in (owners[i], *first)]
    path = recipe.folder / "gallery.html"
    path.write_text("\n".join(page))
    worst = ", ".join(f"{(ranks < k).mean():.3f} within {k}" for k in (1, 5, 10, 50))
    print(f"{path}: of {len(captions)} captions {worst}")


def as_url(picture) -> str:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


if __name__ == "__main__":
    main()
