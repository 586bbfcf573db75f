"""scripts/demo.py, as `make demo` runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from indexers.store.edge import EdgeStore
from tests.acceptance.commands import ROOT, Done, environment, run


def demo(data_dir: Path, **variables: str) -> Done:
    """Run the demo to its end, with more variables in its environment."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py"), "--data-dir", str(data_dir)],
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def test_it_shows_an_article_a_faq_and_a_refusal(tmp_path: Path) -> None:
    # Somebody's server, which has nothing to do with the samples; nobody listens there.
    done = demo(tmp_path, QDRANT_URL="http://127.0.0.1:9", QDRANT_API_KEY="x")
    assert done.code == 0, done.err
    _, article, faq, refusal = re.split(r"─ \d\. POST /retrieve ─", done.out)
    assert re.search(
        r"^\? how do I pause my plan\?\n.* 1\. articles: Pause your plan", article, re.M
    )
    assert "Choose the number of months" in article
    assert re.search(r"^\? your checkout rejects my voucher .*\n.* 1\. faqs: ", faq, re.M)
    assert re.search(r"^\? who won .*\nnot answerable: nothing here answers this", refusal, re.M)
    assert (tmp_path / "store" / "aliases.json").exists()


def test_a_folder_in_use_ends_it_with_the_words_and_the_code_of_the_command(tmp_path: Path) -> None:
    places = ("--catalog", "samples/catalog.yaml", "--data-dir", str(tmp_path))
    store = EdgeStore(tmp_path / "store")
    done = demo(tmp_path)
    reindex = run(ROOT, "indexers", "reindex", *places)
    store.close()
    assert f"in use by process {os.getpid()}" in reindex.err
    assert (done.code, done.err) == (reindex.code, reindex.err)
    assert "Start the API" not in done.out
