"""How mails are sent is read from variables, and what cannot work or is unsafe is named before anything starts."""

from __future__ import annotations

import pytest

from portal.environment_checks import _is_ours
from portal.mail_settings import RAW, SERVICES, anymail, mailers, unsafe_mail, wrong_mail

SOUND = {"EMAIL_FROM": "Vitalog <support@vitalog.example>", "PORTAL_URL": "https://portal.example"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp+tls://user:p%23%2F@mail.example:587", ("mail.example", 587, "user", "p#/", True, False)),
        ("smtp+ssl://mail.example", ("mail.example", None, None, None, False, True)),
        ("smtp://localhost:25", ("localhost", 25, None, None, False, False)),
    ],
)
def test_a_mail_server_is_named_by_its_address(
    url: str, expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    assert not [*wrong_mail({**SOUND, "EMAIL_URL": url})]
    options = mailers()["default"]["OPTIONS"]
    assert tuple(options[name] for name in ("host", "port", "username", "password", "use_tls", "use_ssl")) == expected
    assert options["timeout"] == 10


def test_a_directory_a_service_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mailers() == {}
    monkeypatch.setenv("EMAIL_URL", "filemail:///tmp/mails%20here")
    assert mailers()["default"]["OPTIONS"] == {"file_path": "/tmp/mails here"}
    monkeypatch.setenv("EMAIL_SERVICE", "postmark")
    assert mailers() == {"default": {"BACKEND": "anymail.backends.postmark.EmailBackend"}}


def test_the_settings_of_a_service_are_its_own_and_none_logs_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYMAIL_POSTMARK_SERVER_TOKEN", "a-token")
    monkeypatch.setenv("ANYMAIL_WEBHOOK_SECRET", "mail:new, mail:old")
    monkeypatch.setenv("ANYMAIL_DEBUG_API_REQUESTS", "true")
    found = anymail()
    assert found["POSTMARK_SERVER_TOKEN"] == "a-token" and found["WEBHOOK_SECRET"] == ["mail:new", "mail:old"]
    assert found["IGNORE_UNSUPPORTED_FEATURES"] is True and "DEBUG_API_REQUESTS" not in found


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_exists(service: str) -> None:
    from importlib.util import find_spec

    assert find_spec(f"anymail.backends.{service}") is not None
    assert not [*wrong_mail({**SOUND, "EMAIL_SERVICE": service})]


@pytest.mark.parametrize(
    ("variables", "trouble"),
    [
        ({"EMAIL_URL": "smtp+tls://user:p#ss@mail.example"}, RAW),
        ({"EMAIL_URL": "smtp+tls://user:pass@mail.example:many"}, RAW),
        ({"EMAIL_URL": "smtps://mail.example"}, "EMAIL_URL must begin with one of"),
        ({"EMAIL_URL": "smtp+tls://"}, "EMAIL_URL names no mail server"),
        ({"EMAIL_URL": "filemail://"}, "EMAIL_URL names no directory"),
        ({"EMAIL_SERVICE": "sendgrid"}, "EMAIL_SERVICE must be one of"),
        ({"EMAIL_URL": "smtp+tls://mail.example", "EMAIL_SERVICE": "brevo"}, "EMAIL_URL and EMAIL_SERVICE are both"),
        ({"EMAIL_SERVICE": "brevo", "EMAIL_FROM": "support"}, "EMAIL_FROM must be an e-mail address"),
        ({"EMAIL_SERVICE": "brevo", "EMAIL_REPLY_TO": "a b@c"}, "EMAIL_REPLY_TO must be an e-mail address"),
        ({"EMAIL_SERVICE": "brevo", "EMAIL_FROM": ""}, "EMAIL_FROM and one of EMAIL_URL and EMAIL_SERVICE belong"),
        ({}, "EMAIL_FROM and one of EMAIL_URL and EMAIL_SERVICE belong"),
        ({"EMAIL_SERVICE": "brevo", "PORTAL_URL": ""}, "PORTAL_URL is missing"),
    ],
)
def test_what_cannot_work_is_named_without_a_password(variables: dict[str, str], trouble: str) -> None:
    (found,) = wrong_mail(SOUND | variables)
    assert found.startswith(trouble) and "p#ss" not in found and "pass@" not in found


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("filemail:///var/mails", "EMAIL_URL names a directory"),
        ("smtp://mail.example.org:25", "EMAIL_URL is not encrypted"),
        ("smtp://127.0.0.1:25", None),
        ("smtp://relay.internal", None),
        ("smtp+tls://mail.example.org", None),
    ],
)
def test_production_sends_no_links_unencrypted_to_another_machine(url: str, trouble: str | None) -> None:
    found = [*unsafe_mail({"EMAIL_URL": url}, lambda host: not _is_ours(host))]
    assert [one.partition(",")[0] for one in found] == ([trouble] if trouble else [])
