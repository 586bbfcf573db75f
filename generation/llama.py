"""A use case of the gateway as an LLM of LlamaIndex, for its evaluators and other components."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llama_index.core.base.llms.generic_utils import completion_response_to_chat_response
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback

from generation.asked import Completion
from generation.errors import BrokenStreamError, ConfigurationError
from generation.gateway import Gateway
from generation.pieces import Restarted
from generation.prompts.inputs import InputType
from generation.stream import Stream

PROMPT: Mapping[str, InputType] = {"prompt": "text"}
"""What the prompt of the use case takes: `prompt@1`, which comes with the gateway, does."""

_AT_ONCE = 256
"""Asynchronous calls at once; more wait for their turn."""


def _nobody(completion: Completion) -> None:
    """Is told of completions where nobody wants to know."""


class GatewayLLM(CustomLLM):
    """Sends LlamaIndex's prompts through a use case of the gateway, which has all their settings.

    `context_window` is how many tokens every model of its route reads and writes in one call:
    LlamaIndex cuts or splits what would be longer. `chat` makes one prompt of its messages, and
    asynchronous streams hold up their event loop, both as LlamaIndex's own `CustomLLM` does.

    Every call raises what `Gateway.complete` raises, and a ConfigurationError for a setting of
    its own. A stream whose answer begins again raises a BrokenStreamError, since there is no way
    to tell LlamaIndex that what came so far is to be forgotten; `complete` is not concerned.
    """

    context_window: int = 128_000

    _gateway: Gateway = PrivateAttr()
    _use_case: str = PrivateAttr()
    _on_completion: Callable[[Completion], None] = PrivateAttr()
    _threads: ThreadPoolExecutor = PrivateAttr()

    def __init__(
        self,
        gateway: Gateway,
        use_case: str,
        on_completion: Callable[[Completion], None] = _nobody,
        **fields: Any,
    ) -> None:
        """`on_completion` is told of each call that succeeded, for its tokens and its cost;
        `fields` are those of LlamaIndex's LLM.

        Raises:
            ConfigurationError: there is no such use case, or its prompt takes something else.
        """
        super().__init__(**fields)
        gateway.use_case(use_case)
        if use_case not in (valid := gateway.taking(PROMPT)):
            raise ConfigurationError(
                f"use case {use_case!r}: its prompt is to take one text, 'prompt', as prompt@1 "
                f"does; those whose do: {', '.join(valid) or 'none'}"
            )
        self._gateway, self._use_case, self._on_completion = gateway, use_case, on_completion
        # Not the loop's own, of a few threads: who waits for one has its deadline pass.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="llama")

    @classmethod
    def class_name(cls) -> str:
        """What LlamaIndex calls it."""
        return "passages_gateway_llm"

    @property
    def metadata(self) -> LLMMetadata:
        """The model's name is the use case's."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self._gateway.use_case(self._use_case).max_tokens,
            model_name=self._use_case,
        )

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The whole answer; `raw` is the gateway's `Completion`."""
        return self._whole(self._stream(prompt, formatted, kwargs))

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """The same in a thread of its own; who is cancelled while it waits cancels the call."""
        stream, loop = self._stream(prompt, formatted, kwargs), asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._whole, stream)
        except asyncio.CancelledError:
            stream.cancel()
            raise

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """See `acomplete`."""
        assert self.messages_to_prompt is not None
        prompt = self.messages_to_prompt(messages)
        found = await self.acomplete(prompt, formatted=True, **kwargs)
        return completion_response_to_chat_response(found)

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """The answer as it comes, each time with all of it so far. Who stops reading cancels the
        call."""
        return self._responses(self._stream(prompt, formatted, kwargs))

    def _stream(self, prompt: str, formatted: bool, settings: Mapping[str, Any]) -> Stream:
        if settings:
            raise ConfigurationError(
                f"a call cannot set {', '.join(settings)}: what use case {self._use_case!r} sends "
                "stands in the gateway's configuration"
            )
        assert self.completion_to_prompt is not None
        text = prompt if formatted else self.completion_to_prompt(prompt)
        return self._gateway.stream(self._use_case, {"prompt": text})

    def _whole(self, stream: Stream) -> CompletionResponse:
        for _ in stream:
            pass
        self._on_completion(stream.completion)
        return CompletionResponse(text=stream.completion.text, raw=stream.completion)

    def _responses(self, stream: Stream) -> CompletionResponseGen:
        text = ""
        for piece in stream:
            if not isinstance(piece, Restarted):
                text += piece.text
                yield CompletionResponse(text=text, delta=piece.text)
            elif text:
                raise BrokenStreamError(f"the answer began again: {piece.reason}", text=text)
        self._on_completion(stream.completion)
