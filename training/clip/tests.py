"""What must hold whatever is trained: nothing leaks, and the small formulas are right.

    python -m unittest clip.tests"""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, load, numpy_helper, save

from .datasets import PictureSet, held_out_classes, training_sets
from .image_batches import ImageBatches
from .image_tower_model import ImageTower
from .joint_batches import drop_words, labelled_rows
from .losses import multi_positive
from .quantise import quantise, store_weights_as_int8
from .settings import RECIPES
from .texts import caption_groups, held_out_names, imagenet_names, plain, validation_captions

SMOKE = RECIPES["smoke"]


class Splits(unittest.TestCase):
    def test_validation_rows_and_held_out_classes_are_never_drawn(self):
        sets = training_sets(SMOKE)
        batches = ImageBatches(sets, 64, 16, 0.5, seed=3)
        allowed = np.concatenate([one.is_training for one in sets])
        drawn = np.concatenate([batches.batch(number)[0] for number in range(8)])
        self.assertTrue(allowed[drawn].all())
        self.assertFalse(np.concatenate([one.is_validation for one in sets])[allowed].any())

    def test_held_out_classes_are_the_ten_the_twenty_and_the_tulip(self):
        counts = [len(held_out_classes(name)) for name in ("caltech101-train", "tiny-imagenet", "flowers-train", "grocery")]
        self.assertEqual(counts, [10, 20, 1, 0])

    def test_no_name_of_a_held_out_class_goes_with_a_picture(self):
        sets = training_sets(RECIPES["full"])
        offsets = np.cumsum([0] + [len(one) for one in sets[:-1]])
        paired = {name for classes in labelled_rows(sets, offsets) for _, _, names in classes for name in names}
        pseudo = {name for names in imagenet_names() for name in names}
        self.assertIn("banana", held_out_names())
        self.assertEqual((paired | pseudo) & held_out_names(), set())

    def test_captions_of_validation_pictures_are_left_out_of_the_texts(self):
        flickr8k = PictureSet("flickr8k-train", RECIPES["full"])
        hidden = validation_captions(flickr8k)
        texts = {plain(text) for group in caption_groups(None, hidden) for text in group}
        self.assertEqual({plain(text) for text in hidden} & texts, set())
        self.assertGreater(len(texts), 100_000)


class Formulas(unittest.TestCase):
    def test_a_batch_depends_on_its_number_alone(self):
        sets = training_sets(SMOKE)
        rows, pixels = ImageBatches(sets, 8, 32, 0.5, seed=1).batch(5)
        again, same = ImageBatches(sets, 8, 32, 0.5, seed=1).batch(5)
        self.assertTrue((rows == again).all() and torch.equal(pixels, same))

    def test_one_right_answer_a_row_makes_the_loss_cross_entropy(self):
        logits = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
        expected = F.cross_entropy(logits, torch.arange(6))
        self.assertAlmostEqual(multi_positive(logits, torch.eye(6).bool()).item(), expected.item(), places=5)

    def test_two_right_answers_are_best_shared_alike(self):
        right = torch.tensor([[True, True, False]])
        shared = multi_positive(torch.tensor([[5.0, 5.0, -5.0]]), right)
        one_sided = multi_positive(torch.tensor([[10.0, 0.0, -5.0]]), right)
        self.assertLess(shared.item(), one_sided.item())

    def test_dropping_words_keeps_order_and_special_tokens(self):
        ids = np.array([[1, 5, 6, 7, 8, 2, 0, 0]] * 200)
        dropped = drop_words(ids, np.random.default_rng(0), share=0.5)
        self.assertEqual(dropped.shape, ids.shape)
        self.assertLess((dropped > 2).sum(), 0.6 * (ids > 2).sum())
        for row in dropped:
            words = row[row > 2]
            self.assertEqual((row[0], row[len(words) + 1]), (1, 2))
            self.assertTrue((np.diff(words) > 0).all() and not row[len(words) + 2 :].any())

    def test_int8_is_within_a_percent_of_the_weights(self):
        weight = np.random.default_rng(0).standard_normal((32, 16, 3, 3)).astype(np.float32)
        values, scales = quantise(weight, axis=0)
        error = values * scales[:, None, None, None] - weight
        self.assertLess(np.linalg.norm(error) / np.linalg.norm(weight), 0.01)

    def test_int8_of_a_weight_that_two_operators_share(self):
        # The exporter writes equal weights once and passes them on ahead of the first use.
        weight = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
        shape = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 64]) for name in ("x", "y")]
        graph = helper.make_graph([
            helper.make_node("Identity", ["weight"], ["same"]),
            helper.make_node("MatMul", ["x", "weight"], ["middle"]),
            helper.make_node("MatMul", ["middle", "same"], ["y"]),
        ], "shared", shape[:1], shape[1:], [numpy_helper.from_array(weight, "weight")])
        with TemporaryDirectory() as folder:
            source, target = Path(folder, "exact.onnx"), Path(folder, "stored.onnx")
            save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), str(source))
            store_weights_as_int8(source, target)
            stored = load(str(target))
        self.assertIn("weight_int8", [one.name for one in stored.graph.initializer])

    def test_a_picture_lies_in_the_direction_of_the_mean_of_its_cells(self):
        tower = ImageTower().eval()
        with torch.no_grad():
            embeddings, cells = tower(torch.randn(2, 3, 80, 80))
        self.assertEqual(cells.shape, (2, 25, 256))
        self.assertTrue(torch.allclose(embeddings, F.normalize(cells.mean(1), dim=1), atol=1e-5))


if __name__ == "__main__":
    unittest.main()
