"""How recorded calls and what became of them now are shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from generation.asked import Completion
from generation.commands.output import cost_json, read_and_written, usage_json
from generation.commands.planning import LeftOut, Planned, Record
from generation.messages import Usage
from generation.money.nano import said

Verdict = Literal["same", "changed", "failed"]

_STYLES: dict[Verdict, str] = {"same": "green", "changed": "yellow", "failed": "red"}
_CHARS = 600
"""So much of an answer is shown to people; a program gets all of it."""

_ANSWERED = ("answer", "stop_reason", "target", "attempts", "total_ms")
"""What is only said of a call that has succeeded."""


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A call that was sent again: its completion and the redacted answer, or why it failed. `usage`
    and `cost_nano` are of all attempts, and of those of a failed call too."""

    plan: Planned
    call_id: str
    usage: Usage = field(default_factory=Usage)
    cost_nano: int = 0
    completion: Completion | None = None
    answer: str = ""
    error: str = ""

    @property
    def verdict(self) -> Verdict:
        """How the answer compares with the recorded one."""
        if self.completion is None:
            return "failed"
        recorded = (self.plan.record["answer"] or "").strip()
        return "same" if self.answer.strip() == recorded else "changed"

    @property
    def compares(self) -> bool:
        """Whether it came through both times."""
        return self.completion is not None and self.plan.record["outcome"] == "succeeded"


def replayed_json(one: Replayed) -> dict[str, Any]:
    """A call that was sent again, with what was recorded of it."""
    record, done = one.plan.record, one.completion
    answered: dict[str, Any] = dict.fromkeys(_ANSWERED)
    if done is not None:
        answered = {
            "answer": one.answer,
            "stop_reason": done.stop_reason,
            "target": done.target,
            "attempts": done.attempts,
            "total_ms": round(1000 * done.seconds, 1),
        }
    now = {
        "call_id": one.call_id,
        **answered,
        "usage": usage_json(one.usage),
        "cost": cost_json(one.cost_nano),
    }
    recorded = {
        **{key: record[key] for key in ("answer", "stop_reason", "outcome", "usage", "cost")},
        "target": _target(record),
        "attempts": len(record["attempts"]),
        "total_ms": record["timings"]["total_ms"],
    }
    return {
        **_named_json(one.plan),
        "verdict": one.verdict,
        "recorded": recorded,
        "now": now,
        "error": one.error or None,
    }


def left_out_json(one: LeftOut) -> dict[str, Any]:
    """A call that cannot be sent again."""
    return {"call_id": one.record["call_id"], "why": one.why}


def prompt_json(plan: Planned) -> dict[str, Any]:
    """The prompt of a call that can be sent again."""
    messages = [{"role": message.role, "text": message.text} for message in plan.messages]
    return {**_named_json(plan), "system": plan.system, "messages": messages}


def totals_json(replayed: Sequence[Replayed]) -> dict[str, Any]:
    """Sums over the calls: of verdicts, and of what those that came through both times took and
    cost, recorded and now; what the `others` cost stands apart."""
    verdicts = Counter(one.verdict for one in replayed)
    compared = [one for one in replayed if one.compares]
    recorded_ms = sum(one.plan.record["timings"]["total_ms"] for one in compared)
    now_s = sum(one.completion.seconds for one in compared if one.completion is not None)
    sums = _sums_json(compared)
    return {
        **{name: verdicts[name] for name in _STYLES},
        "compared": sums["calls"],
        "recorded": {**sums["recorded"], "total_ms": round(recorded_ms, 1)},
        "now": {**sums["now"], "total_ms": round(1000 * now_s, 1)},
        "others": _sums_json([one for one in replayed if not one.compares]),
    }


def _sums_json(replayed: Sequence[Replayed]) -> dict[str, Any]:
    records = [one.plan.record for one in replayed]
    return {
        "calls": len(replayed),
        "recorded": {
            "tokens": sum(_tokens(record["usage"]) for record in records),
            "cost": cost_json(sum(record["cost"]["nano"] for record in records)),
        },
        "now": {
            "tokens": sum(_tokens(usage_json(one.usage)) for one in replayed),
            "cost": cost_json(sum(one.cost_nano for one in replayed)),
        },
    }


