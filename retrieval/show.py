"""Passages and answers as a person wants to read them."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from generation.commands.output import read_and_written


def show_passages(found: Mapping[str, Any], console: Console) -> None:
    """Print the passages of a RetrieveResponse with their sources, or why there are none."""
    for passage in found["passages"]:
        console.print(_panel(passage))
    _not_answerable(found, console)
    for item in found["dropped"]:
        name = f"{item['index']}: {item['document_id']}"
        console.print(
            f"dropped   {item['relevance']:.2f}  {name}: {item['reason']}",
            markup=False,
            highlight=False,
        )
    _degraded_and_times(found, console)


def show_answer(found: Mapping[str, Any], console: Console) -> None:
    """Print the answer of an AnswerResponse and what it cites, or why there is none."""
    if found["answerable"]:
        console.print(Text(found["answer"]), end="\n\n")
    _not_answerable(found, console)
    for one in found["citations"]:
        page = f", page {one['page']}" if one["page"] else ""
        where = f"{one['title']}{page}  {one['url'] or one['document_id']}"
        console.print(f"[{one['number']}] {where}", markup=False, highlight=False)
    for sentence in found["sentences"]:
        if sentence["supported"] is False:
            said = f"not supported by what it cites: {sentence['text']}"
            console.print(said, style="yellow", markup=False)
    _degraded_and_times(found, console)
    if usage := found["usage"]:
        console.print(
            f"{usage['target']}, {read_and_written(usage)} tokens, {usage['cost_usd']:.6f} USD",
            style="dim",
            highlight=False,
        )


def _not_answerable(found: Mapping[str, Any], console: Console) -> None:
    if not found["answerable"]:
        console.print(f"not answerable: {found['reason']}", style="yellow", markup=False)


def _degraded_and_times(found: Mapping[str, Any], console: Console) -> None:
    for item in found["degraded"]:
        console.print(f"degraded  {item['stage']}: {item['reason']}", style="red", markup=False)
    times = ", ".join(f"{name} {ms:.1f} ms" for name, ms in found["timings_ms"].items())
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
