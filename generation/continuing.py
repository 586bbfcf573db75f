"""The answer so far, and the request for the rest of it."""

from dataclasses import replace

from generation.messages import Message, Request


class SoFar:
    """The text of an answer as it comes, perhaps from one target after another."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._overlap = ""
        self._written = 0
        self.text = ""

    @property
    def begun(self) -> bool:
        """Whether there is anything to continue."""
        return bool(self.text.strip())

    def add(self, delta: str) -> str:
        """What a delta adds to the text."""
        self._written += 1
        added = self._without_overlap(delta)
        self.text += added
        return added

    def restart(self) -> None:
        """Forget what has come."""
        self.text = self._overlap = ""
        self._written = 0

    def request(self) -> Request:
        """The whole request, or where the answer has begun the one for its rest: Bedrock takes the
        beginning of an answer as a last message of the assistant's, which may not end in white
        space."""
        if not self.begun:
            self.restart()
            return self._request
        beginning = self.text.rstrip()
        self._overlap = self.text[len(beginning) :]
        messages = self._request.messages
        if messages[-1].role == "assistant":
            messages, beginning = messages[:-1], messages[-1].text + beginning
        return replace(
            self._request,
            messages=(*messages, Message(role="assistant", text=beginning)),
            max_tokens=max(1, self._request.max_tokens - self._written),
        )

    def _without_overlap(self, text: str) -> str:
        # The white space that could not be sent along comes again, or some of the same kind.
        while self._overlap and text and text[0].isspace():
            text, self._overlap = text[1:], self._overlap[1:]
        if text:
            self._overlap = ""
        return text
