"""What must hold whatever is trained: nothing leaks, and the small formulas are right.

    python -m unittest generate.tests"""

import json
import unittest
from types import SimpleNamespace

import numpy as np
import torch

from clip.datasets import PictureSet

from .codec import Encoder, PatchDecoder, fit, to_pixels, to_tensor
from .decoder import mixed
from .decoder_model import Decoder
from .flow import dpmpp2m, times
from .golden import PROMPT, draw
from .metrics import frechet, hits, kernel, nearest, slerp
from .package import clip_recipe, digest
from .pictures import texts_of
from .pipeline import Pipeline, noise_of
from .prior import Prior
from .settings import EMBEDDING, GRID, LATENT, MODEL_NAME, PATCH, RECIPES, REPOSITORY, SETS

SMOKE = RECIPES["smoke"]


class Splits(unittest.TestCase):
    def test_rows_stay_with_their_texts_and_their_splits(self):
        sets = [PictureSet(name, SMOKE) for name in SETS]
        texts, ids = texts_of(sets)
        training = np.concatenate([one.is_training for one in sets])
        validation = np.concatenate([one.is_validation & ~one.is_held_out for one in sets])
        self.assertEqual(len(ids), len(training))
        self.assertFalse((training & validation).any())
        self.assertNotIn("tulip", {texts[i] for i in ids[training][:, 0] if i >= 0})
        captions = sets[0].rows[3]["captions"]
        self.assertEqual([texts[i] for i in ids[3]], captions)


