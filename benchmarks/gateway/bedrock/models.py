"""Models that behave as their ids say.

A model's id is `fake.` and options with `-` or `.` between them, and may end with a version, which
only tells one model from another: `fake.ttft20-itl2-len80-v1:0`. An option that is left out has its
default.

    ttft20      milliseconds to the first token (0)
    itl2        milliseconds between tokens (0)
    len80       tokens of the whole answer (20)
    max4096     the most tokens of output, reserved by a request without `maxTokens` (8192)
    cache200    tokens of the input that are read from the prompt cache (0)
    write100    tokens of the input that are written to the prompt cache (0)
    scripted    the answer is what the last user message says after a line `ANSWER:`, up to a line
                `END ANSWER` or its end; without that line, words as otherwise
    noprefill   the model does not go on with an answer that was begun for it

The id may stand in an inference profile (`us.fake.len80-v1:0`) and in ARNs of those and of
foundation models. ARNs of a provisioned throughput and of an application's inference profile end
with 12 letters and digits, in which an option is its first letter, and an x ends them:
`arn:aws:bedrock:us-east-1:123456789012:provisioned-model/t20i2l80xxxx`.

The text is always the words `w0 w1 w2 ...`, one a token, `len` of them: none can be lost or come
twice without being noticed. Where the last message is the assistant's, the answer goes on after as
many words as that has; a scripted answer after that text, where it begins so.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.gateway.bedrock.refusals import RefusedError, invalid

_DEFAULTS = {"ttft": 0, "itl": 0, "len": 20, "max": 8192, "cache": 0, "write": 0}
_FLAGS = ("scripted", "noprefill")
_NAMES = (*_DEFAULTS, *_FLAGS)
_ALIASES = {name[0]: name for name in _NAMES}

_WORDED = re.compile(r"(?:^|[./])fake\.(.*?)(?:[.-]v\d+)?(?::\d+)?$")
_LETTERED = re.compile(r":(?:provisioned-model|application-inference-profile)/([a-z0-9]{12})$")
_OPTION = re.compile(r"([a-z]+)(\d*)")
_LETTER = re.compile(r"([a-z]|^)(\d*)")
_ARN = re.compile(r"arn:aws(?:-[^:]+)?:bedrock:([a-z0-9-]{1,20}):")

_SCRIPT = re.compile(r"^ANSWER:[ \t]*\n(.*?)(?=^END ANSWER[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"\s*\S+|\s+")

_MOST_WORDS = 65_536
_WORDS = ("w0", *(f" w{number}" for number in range(1, _MOST_WORDS)))


@dataclass(frozen=True, kw_only=True)
class Model:
    """How a model behaves; see the options above."""

    ttft_ms: int
    itl_ms: int
    length: int
    max_tokens: int
    cache_read: int
    cache_write: int
    scripted: bool
    prefill: bool

    @property
    def ttft_s(self) -> float:
        """Seconds to the first token."""
        return self.ttft_ms / 1000

    @property
    def itl_s(self) -> float:
        """Seconds between tokens."""
        return self.itl_ms / 1000


@lru_cache(maxsize=1024)
def model_of(model_id: str, region: str) -> Model:
    """The model of an id that a request names in a region.

    Raises:
        RefusedError: there is none.
    """
    arn = _ARN.match(model_id)
    if arn and arn[1] != region:
        raise invalid(f"The provided model identifier is invalid: it is of {arn[1]}.")
    options = dict(_DEFAULTS)
    flags = set()
    for name, number in _options(model_id):
        if name in _FLAGS and not number:
            flags.add(name)
        elif name in _DEFAULTS and number:
            options[name] = int(number)
        else:
            raise _unknown(f"{name}{number}")
    if options["len"] > _MOST_WORDS:
        raise _unknown(f"len{options['len']}")
    return Model(
        ttft_ms=options["ttft"],
        itl_ms=options["itl"],
        length=options["len"],
        max_tokens=options["max"],
        cache_read=options["cache"],
        cache_write=options["write"],
        scripted="scripted" in flags,
        prefill="noprefill" not in flags,
    )


def words(prefill: str, length: int) -> tuple[str, ...]:
    """The rest of an answer of so many words, one a token."""
    return _WORDS[len(prefill.split()) : length]


def scripted(asked: str, prefill: str) -> tuple[str, ...] | None:
    """The rest of the answer that the last user message hands over, in tokens; None if it does
    not."""
    found = _SCRIPT.findall(asked)
    if not found:
        return None
    text = found[-1].strip()
    return tokens(text.removeprefix(prefill))


def tokens(text: str) -> tuple[str, ...]:
    """Text in pieces of a word with the white space before it."""
    return tuple(_TOKEN.findall(text))


def _options(model_id: str) -> list[tuple[str, str]]:
    if worded := _WORDED.search(model_id):
        parts = [part for part in re.split(r"[.-]", worded[1]) if part]
        return [_split(part) for part in parts]
    if lettered := _LETTERED.search(model_id):
        found = _LETTER.findall(lettered[1].partition("x")[0])
        return [(_ALIASES.get(name, name), number) for name, number in found]
    raise _unknown(model_id)


def _split(part: str) -> tuple[str, str]:
    found = _OPTION.fullmatch(part)
    if found is None:
        raise _unknown(part)
    return found[1], found[2]


def _unknown(what: str) -> RefusedError:
    known = ", ".join(_NAMES)
    return invalid(f"The provided model identifier is invalid. ({what}; options are {known})")
