"""How a re-index shows itself: plain lines in a log, a bar on a terminal."""

import io
import os
import pty
import time
from typing import Any

from indexers.progress import shown


def step(stage: str, documents: int = 0, total: int = 0) -> dict[str, Any]:
    """A job as its view shows it, as far as its progress goes."""
    pace = {"per_second": 2.5, "seconds_left": 1.2} if documents else dict.fromkeys(PACE)
    progress = {"documents": documents, "total": total, **pace}
    return {"stage": stage, "stuck": False, "note": None, "progress": progress}


PACE = ("per_second", "seconds_left")
STEPS = [
    step("listing"),
    step("indexing", 1, 4),
    step("indexing", 2, 4),
    step("verifying", 4, 4),
]


def test_a_log_gets_a_plain_line_a_stage() -> None:
    stream = io.StringIO()
    with shown("faqs", stream) as on_progress:
        for step in STEPS:
            on_progress(step)
            time.sleep(0.01)
    listing, indexing, verifying = stream.getvalue().splitlines()
    assert listing == "faqs: listing"
    assert indexing.startswith("faqs: indexing 1/4 documents")
    assert "documents/s" in indexing
    assert indexing.endswith("s left")
    assert verifying.startswith("faqs: verifying 4/4 documents")
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_bar_that_cleans_up_after_itself() -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal, shown("faqs", terminal) as on_progress:
        for step in STEPS:
            on_progress(step)
            time.sleep(0.15)
    drawn = os.read(leader, 100_000).decode()
    os.close(leader)
    assert "faqs" in drawn
    assert "2/4" in drawn
    assert "documents/s" in drawn
    assert "\x1b" in drawn
