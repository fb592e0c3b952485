from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SettingsInvalid
from engine.settings import Settings, settings


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, own_data: Settings) -> pytest.MonkeyPatch:
    settings.cache_clear()
    return monkeypatch


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("example.org", ("example.org",)),
        ("example.org, *.example.com ,", ("example.org", "*.example.com")),
        ("", ()),
    ],
)
@pytest.mark.parametrize("name", ["hosts", "allowed_hosts"])
def test_hosts_are_a_list_separated_by_commas(fresh: pytest.MonkeyPatch, name: str, text: str, hosts: tuple[str, ...]) -> None:
    fresh.setenv(f"PHAROS_{name.upper()}", text)
    assert getattr(settings(), name) == hosts


def test_hosts_may_stand_in_a_dotenv_file(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PHAROS_HOSTS=a.example,b.example\n")
    fresh.chdir(tmp_path)
    assert settings().hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("name", "value"), [("PHAROS_THREADS", "many"), ("PHAROS_THREADS", "-1"), ("PHAROS_DEMO", "perhaps"), ("PHAROS_MAX_QUERY_LENGTH", "0")]
)
def test_a_bad_value_is_told_with_its_variable(fresh: pytest.MonkeyPatch, name: str, value: str) -> None:
    fresh.setenv(name, value)
    with pytest.raises(SettingsInvalid) as told:
        settings()
    assert name in str(told.value)
    assert value in str(told.value)
    assert "\n" not in str(told.value)


def test_a_dotenv_file_that_is_no_text_is_told(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    fresh.chdir(tmp_path)
    with pytest.raises(SettingsInvalid, match=r"\.env"):
        settings()
