"""What can be done about a target that cannot be called."""

from generation.faults import Fault
from generation.targets import Target

_AGAIN = "it passes by itself: check again"
_QUOTA = (
    "check again in a minute; if it stays so, ask for more in Service Quotas (Amazon Bedrock, "
    "{region}), and keep to it by the target's `quota`"
)
_SIGN_IN = (
    "give boto3 valid credentials: sign in again (aws sso login), renew AWS_ACCESS_KEY_ID, "
    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and see that the machine's clock is right"
)
_LISTED = (
    "is it there? 'aws bedrock list-foundation-models --region {region}' and 'aws bedrock "
    "list-inference-profiles --region {region}' list what is"
)

_BY_MESSAGE = {
    "on-demand throughput": "the model is only called through an inference profile: name one in "
    "the target's `profile`, as in global.{model} or us.{model}",
    "model identifier": _LISTED,
    "end of its life": "choose a newer model in the target's `model` and `profile`",
}
"""What a part of the message tells, whatever the error is called."""

_BY_NAME = {
    "NoCredentials": "give boto3 credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK, or a role of the machine",
    "AccessDeniedException": "allow bedrock:InvokeModel on {model_id} in {region}, and "
    "bedrock:InvokeModelWithResponseStream to stream; request access to the model: the first call "
    "of another company's model needs aws-marketplace:Subscribe, and Anthropic's ask for a form on "
    "the model's page in the Bedrock console",
    "ResourceNotFoundException": _LISTED,
    "ValidationException": "see that the target's `model`, `profile` and `tier` go together",
    "ThrottlingException": _QUOTA,
    "ServiceQuotaExceededException": _QUOTA,
    "ModelNotReadyException": _AGAIN,
    "InternalServerException": _AGAIN,
    "ServiceUnavailableException": _AGAIN,
    "ModelTimeoutException": _AGAIN,
    "ModelErrorException": _AGAIN,
    "ExpiredTokenException": _SIGN_IN,
    "UnrecognizedClientException": _SIGN_IN,
    "InvalidSignatureException": _SIGN_IN,
    "Unreachable": "is the network there? See HTTPS_PROXY, the VPC's endpoint, and "
    "`endpoint_url` under `regions` in the configuration",
}


def what_to_do(fault: Fault, target: Target) -> str:
    """What an engineer can do about it, as one sentence."""
    said = fault.message.lower()
    found = next((text for part, text in _BY_MESSAGE.items() if part in said), None)
    text = found or _BY_NAME.get(fault.name, "check again; if it stays so, its message says why")
    return text.format(region=target.region, model=target.model, model_id=target.model_id)
