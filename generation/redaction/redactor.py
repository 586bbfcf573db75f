"""Rules by which text is redacted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, StringConstraints
from pydantic.dataclasses import dataclass as checked_dataclass

from generation.errors import ConfigurationError
from generation.redaction.addresses import EMAILS, IPV4, IPV6, URL_CREDENTIALS
from generation.redaction.credentials import AWS_KEYS, SECRETS
from generation.redaction.finding import Finder
from generation.redaction.numbers import CARDS, IBANS, PHONES

BUILT_IN: Mapping[str, tuple[Finder, ...]] = {
    "url_credentials": (URL_CREDENTIALS,),
    "aws_key": AWS_KEYS,
    "secret": SECRETS,
    "email": (EMAILS,),
    "iban": (IBANS,),
    "card": (CARDS,),
    "ipv6": (IPV6,),
    "ipv4": (IPV4,),
    "phone": PHONES,
}
"""What each rule finds, in the order in which they are applied: `ada:pw@host.example` in a URL is
no e-mail address, and the digits of a card are no phone number."""

_PASSES = 5
"""Text beside something that was replaced may only then stand by itself. One pass is what it takes
where nothing is found, two where something is, and hardly ever more."""


@checked_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Rule:
    """A rule of one's own: whatever the regular expression `pattern` matches is replaced by the
    text `replace`, or else by the name in square brackets. How long that takes is up to the
    pattern: repetitions that never give back what they took (`*+`, `++`) keep it short."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    pattern: Annotated[str, StringConstraints(min_length=1)]
    replace: str | None = None

    @property
    def replacement(self) -> str:
        """What stands there afterwards."""
        return f"[{self.name}]" if self.replace is None else self.replace


@dataclass(frozen=True)
class Redactor:
    """Replaces what its rules find: first rules of one's own, in their order, then the built-in
    ones that are named. To redact a text again changes nothing more.

    Raises:
        ConfigurationError: on making one with an unknown name, or a rule that is not valid.
    """

    rules: tuple[str | Rule, ...] = tuple(BUILT_IN)
    _steps: tuple[tuple[Finder, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = [rule for rule in self.rules if isinstance(rule, Rule)]
        names = [rule for rule in self.rules if isinstance(rule, str)]
        for name in names:
            if name not in BUILT_IN:
                raise ConfigurationError(
                    f"redact: there is no rule {name!r}; built in are {', '.join(BUILT_IN)}"
                )
        _check_once([*names, *(rule.name for rule in own)])
        steps = [(_finder(rule), rule.replacement) for rule in own]
        for name, finders in BUILT_IN.items():
            steps += [(finder, f"[{name}]") for finder in finders if name in names]
        object.__setattr__(self, "_steps", tuple(steps))

    def text(self, text: str) -> str:
        """The text without what the rules find."""
        for _ in range(_PASSES):
            before, text = text, self._pass(text)
            if text == before:
                break
        return text

    def value(self, value: Any) -> Any:
        """A JSON value with every string in it redacted; keys and numbers stay as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            items = [self.value(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        return value

    def _pass(self, text: str) -> str:
        hints = {finder.hint for finder, _ in self._steps if finder.hint}
        absent = {hint for hint in hints if not hint.search(text)}
        for finder, replacement in self._steps:
            if finder.hint not in absent:
                text = _replaced(text, finder, replacement)
        return text


def _check_once(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"there are {names.count(name)} redaction rules named {name!r}"
            )


def _finder(rule: Rule) -> Finder:
    name = f"the redaction rule {rule.name!r}"
    try:
        pattern = re.compile(rule.pattern)
    except re.error as exc:
        raise ConfigurationError(
            f"{name}: {rule.pattern!r} is no regular expression: {exc}"
        ) from exc
    if pattern.search(""):
        raise ConfigurationError(f"{name}: {rule.pattern!r} matches where there is nothing")
    if pattern.search(rule.replacement):
        raise ConfigurationError(
            f"{name}: {rule.pattern!r} matches its own replacement {rule.replacement!r}, which "
            "would be redacted again"
        )
    return Finder(pattern)


def _replaced(text: str, finder: Finder, replacement: str) -> str:
    parts, done = [], 0
    for start, end in finder.spans(text):
        parts += [text[done:start], replacement]
        done = end
    return "".join([*parts, text[done:]]) if parts else text
