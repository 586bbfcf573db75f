"""Who writes: answers, and follow-up questions as they are searched for."""

from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from generation.errors import ConfigurationError
from generation.prompts.inputs import InputType
from generation.settings import open_gateway
from retrieval.answering import EXTRACTIVE, TAKEN, Answerer, Generated, Quoting, Secured
from retrieval.errors import InvalidQueryError
from retrieval.rewriting import Rewriter

if TYPE_CHECKING:  # boto3 comes with it, which a service without a gateway does without.
    from generation.gateway import Gateway

_REWRITES: dict[str, InputType] = {"question": "text", "conversation": "conversation"}
_AT_ONCE = 256
"""Answers, and questions, that are written at once; more wait for their turn."""

_QUOTED_AT_ONCE = 8
"""They compute, and more would not be faster."""


class Writers:
    """The answerers that a request may name, and the rewriter, where there is one.

    Without a gateway answers are extracted, and nothing is rewritten. With one, every use case
    whose prompt takes a question and passages answers; if the gateway fails, the answer is
    extracted. The use case `answer` is the default, or else the first of them.
    """

    def __init__(self, gateway: "Gateway | None" = None) -> None:
        """The gateway is closed with the writers.

        Raises:
            ConfigurationError: a use case has the extractive answerer's name.
        """
        # What is quick, or urgent, does not wait behind answers that a model takes its time for.
        self._writing = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="writer")
        self._quoting = ThreadPoolExecutor(_QUOTED_AT_ONCE, thread_name_prefix="quoter")
        self._rewriting = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rewriter")
        self._gateway = gateway
        quoting = Quoting()
        self._answerers: dict[str, Answerer] = {EXTRACTIVE: quoting}
        self._default = EXTRACTIVE
        self.rewriter: Rewriter | None = None
        if gateway is not None:
            names = gateway.taking(TAKEN)
            if EXTRACTIVE in names:
                raise ConfigurationError(
                    f"use_cases.{EXTRACTIVE}: that is the answerer without a model; rename it"
                )
            self._answerers |= {
                name: Secured(first=Generated(gateway=gateway, name=name), second=quoting)
                for name in names
            }
            self._default = "answer" if "answer" in names else [*names, EXTRACTIVE][0]
            for name in gateway.taking(_REWRITES)[:1]:
                self.rewriter = Rewriter(gateway=gateway, use_case=name, threads=self._rewriting)

    def answerer(self, name: str | None) -> Answerer:
        """The answerer of a name; None is the default.

        Raises:
            InvalidQueryError: there is none of this name; `valid` lists those that there are.
        """
        found = self._answerers.get(self._default if name is None else name)
        if found is None:
            raise InvalidQueryError(
                f"no answerer {name!r}", field="answerer", valid=list(self._answerers)
            )
        return found

    def threads(self, answerer: Answerer) -> Executor:
        """The threads that an answerer writes in."""
        return self._quoting if answerer.name == EXTRACTIVE else self._writing

    def close(self) -> None:
        """End what is being written, and close the gateway."""
        for threads in (self._writing, self._quoting, self._rewriting):
            threads.shutdown(wait=False, cancel_futures=True)
        if self._gateway is not None:
            self._gateway.close()


def open_writers(generation: Path | None, data_dir: Path) -> Writers:
    """The writers by a gateway's configuration, or those that need none.

    Raises:
        ConfigurationError: it is not valid. LedgerError: the database of its budgets cannot be
            used. RecordsError: nor the folder of its records.
    """
    return Writers(None if generation is None else open_gateway(generation, data_dir))
