"""The published window test that the content test is compared with: a kernel two-sample test of prompt embeddings.

A window's prompts against a benign reference: MMD^2 with a Gaussian kernel whose width is the median distance within the reference
(A. Gretton et al., JMLR 13 (2012)), the unbiased estimate within the window; a window alarms if its MMD^2 exceeds what a small share of
benign windows reach, which are drawn from benign prompts outside the reference (the benign-calibrated detector of arXiv 2606.05725,
in our own code: its embedding model is replaced by the one that a wheel brings, see minilm.py).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Mmd:
    """A reference, and the statistic of windows against it.

    Args:
        reference: embeddings of benign prompts, shape (prompts, dimensions), unit length.
    """

    def __init__(self, reference: Floats) -> None:
        self._reference = reference
        distances = np.maximum(2 - 2 * reference @ reference.T, 0)
        apart = distances[np.triu_indices(len(reference), 1)]
        self._scale = float(np.median(apart))
        kernel = np.exp(-distances / self._scale)
        size = len(reference)
        self._within = float((kernel.sum() - size) / (size * (size - 1)))

    def against(self, points: Floats) -> npt.NDArray[np.float64]:
        """The mean kernel of each point with the reference, shape (points,); `statistic` takes it."""
        parts = [
            np.exp(-np.maximum(2 - 2 * points[i : i + 1024] @ self._reference.T, 0) / self._scale).mean(axis=1)
            for i in range(0, len(points), 1024)
        ]
        return np.concatenate(parts).astype(np.float64)

    def statistic(self, window: Floats, against: npt.NDArray[np.float64]) -> float:
        """MMD^2 of one window."""
        size = len(window)
        kernel = np.exp(-np.maximum(2 - 2 * window @ window.T, 0) / self._scale)
        return float((kernel.sum() - size) / (size * (size - 1)) - 2 * against.mean() + self._within)
