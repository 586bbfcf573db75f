"""One version of a prompt."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from generation.errors import PromptError
from generation.messages import Message
from generation.prompts.inputs import TYPES, VALID, Guard, InputType, filled, wrong

_ID = re.compile(r"[a-z][a-z0-9_-]*")

_UNFILLABLE = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template's expressions may raise."""

_PASSAGES = [{"id": "a", "title": "A title", "url": "https://a.example", "text": "A text."}] * 2
_TURNS = [{"role": "user", "text": "A question."}, {"role": "assistant", "text": "An answer."}]
_SPECIMENS: tuple[Mapping[InputType, Any], ...] = (
    {"text": "A text.", "passages": _PASSAGES, "conversation": _TURNS},
    {"text": "A text.", "passages": [], "conversation": []},
)


def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True
    )
    # The same inputs are to give the same prompt.
    del made.globals["lipsum"], made.filters["random"]
    return made


_JINJA = _environment()


@dataclass(frozen=True, kw_only=True)
class Template:
    """A prompt to be filled in: a system text and a user's message, in Jinja2, and the inputs that
    they take, each with its type (see `inputs.VALID`).

    Text of the inputs is data: it cannot close or open the tags by which the template delimits it
    (see `inputs.Guard`).

    Raises:
        PromptError: on making one that is not valid, or that some valid inputs cannot fill.
    """

    id: str
    version: int
    system: str
    user: str
    inputs: Mapping[str, InputType]

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or self.version < 1:
            raise PromptError(
                f"{self}: an id has small letters, digits, - and _ and begins with a letter; a "
                "version is a number from 1"
            )
        for name, kind in self.inputs.items():
            if kind not in TYPES:
                raise PromptError(
                    f"{self}: the input {name!r} has the type {kind!r}; valid types: "
                    f"{', '.join(TYPES)}"
                )
        self._check_names()
        for specimen in _SPECIMENS:
            self._filled({name: specimen[kind] for name, kind in self.inputs.items()})

    def __str__(self) -> str:
        return f"{self.id}@{self.version}"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content, in hex: of its texts and inputs as canonical JSON, so that
        comments and the layout of a file do not count."""
        content = {"system": self.system, "user": self.user, "inputs": dict(self.inputs)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def render(self, inputs: Mapping[str, Any]) -> tuple[str, tuple[Message, ...]]:
        """The system's text, and the messages: here one of the user's. White space around them is
        removed.

        Raises:
            PromptError: an input is missing, unknown or of a wrong type, or the message is empty.
        """
        for name, kind in self.inputs.items():
            if name not in inputs:
                raise PromptError(f"{self}: the input {name!r} is missing; {self._takes()}")
            if said := wrong(kind, inputs[name]):
                raise PromptError(
                    f"{self}: the input {name!r} is not valid: {said}; valid is {VALID[kind]}"
                )
        if unknown := sorted(inputs.keys() - self.inputs.keys()):
            raise PromptError(f"{self}: there is no input {unknown[0]!r}; {self._takes()}")
        system, user = self._filled(inputs)
        if not user:
            raise PromptError(f"{self}: these inputs make an empty message, which no model takes")
        return system, (Message(role="user", text=user),)

    @cached_property
    def _sources(self) -> tuple[jinja2.Template, jinja2.Template]:
        with self._translated():
            return _JINJA.from_string(self.system), _JINJA.from_string(self.user)

    @cached_property
    def _guard(self) -> Guard:
        return Guard(self.system + self.user)

    def _filled(self, inputs: Mapping[str, Any]) -> tuple[str, str]:
        values = {name: filled(value, self._guard) for name, value in inputs.items()}
        with self._translated():
            system, user = (source.render(values).strip() for source in self._sources)
        return system, user

    def _check_names(self) -> None:
        with self._translated():
            used = meta.find_undeclared_variables(_JINJA.parse(self.system))
            used |= meta.find_undeclared_variables(_JINJA.parse(self.user))
        if unknown := sorted(used - self.inputs.keys() - _JINJA.globals.keys()):
            raise PromptError(f"{self}: it uses {unknown[0]!r}; {self._takes()}")
        if unused := sorted(self.inputs.keys() - used):
            raise PromptError(f"{self}: it declares the input {unused[0]!r} and does not use it")

    def _takes(self) -> str:
        names = ", ".join(f"{name} ({kind})" for name, kind in self.inputs.items())
        return f"its inputs: {names or 'none'}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except jinja2.TemplateSyntaxError as exc:
            raise PromptError(f"{self}: line {exc.lineno}: {exc.message}") from exc
        except jinja2.UndefinedError as exc:
            raise PromptError(f"{self}: {exc.message}; {self._takes()}") from exc
        except _UNFILLABLE as exc:
            raise PromptError(f"{self}: it cannot be filled in: {exc}; {self._takes()}") from exc