def show_prompt(plan: Planned, out: Console) -> None:
    """Print a prompt as it would be sent."""
    out.print(_title(plan))
    texts = [("system", plan.system), *((message.role, message.text) for message in plan.messages)]
    for role, text in texts:
        out.print(Text(f"[{role}]", style="dim"))
        out.print(Text(text), soft_wrap=True)
    out.print()


def show_replayed(one: Replayed, out: Console) -> None:
    """Print a call as it was recorded and as it went now, side by side."""
    record, done = one.plan.record, one.completion
    title = Text.assemble(_title(one.plan), "  ", (one.verdict, _STYLES[one.verdict]))
    made = Table(box=None, header_style="dim", pad_edge=False)
    made.add_column("")
    made.add_column("recorded", ratio=1, overflow="fold")
    made.add_column("now", ratio=1, overflow="fold")
    if one.verdict == "same":
        made.add_row("answer", Text(_short(one.answer)), Text("the same", style="dim"))
    else:
        then = record["answer"] or f"none: {record['outcome']}"
        made.add_row("answer", Text(_short(then)), Text(_short(one.answer or one.error)))
    made.add_row(
        "tokens", read_and_written(record["usage"]), read_and_written(usage_json(one.usage))
    )
    made.add_row("cost", said(record["cost"]["nano"]), said(one.cost_nano))
    if done is not None:
        took = record["timings"]["total_ms"] / 1000
        made.add_row("seconds", f"{took:.2f}", f"{done.seconds:.2f}")
        made.add_row("target", _target(record) or "-", done.target)
    out.print(title)
    out.print(made)
    out.print()


def show_left_out(left_out: Sequence[LeftOut], out: Console) -> None:
    """Print which calls were not sent, and why."""
    for one in left_out:
        text = Text(f"not sent  {one.record['call_id']}: {one.why}", style="yellow")
        out.print(text, soft_wrap=True)


def show_totals(replayed: Sequence[Replayed], left_out: Sequence[LeftOut], out: Console) -> None:
    """Print sums over all calls."""
    total = totals_json(replayed)
    counts = ", ".join(f"{total[name]} {name}" for name in _STYLES)
    out.print(f"sent: {len(replayed)} ({counts}); not sent: {len(left_out)}")
    if total["compared"]:
        out.print(f"came through both times: {total['compared']}")
        _show_sums(total, out)
    if total["others"]["calls"]:
        out.print(f"did not, then or now: {total['others']['calls']}")
        _show_sums(total["others"], out)


def _show_sums(total: Mapping[str, Any], out: Console) -> None:
    for when in ("recorded", "now"):
        sums = total[when]
        took = f"  {sums['total_ms'] / 1000:>8.2f} s" if "total_ms" in sums else ""
        cost = said(sums["cost"]["nano"])
        out.print(f"  {when:<9} {sums['tokens']:>10,} tokens  {cost:>12}{took}")


def _target(record: Record) -> str | None:
    answered = [one["target"] for one in record["attempts"] if one["outcome"] == "succeeded"]
    return answered[-1] if answered else None


def _named_json(plan: Planned) -> dict[str, Any]:
    return {
        "call_id": plan.record["call_id"],
        "use_case": plan.use_case,
        "prompt": str(plan.template),
    }


def _title(plan: Planned) -> Text:
    called, prompt = plan.record["call_id"], plan.record["prompt"]
    recorded, template = f"{prompt['id']}@{prompt['version']}", str(plan.template)
    changed = template if recorded == template else f"{recorded} -> {template}"
    return Text.assemble((called, "bold"), f"  {plan.use_case}  {changed}")


def _short(text: str) -> str:
    return text if len(text) <= _CHARS else f"{text[:_CHARS]}..."


def _tokens(usage: dict[str, int]) -> int:
    return sum(usage.values())