class Codec(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(0)
        coarse = random.integers(40, 216, (8, GRID, GRID, 3)).astype(np.uint8)
        self.pixels = coarse.repeat(PATCH, axis=1).repeat(PATCH, axis=2)
        self.basis = fit(SimpleNamespace(pixels=self.pixels, training=np.arange(8)))

    def test_flat_patches_come_back_as_they_were(self):
        z = Encoder(self.basis)(to_tensor(self.pixels))
        self.assertEqual(z.shape, (8, *LATENT))
        shown = to_pixels(PatchDecoder(self.basis)(z).detach())
        self.assertLessEqual(np.abs(shown.astype(int) - self.pixels).max(), 1)

    def test_the_mean_variance_of_latents_is_one(self):
        z = Encoder(self.basis)(to_tensor(self.pixels)).detach().numpy()
        self.assertAlmostEqual(float((z**2).mean((0, 2, 3)).mean()), 1, delta=0.05)


class Networks(unittest.TestCase):
    def test_without_an_embedding_it_does_not_matter(self):
        torch.manual_seed(0)
        x, t, a = torch.randn(2, *LATENT), torch.full((2,), 0.4), torch.tensor([0.0, 0.5])
        network = stirred(Decoder(16))
        one, two = (network(x, t, torch.randn(2, EMBEDDING), a, torch.zeros(2)) for _ in range(2))
        other = network(x, t, torch.randn(2, EMBEDDING), a, torch.ones(2))
        self.assertTrue(torch.equal(one, two))
        self.assertGreater((one - other).abs().max(), 1e-3)
        prior = stirred(Prior(64))
        y = torch.randn(2, EMBEDDING)
        one, two = (prior(y, t, torch.randn(2, EMBEDDING), torch.zeros(2)) for _ in range(2))
        self.assertTrue(torch.equal(one, two))

    def test_noise_mixed_into_an_embedding_keeps_its_variance(self):
        random = np.random.default_rng(0)
        emb, noise = (random.standard_normal((500, EMBEDDING)) for _ in range(2))
        self.assertAlmostEqual(mixed(emb, np.full(500, 0.6), noise).var(), 1, delta=0.02)


def stirred(network: torch.nn.Module) -> torch.nn.Module:
    """With no weight at nought, where training begins for some."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return network.eval()


class Shipped(unittest.TestCase):
    folder = RECIPES["full"].model_folder

    def test_files_are_those_of_pipeline_json(self):
        spec = json.loads((self.folder / "pipeline.json").read_text())
        self.assertEqual({name: digest(self.folder / name) for name in spec["files"]}, spec["files"])
        self.assertEqual(spec["embedding"]["recipe"], clip_recipe())

    def test_the_prompt_comes_to_its_golden_numbers(self):
        golden = json.loads((REPOSITORY / "test" / "golden" / f"{MODEL_NAME}.json").read_text())
        self.assertEqual(golden["prompt"], PROMPT)
        drawn = draw(Pipeline(self.folder))
        self.assertTrue(np.allclose(drawn["embedding"], golden["embedding"], atol=1e-4))
        self.assertTrue(np.allclose(drawn["pixels"]["means"], golden["pixels"]["means"], atol=0.5))

    def test_hashes_of_training_pictures_are_sorted_and_each_there_once(self):
        hashes = np.fromfile(self.folder / "training-hashes.bin", "<u8")
        self.assertGreater(len(hashes), 35_000)
        self.assertTrue((hashes[1:] > hashes[:-1]).all())


class Formulas(unittest.TestCase):
    def test_the_walk_ends_where_the_data_are(self):
        """Data N(0, s^2): what x at time t says about x_0 is known, and so is the end, s times the start."""
        s = 0.5
        x = np.linspace(-2, 2, 9).astype(np.float32)
        def denoise(x, t):
            return (1 - t) * s**2 / ((1 - t) ** 2 * s**2 + t**2) * x
        errors = [np.abs(dpmpp2m(denoise, x, times(steps)) - s * x).max() for steps in (8, 16, 32)]
        self.assertLess(errors[2], errors[1])
        self.assertLess(errors[1], errors[0])
        self.assertLess(errors[2], 0.01)

    def test_a_seed_gives_torchs_numbers_in_the_order_of_drawing(self):
        prior, start = noise_of(3, 2)
        generator = torch.Generator().manual_seed(3)
        both = torch.randn(2 * EMBEDDING, generator=generator), torch.randn(int(np.prod(LATENT)), generator=generator)
        self.assertTrue((prior.reshape(-1) == both[0].numpy()).all() and (start.reshape(-1) == both[1].numpy()).all())

    def test_distances_of_a_heap_to_itself_and_to_a_moved_one(self):
        random = np.random.default_rng(0)
        a, b = random.standard_normal((2, 2000, 8)).astype(np.float32)
        self.assertAlmostEqual(frechet(a, a), 0, places=6)
        self.assertAlmostEqual(frechet(a, a + 2), 8 * 4, places=3)
        self.assertLess(abs(kernel(a, b, random)[0]), 15)
        self.assertGreater(kernel(a, b + 2, random)[0], 1000)

    def test_a_copy_is_flagged_and_another_picture_is_not(self):
        random = np.random.default_rng(0)
        known = random.random((200, 48)).astype(np.float32)
        queries = np.stack([known[5] + 0.001, random.random(48).astype(np.float32)])
        index, _, relative = nearest(queries, known)
        self.assertEqual(index[0], 5)
        self.assertLess(relative[0], 1)
        self.assertGreater(relative[1], 1)

    def test_hits_count_the_own_picture_among_the_nearest(self):
        images = np.eye(8, dtype=np.float32)
        texts = images.copy()
        texts[0] = 0.9 * images[1] + 0.8 * images[0]
        self.assertEqual(hits(images, texts)[0].tolist(), [False, True])
        self.assertTrue(hits(images, texts)[1:].all())

    def test_slerp_keeps_to_the_sphere_and_to_its_ends(self):
        a, b = np.eye(4, dtype=np.float32)[:1], np.eye(4, dtype=np.float32)[1:2]
        self.assertTrue(np.allclose(slerp(a, b, 0.5), (a + b) / np.sqrt(2), atol=1e-6))
        self.assertTrue(np.allclose(slerp(a, b, 0), a) and np.allclose(slerp(a, b, 1), b, atol=1e-6))
        self.assertTrue(np.allclose(slerp(a, a, 0.3), a))


if __name__ == "__main__":
    unittest.main()
