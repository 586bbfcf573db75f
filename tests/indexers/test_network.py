"""Which addresses are public, and how a host is written."""

import pytest

from indexers.sources.network import host_and_port, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("192.0.78.24", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::192.0.78.24", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("239.1.2.3", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("198.18.0.1", False),
        ("192.0.2.1", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("4000::1", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::169.254.169.254", False),
    ],
)
def test_public_addresses_are_told_from_others(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("text", ["", "a/b", "http://a", "u@a", "a:b", "a?b", "a b", ":80"])
def test_a_host_is_given_as_a_host(text: str) -> None:
    with pytest.raises(ValueError, match="a host is given like"):
        host_and_port(text)
