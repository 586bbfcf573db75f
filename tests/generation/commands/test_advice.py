"""What an engineer is told to do about a target that cannot be called."""

import pytest

from generation.commands.advice import what_to_do
from generation.faults import Fault
from generation.targets import Target

TARGET = Target(model="anthropic.claude-x", region="us-east-1")
ON_DEMAND = (
    "Invocation of model ID anthropic.claude-x with on-demand throughput isn\u2019t supported. "
    "Retry your request with the ID or ARN of an inference profile that contains this model."
)


@pytest.mark.parametrize(
    ("name", "message", "said"),
    [
        ("NoCredentials", "Unable to locate credentials", "AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
        ("AccessDeniedException", "", "allow bedrock:InvokeModel on anthropic.claude-x in us-east"),
        ("AccessDeniedException", "", "request access to the model"),
        ("ValidationException", ON_DEMAND, "in the target's `profile`, as in global.anthropic."),
        ("ValidationException", "The provided model identifier is invalid.", "--region us-east-1"),
        ("ValidationException", "max_tokens", "`model`, `profile` and `tier` go together"),
        ("ResourceNotFoundException", "it has reached the end of its life", "a newer model"),
        ("ThrottlingException", "Too many requests", "Service Quotas (Amazon Bedrock, us-east-1)"),
        ("ExpiredTokenException", "", "aws sso login"),
        ("Unreachable", 'Could not connect to "https://..."', "`endpoint_url` under `regions`"),
        ("InternalServerException", "", "check again"),
        ("SomethingNewException", "", "its message says why"),
    ],
)
def test_every_fault_says_what_to_do(name: str, message: str, said: str) -> None:
    assert said in what_to_do(Fault(name=name, message=message), TARGET)


def test_what_is_sent_is_what_has_to_be_allowed() -> None:
    target = Target(model="m", region="us-east-1", profile="us.m")
    assert "on us.m in" in what_to_do(Fault(name="AccessDeniedException", message=""), target)
