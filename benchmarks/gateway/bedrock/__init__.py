"""A stand-in for Amazon Bedrock's runtime, where nobody reaches the real one.

    python -m benchmarks.gateway.bedrock --region us-east-1 --region us-west-2 [--plan plan.json]

It speaks the protocol of `Converse` and `ConverseStream`, as botocore's model of bedrock-runtime
(2023-09-30) describes it, and nothing else of it: HTTP/1.1, the form of a SigV4 signature, event
streams, the service's errors. Each region has a port of loopback. There is no model behind it: the
answers are words by number, and an id says how its model behaves (`models`). What goes wrong is in
a plan with a seed (`faults`), which also has the quotas. What it did is counted (`counts`), and
asked for on a port of its own (`server`).

`Bedrock.served` runs it in a thread of this process, `BedrockProcess.started` in another process.
"""

from benchmarks.gateway.bedrock.counts import Counted, Row
from benchmarks.gateway.bedrock.faults import Fault, Faults, Plan
from benchmarks.gateway.bedrock.process import BedrockProcess
from benchmarks.gateway.bedrock.quotas import Quota
from benchmarks.gateway.bedrock.thread import Bedrock

__all__ = [
    "Bedrock",
    "BedrockProcess",
    "Counted",
    "Fault",
    "Faults",
    "Plan",
    "Quota",
    "Row",
]
