"""An answer as a person wants to read it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text


def show_answer(answer: Mapping[str, Any], console: Console) -> None:
    """Print the passages of a RetrieveResponse with their sources, or why there are none."""
    for passage in answer["passages"]:
        console.print(_panel(passage))
    if not answer["answerable"]:
        console.print(f"not answerable: {answer['reason']}", style="yellow", markup=False)
    for item in answer["dropped"]:
        name = f"{item['index']}: {item['document_id']}"
        console.print(
            f"dropped   {item['relevance']:.2f}  {name}: {item['reason']}",
            markup=False,
            highlight=False,
        )
    for item in answer["degraded"]:
        console.print(f"degraded  {item['stage']}: {item['reason']}", style="red", markup=False)
    times = ", ".join(f"{name} {ms:.1f} ms" for name, ms in answer["timings_ms"].items())
    console.print(times, style="dim", highlight=False)


def _panel(passage: Mapping[str, Any]) -> Panel:
    document = passage["document"]
    where = " > ".join(dict.fromkeys([document["title"], *passage["heading_path"]]))
    page = f" | page {passage['page']}" if passage["page"] else ""
    source = document["url"] or document["id"]
    return Panel(
        Text(passage["text"]),
        title=Text(f"{passage['rank']}. {passage['index']}: {where}"),
        subtitle=Text(
            f"relevance {passage['relevance']:.2f} | {passage['tokens']} tokens{page} | {source}"
        ),
    )
