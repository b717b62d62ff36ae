"""Signing in: by name and password, a few tries at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from scopes.admin import sign_in
from scopes.models import FailedSignIns
from tests.admin.conftest import PASSWORD

WRONG = "not the one"


def try_as(name: str, password: str, address: str = "192.0.2.1") -> HttpResponse:
    return Client(REMOTE_ADDR=address).post("/admin/login/?next=/admin/", {"username": name, "password": password})  # type: ignore[return-value]


def said(response: HttpResponse) -> str:
    return response.content.decode().split('role="alert">')[1].split("<")[0]


def let_the_window_pass() -> None:
    for attempts in FailedSignIns.objects.all():
        attempts.first_at -= sign_in.WINDOW
        attempts.save()


@pytest.mark.django_db
def test_a_locked_name_is_refused_with_the_right_password_and_let_in_after_the_window(
    agent: Callable[[str], User],
) -> None:
    name = agent("agent").username
    for _ in range(sign_in.ATTEMPTS_OF_A_NAME):
        assert try_as(name, WRONG).status_code == 200
    assert try_as(name, PASSWORD, address="198.51.100.7").status_code == 200

    let_the_window_pass()
    assert try_as(name, PASSWORD).status_code == 302


@pytest.mark.django_db
def test_refused_tries_do_not_lengthen_the_wait(agent: Callable[[str], User]) -> None:
    name = agent("agent").username
    for _ in range(sign_in.ATTEMPTS_OF_A_NAME + 3):
        try_as(name, WRONG)
    began = FailedSignIns.objects.get(subject=sign_in.hashed("name", name)).first_at
    try_as(name, WRONG)
    counted = FailedSignIns.objects.get(subject=sign_in.hashed("name", name))
    assert (counted.first_at, counted.attempts) == (began, sign_in.ATTEMPTS_OF_A_NAME + 1)


@pytest.mark.django_db
def test_the_answer_reveals_neither_which_names_exist_nor_which_are_locked(agent: Callable[[str], User]) -> None:
    name = agent("agent").username
    no_staff = User.objects.create_user("no-staff", password=PASSWORD)
    left = User.objects.create_user("left", password=PASSWORD, is_staff=True, is_active=False)
    for _ in range(sign_in.ATTEMPTS_OF_A_NAME):
        try_as("locked", WRONG)
    answers = {
        said(try_as(one, password))
        for one, password in [
            (name, WRONG),
            ("nobody-has-this-name", WRONG),
            ("locked", WRONG),
            (no_staff.username, PASSWORD),
            (left.username, PASSWORD),
        ]
    }
    assert len(answers) == 1
    assert "locked for 15 minutes" in answers.pop()


@pytest.mark.django_db
@pytest.mark.parametrize("password", [WRONG, PASSWORD])
def test_a_locked_name_runs_the_same_password_check_as_any_other(
    agent: Callable[[str], User], monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    name = agent("agent").username
    checks: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        checks.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    for one in [name, "nobody-has-this-name"]:
        for _ in range(sign_in.ATTEMPTS_OF_A_NAME):
            try_as(one, WRONG)
        assert checks == [WRONG] * sign_in.ATTEMPTS_OF_A_NAME
        checks.clear()
        assert try_as(one, password).status_code == 200
        assert checks == [password]
        checks.clear()


BAD_NEXT = [
    "/nowhere/",
    "/admin/nowhere/",
    "/admin/login/",
    "/admin/logout/",
    "/healthz",
    "/r/a/b",
    "admin",
    "//elsewhere.example/admin/",
    "/\\elsewhere.example/admin/",
    "https://elsewhere.example/admin/",
    "http://[/admin/",
    "javascript:alert(1)",
    "/admin/../healthz",
]


@pytest.mark.django_db
@pytest.mark.parametrize("address", BAD_NEXT)
@pytest.mark.parametrize("sent", ["query", "form"])
def test_signing_in_with_a_bad_next_leads_to_the_desk(agent: Callable[[str], User], address: str, sent: str) -> None:
    query, form = ({"next": address}, {}) if sent == "query" else ({}, {"next": address})
    form |= {"username": agent("agent").username, "password": PASSWORD}
    response = Client().post("/admin/login/", form, query_params=query)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


@pytest.mark.django_db
@pytest.mark.parametrize("address", BAD_NEXT)
@pytest.mark.parametrize("sent", ["query", "form"])
def test_signing_out_with_a_bad_next_ends_as_without_one(agent: Callable[[str], User], address: str, sent: str) -> None:
    def ended(address: str | None) -> tuple[int, str | None, bytes]:
        client = Client()
        client.force_login(agent("agent"))
        given = {"next": address} if address else {}
        response = client.post(
            "/admin/logout/", given if sent == "form" else {}, query_params=given if sent == "query" else {}
        )
        assert "_auth_user_id" not in client.session
        return response.status_code, response.headers.get("Location"), response.content

    assert ended(address) == ended(None)


@pytest.mark.django_db
def test_a_page_of_the_desk_is_where_signing_in_and_out_lead_to(agent: Callable[[str], User]) -> None:
    page = "/admin/scopes/delivery/?kind=auth"
    client = Client()
    form = {"username": agent("engineer").username, "password": PASSWORD}
    assert client.post("/admin/login/", form, query_params={"next": page}).headers["Location"] == page
    assert client.post("/admin/logout/", {"next": page}).headers["Location"] == page


@pytest.mark.django_db
def test_one_address_may_not_try_many_names(agent: Callable[[str], User]) -> None:
    name = agent("agent").username
    for number in range(sign_in.ATTEMPTS_FROM_AN_ADDRESS):
        try_as(f"name-{number}", WRONG)
    assert try_as(name, PASSWORD).status_code == 200
    assert try_as(name, PASSWORD, address="198.51.100.7").status_code == 302


@pytest.mark.django_db
def test_signing_in_forgets_the_tries_of_the_name_and_takes_its_own_from_the_address(
    agent: Callable[[str], User],
) -> None:
    name = agent("agent").username
    try_as(name, WRONG)
    for _ in range(sign_in.ATTEMPTS_OF_A_NAME + 1):
        assert try_as(name, PASSWORD).status_code == 302
    assert [row.attempts for row in FailedSignIns.objects.all()] == [1]


@pytest.mark.django_db
def test_neither_names_nor_addresses_stand_in_the_table(agent: Callable[[str], User]) -> None:
    try_as("vera", WRONG)
    subjects = list(FailedSignIns.objects.values_list("subject", flat=True))
    assert len(subjects) == 2
    assert not [subject for subject in subjects if "vera" in subject or "192.0.2.1" in subject]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_cannot_pass_the_limit_together() -> None:
    now = timezone.now()

    def one(_: int) -> bool:
        try:
            return sign_in.count("subject", 5, now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 5


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "network"),
    [
        (0, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", "made.up, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (1, "10.0.0.1", "", "10.0.0.1"),
        (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        (0, "", "", ""),
    ],
)
def test_an_address_is_the_one_that_our_outermost_proxy_saw(
    proxies: int, peer: str, forwarded: str, network: str
) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})
    with override_settings(PROXIES=proxies):
        assert sign_in.network_of(request) == network


@pytest.mark.django_db
def test_a_new_password_must_be_long_and_unlike_the_name(signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    weak = {"old_password": PASSWORD, "new_password1": "agent-agent", "new_password2": "agent-agent"}
    assert "too similar" in browser.post("/admin/password_change/", weak).content.decode()
    good = {**weak, "new_password1": "quite another one", "new_password2": "quite another one"}
    assert browser.post("/admin/password_change/", good).headers["Location"] == "/admin/password_change/done/"
