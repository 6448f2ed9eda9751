"""The text side of the joint space: the text tower (a transformer, Vaswani et al. 2017), and the
head that places the teacher's view of a picture."""

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from .settings import CONTEXT, DIMENSION
from .texts import glove

WIDTH, HEADS, LAYERS = 256, 4, 2


class Layer(nn.Module):
    """Self-attention and a small network, each normalised before and added after."""

    def __init__(self):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.widen, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        n, length, _ = x.shape
        split = self.query_key_value(self.attention_norm(x)).view(n, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=keep[:, None, None, :])
        x = x + self.out(mixed.transpose(1, 2).reshape(n, length, WIDTH))
        return x + self.narrow(F.gelu(self.widen(self.mlp_norm(x))))


class TextTower(nn.Module):
    """Ids [n, length], 0 on the right -> embeddings [n, d] of unit length: the mean over tokens."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Parameter(torch.randn(CONTEXT, WIDTH) * 0.02)
        nn.init.normal_(self.tokens.weight, std=0.05)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.project = nn.Linear(WIDTH, DIMENSION, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        keep = ids != 0
        x = self.tokens(ids) + self.positions[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, keep)
        share = keep.unsqueeze(-1).float()
        mean = (self.norm(x).float() * share).sum(1) / share.sum(1)
        return F.normalize(self.project(mean).float(), dim=-1)

    @torch.no_grad()
    def start_from_glove(self, tokenizer: Tokenizer) -> int:
        """Tokens that are whole words begin at their GloVe vector, turned into our width."""
        turn = nn.init.orthogonal_(torch.empty(WIDTH, 50), generator=torch.Generator().manual_seed(0))
        vectors, found = glove(), 0
        for token, index in tokenizer.get_vocab().items():
            vector = vectors.get(token.removesuffix("</w>")) if token.endswith("</w>") else None
            if vector is not None:
                self.tokens.weight[index] = turn @ torch.from_numpy(vector / np.linalg.norm(vector)) * 0.8
                found += 1
        return found


class TeacherHead(nn.Module):
    """The teacher's feature and likeliest classes -> a place in the joint space. It exists to teach
    the image tower, and is not shipped."""

    def __init__(self, features: int = 256, classes: int = 1001, hidden: int = 1024):
        super().__init__()
        self.classes = nn.EmbeddingBag(classes, 128, mode="sum")
        self.norm = nn.LayerNorm(features)
        self.noise = nn.Dropout(0.2)
        self.hidden = nn.Linear(features + 128, hidden)
        self.dropout = nn.Dropout(0.3)
        self.project = nn.Linear(hidden, DIMENSION)

    def forward(self, features: Tensor, top5: Tensor, prob5: Tensor) -> Tensor:
        seen = torch.cat([self.norm(features), self.classes(top5, per_sample_weights=prob5)], 1)
        hidden = self.dropout(F.gelu(self.hidden(self.noise(seen))))
        return F.normalize(self.project(hidden).float(), dim=-1)
