"""The keys of those who ask."""

import pytest

from retrieval.api.auth import API_KEYS, Keys
from retrieval.errors import SettingsError


def keys(monkeypatch: pytest.MonkeyPatch, written: str) -> Keys:
    monkeypatch.setenv(API_KEYS, written)
    return Keys.from_env()


def test_blanks_around_a_tenant_and_its_key_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    found = keys(monkeypatch, " acme : k1 , globex:k:2")
    assert sorted(found.tenants.values()) == ["acme", "globex"]
    assert found == keys(monkeypatch, "acme:k1,globex:k:2")


@pytest.mark.parametrize(
    "written", [",", "acme", "acme:", ":k1", "acme:k1,", "M\u00fcller & Co:k9", "a:k1,b:k1"]
)
def test_what_is_not_written_as_keys_is_refused(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    with pytest.raises(SettingsError, match=API_KEYS):
        keys(monkeypatch, written)
