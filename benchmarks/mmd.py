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


class Mmd:
    """The statistic of windows against references; the kernel's width comes from a sample.

    Args:
        sample: embeddings of benign prompts, shape (prompts, dimensions), unit length.
    """

    def __init__(self, sample: Floats) -> None:
        self._scale = float(np.median(np.maximum(2 - 2 * sample @ sample.T, 0)[np.triu_indices(len(sample), 1)]))

    def _kernel(self, one: Floats, other: Floats) -> Floats:
        return np.asarray(np.exp(-np.maximum(2 - 2 * one @ other.T, 0) / self._scale), np.float32)

    def statistic(self, window: Floats, reference: Floats) -> float:
        """MMD^2 of one window, unbiased."""
        within = 0.0
        for points in (window, reference):
            size = len(points)
            within += (float(self._kernel(points, points).sum()) - size) / (size * (size - 1))
        return within - 2 * float(self._kernel(window, reference).mean())
