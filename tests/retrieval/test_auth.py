"""The keys of those who ask."""

import pytest
from fastapi.testclient import TestClient

from retrieval.api.app import make_app
from retrieval.api.auth import API_KEYS, Keys
from retrieval.errors import SettingsError
from tests.conftest import HelpCentre


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


def test_the_entry_that_is_wrong_is_named_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="entry 2: not 'tenant:key'") as raised:
        keys(monkeypatch, "acme:k1,secret,globex:k2")
    assert "secret" not in str(raised.value)


def test_where_there_are_keys_the_documentation_asks_for_them(
    help_centre: HelpCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEYS, "acme:k1")
    schema = TestClient(make_app(help_centre.engine)).get("/openapi.json").json()
    asking: list[dict[str, list[str]]] = [
        {scheme: []} for scheme in schema["components"]["securitySchemes"]
    ]
    for path in ("/retrieve", "/retrieve/batch", "/answer"):
        assert schema["paths"][path]["post"]["security"] == asking
    assert "security" not in schema["paths"]["/healthz"]["get"]
