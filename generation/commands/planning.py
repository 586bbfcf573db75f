"""Which recorded calls can be sent again, and with what."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.books import dearest_nano
from generation.commands.output import note
from generation.configuration import Configuration
from generation.errors import CommandError, PromptError, RecordsError
from generation.estimate import Estimates
from generation.messages import Message
from generation.money.price_file import load_prices
from generation.prompts.template import Template
from generation.prompts.templates import Templates
from generation.records.reader import read_records
from generation.records.replay import rebuilt

REPLAYED = "replay:"
"""What the request ids of replayed calls begin with: they are not replayed themselves."""

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A recorded call that can be sent again, through a use case of now. `most_nano` is what one
    attempt of it can cost."""

    record: Record
    use_case: str
    template: Template
    system: str
    messages: tuple[Message, ...]
    most_nano: int

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the template is filled with."""
        found: Mapping[str, Any] = self.record["prompt"]["inputs"]
        return found


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A recorded call that cannot be sent again, and why."""

    record: Record
    why: str


class Planner:
    """Plans calls by a configuration."""

    def __init__(
        self, configuration: Configuration, use_case: str | None, template: tuple[str, int] | None
    ) -> None:
        """`use_case` and `template` are in place of the recorded ones.

        Raises:
            ConfigurationError: there is no such use case, or no price. PromptError: no such prompt.
        """
        self._configuration = configuration
        self._templates = Templates.load(configuration.prompts)
        self._prices, self._estimates = load_prices(configuration.prices), Estimates()
        if use_case is not None:
            configuration.use_case(use_case)
        self._use_case = use_case
        self._template = None if template is None else self._templates.get(*template)

    def plan(self, record: Record) -> Planned | LeftOut:
        """How a call can be sent again, or why not.

        Raises:
            ConfigurationError: a target has no price.
        """
        use_case = self._use_case or str(record.get("use_case"))
        if use_case not in self._configuration.use_cases:
            why = f"no use case {use_case!r} is configured; choose one by --use-case"
            return LeftOut(record=record, why=why)
        try:
            template, system, messages = self._prompt(record)
        except (PromptError, RecordsError) as exc:
            return LeftOut(record=record, why=str(exc))
        chars = len(system) + sum(len(message.text) for message in messages)
        return Planned(
            record=record,
            use_case=use_case,
            template=template,
            system=system,
            messages=messages,
            most_nano=dearest_nano(
                self._configuration,
                self._prices,
                self._estimates,
                self._configuration.use_cases[use_case],
                chars,
            ),
        )

    def _prompt(self, record: Record) -> tuple[Template, str, tuple[Message, ...]]:
        if self._template is not None:
            return self._template, *self._template.render(_inputs(record))
        again = rebuilt(record, self._templates)
        if not again.exact:
            raise RecordsError(again.why)
        prompt = record["prompt"]
        template = self._templates.get(prompt["id"], prompt["version"])
        return template, again.system, again.messages


def latest(
    places: Sequence[Path], *, limit: int, id_: str | None, use_case: str | None
) -> list[Record]:
    """The latest calls that are recorded in folders and files, in their order; of one id, a call's
    or that of the request that calls were made for. Calls that were replays are left out.

    Raises:
        CommandError: there is none. RecordsError: a folder or a file cannot be read.
    """
    recorded = (
        record
        for place in places
        for record in read_records(place, use_case=use_case, id_=id_, report=note)
        if not str(record.get("request_id")).startswith(REPLAYED)
    )
    found = heapq.nlargest(limit, recorded, key=lambda record: str(record["time"]))
    if not found:
        where = ", ".join(map(str, places))
        what = f"call {id_!r}" if id_ else "call"
        of = f" of the use case {use_case!r}" if use_case else ""
        raise CommandError(f"no {what}{of} is recorded in {where}")
    return found[::-1]


def _inputs(record: Record) -> Mapping[str, Any]:
    try:
        inputs, redacted = record["prompt"]["inputs"], record["prompt"]["redacted"]
    except (KeyError, TypeError) as exc:
        raise RecordsError(f"this is no record of a call: {exc} is missing in it") from exc
    if redacted:
        raise RecordsError("the inputs are redacted")
    found: Mapping[str, Any] = inputs
    return found
