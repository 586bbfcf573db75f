"""The gateway: what the rest of the house calls to get something written."""

from collections.abc import Callable, Mapping
from typing import Any

from generation.asked import Asked, Completion
from generation.attempts import Attempts
from generation.bedrock import Bedrock
from generation.books import Books
from generation.call import Call
from generation.choosing import Chooser, Fleet
from generation.configuration import Configuration
from generation.estimate import Estimates
from generation.health import Health
from generation.messages import Request
from generation.prompts.inputs import InputType
from generation.quota import Admission
from generation.stream import Stream
from generation.use_cases import PRIORITIES, UseCase


class Gateway:
    """Bedrock for the use cases of a configuration; safe for threads."""

    def __init__(self, configuration: Configuration, database_url: str) -> None:
        """`database_url` is where budgets and costs are kept, shared by every process.

        Raises:
            ConfigurationError: a prompt, a price or a rule is missing or not valid.
            LedgerError: the database cannot be used. RecordsError: nor the folder of records.
        """
        self._configuration = configuration
        self._templates = configuration.templates()
        targets = configuration.targets
        self._fleet = Fleet(
            targets=targets,
            health={name: Health() for name in targets},
            admission=Admission({name: target.quota for name, target in targets.items()}),
        )
        self._bedrock = Bedrock(configuration.regions)
        for region in {target.region for target in targets.values()}:
            self._bedrock.warm(region)  # It would count against the first call's first token.
        self._attempts = Attempts(self._bedrock, configuration.at_once)
        self._estimates = Estimates()
        self._books = Books(configuration, database_url, self._estimates)

    def close(self) -> None:
        """End what is under way, and write down what has still to be written."""
        self._attempts.close()
        self._bedrock.close()
        self._books.close()

    def use_case(self, name: str) -> UseCase:
        """A use case by its name.

        Raises:
            ConfigurationError: there is none; the message lists those that there are.
        """
        return self._configuration.use_case(name)

    def taking(self, inputs: Mapping[str, InputType]) -> list[str]:
        """The use cases whose prompts take exactly these inputs."""
        return [
            name
            for name, use_case in self._configuration.use_cases.items()
            if self._templates.get(*use_case.template).inputs == inputs
        ]

    def complete(
        self,
        use_case: str,
        inputs: Mapping[str, Any],
        *,
        tenant: str = "",
        request_id: str | None = None,
        template: tuple[str, int] | None = None,
    ) -> Completion:
        """What a use case's prompt leads to, filled with inputs; or another `template`, by its id
        and version.

        Raises:
            PromptError: there is no such template, or the inputs are not its own.
            RefusedError: over a budget or a quota; nothing was sent.
            CallError: it was sent and did not succeed.
        """
        stream = self.stream(
            use_case, inputs, tenant=tenant, request_id=request_id, template=template
        )
        for _ in stream:
            pass
        return stream.completion

    def stream(
        self,
        use_case: str,
        inputs: Mapping[str, Any],
        *,
        tenant: str = "",
        request_id: str | None = None,
        template: tuple[str, int] | None = None,
    ) -> Stream:
        """The same as it comes; nothing is sent before it is read. See `complete`."""
        chosen = self.use_case(use_case)
        filled = self._templates.get(*(template or chosen.template))
        system, messages = filled.render(inputs)
        request = Request(
            system=system,
            messages=messages,
            max_tokens=chosen.max_tokens,
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            stop=chosen.stop,
            tags={"use_case": use_case, **({"tenant": tenant} if tenant else {}), **chosen.tags},
        )
        asked = Asked(
            name=use_case,
            use_case=chosen,
            request=request,
            template=filled,
            inputs=inputs,
            tenant=tenant,
            request_id=request_id,
        )
        return Stream(asked, self._books, self._call)

    def _call(self, asked: Asked, deadline: float, cover: Callable[[int], None]) -> Call:
        use_case = asked.use_case
        route = self._configuration.routes[use_case.route]
        chooser = Chooser(self._fleet, route, PRIORITIES[use_case.priority], deadline)
        return Call(asked.request, use_case, chooser, self._attempts, self._estimates, cover)
