"""The sandbox fails on request, as often as requested."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.conftest import Application


def test_the_next_answers_fail_and_those_after_them_do_not(terra: Application) -> None:
    terra.add_fault(kind="401", times=2)
    assert [terra.get("/subscriptions", page=0).status_code for _ in range(3)] == [401, 401, 200]


def test_only_the_named_path_fails(terra: Application) -> None:
    terra.add_fault(kind="504", path="/userInfo")
    assert terra.get("/subscriptions", page=0).status_code == 200
    assert terra.get("/userInfo", reference_id="ada").status_code == 504


def test_a_throttled_answer_names_the_time_to_retry(terra: Application) -> None:
    terra.add_fault(kind="429", seconds=7)
    answer = terra.get("/subscriptions", page=0)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["title"] == "too many requests"


def test_a_server_error_is_a_page_of_html(terra: Application) -> None:
    terra.add_fault(kind="500")
    answer = terra.get("/subscriptions", page=0)
    assert answer.status_code == 500 and "<html>" in answer.text


def test_half_a_body_is_truncated(terra: Application) -> None:
    terra.add_fault(kind="half_body")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        terra.get("/subscriptions", page=0)


def test_a_slow_answer_is_the_right_one_too_late(terra: Application) -> None:
    terra.add_fault(kind="slow", seconds=0.3, times=2)
    with pytest.raises(requests.exceptions.ReadTimeout):
        terra.http.get(f"{terra.url}/api/v2/subscriptions?page=0", timeout=0.1)
    assert terra.get("/subscriptions", page=0).json()["data"]["results"]


def test_a_page_repeats_and_names_itself_as_the_next(terra: Application) -> None:
    first = terra.get("/subscriptions", page=0, per_page=5).json()["data"]
    terra.add_fault(kind="page_repeats")
    second = terra.get("/subscriptions", page=1, per_page=5).json()["data"]
    assert second["results"] == first["results"]
    assert second["next"] == 0


def test_a_listing_shrinks_while_it_is_read(terra: Application) -> None:
    first = terra.get("/subscriptions", page=0, per_page=5).json()["data"]
    terra.add_fault(kind="page_shrinks")
    last = terra.get("/subscriptions", page=first["max_page"], per_page=5).json()["data"]
    assert last["max_page"] < first["max_page"]
    assert (last["results"], last["next"]) == ([], None)


def test_a_share_of_the_answers_fails_until_the_fault_is_removed(terra: Application) -> None:
    terra.add_fault(kind="500", rate=0.5)
    statuses = [terra.get("/integrations").status_code for _ in range(40)]
    assert {200, 500} == set(statuses)
    terra.control("DELETE", "faults")
    assert {terra.get("/integrations").status_code for _ in range(10)} == {200}


def test_the_pages_and_the_control_api_never_fail(terra: Application) -> None:
    link = terra.link("OURA")["auth_url"]
    terra.add_fault(kind="500", times=5)
    assert requests.get(link, timeout=10).status_code == 200
    assert terra.control("GET", "faults") == [{"kind": "500", "path": "", "times": 5, "rate": None, "seconds": 1.0}]


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "418"},
        {"kind": "500", "times": 0},
        {"kind": "500", "rate": 2},
        {"kind": "500", "path": 7},
        {"kind": "slow", "seconds": 9999},
        {"kind": "500", "how": "badly"},
    ],
)
def test_an_impossible_fault_is_refused(terra: Application, fault: object) -> None:
    assert terra.control("POST", "faults", fault, expect=400)["error"]
    assert terra.control("GET", "faults") == []
