"""How many tokens a prompt will have, before the model has counted them."""

import threading
from collections import defaultdict

_FIRST = 3.0  # English has some four characters a token, other languages fewer.
_SMOOTHING = 0.1
_MARGIN = 1.1


class Estimates:
    """Characters a token, learned for each model from what it reports; safe for threads."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = defaultdict(lambda: _FIRST)
        self._lock = threading.Lock()

    def tokens(self, model: str, chars: int) -> int:
        """Rather too many than too few, for so many characters."""
        return int(_MARGIN * chars / self._ratios[model]) + 1

    def learn(self, model: str, chars: int, tokens: int) -> None:
        """A prompt of so many characters had so many tokens."""
        if chars and tokens:
            with self._lock:
                known = self._ratios[model]
                self._ratios[model] = known + _SMOOTHING * (chars / tokens - known)
