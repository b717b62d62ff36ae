"""The client understands every shape that Terra answers in, and sends what its contract asks for."""

from __future__ import annotations

import json
import time
from threading import Barrier
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.sources.errors import SourceUnavailable
from scopes.sources.terra.answers import Minted, WidgetSession
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.errors import TerraRefused
from scopes.sources.terra.exchange import TerraLimits
from tests.sources.terra.conftest import API_KEY, answer

KEYS = {"dev-id": "testing-dev", "x-api-key": API_KEY}
ADA, ADA_AGAIN = "5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01", "c2a7e7b4-8a0d-4f65-8a3c-5f8f1d2e9a02"
BEN = "7b1d2f60-94c3-4d58-b7c1-2f9e6a1d3b03"
CY, DEE = "0e9a4c12-6f7b-4b0e-8d2a-91c5d7e8fc04", "a4d8e6f2-1c3b-4e5a-9f70-6b2c8d1e4d05"


def user(user_id: str, reference_id: str = "ada") -> dict[str, str]:
    return {"user_id": user_id, "provider": "OURA", "reference_id": reference_id}


def paged(number: int, next_page: Any, *user_ids: str, max_page: Any = 9) -> tuple[str, Any]:
    return str(number), {"data": {"next": next_page, "max_page": max_page, "results": [user(one) for one in user_ids]}}


def serve_pages(httpserver: HTTPServer, *pages: tuple[str, Any]) -> None:
    for number, body in pages:
        httpserver.expect_request(
            "/api/v2/subscriptions", query_string={"page": number, "per_page": "500"}, headers=KEYS
        ).respond_with_json(body)


class TestListing:
    def test_everybody_is_listed_page_by_page(self, httpserver: HTTPServer, terra: Terra) -> None:
        serve_pages(httpserver, ("0", answer("subscriptions_page_0")), ("1", answer("subscriptions_page_1")))
        first, last = terra.listing()
        assert (first.page, first.next_page, first.max_page, first.whole) == (0, 1, 1, False)
        assert (last.page, last.next_page) == (1, None)
        assert [one.user_id for page in (first, last) for one in page.users] == [ADA, BEN, CY, DEE]

    def test_a_listing_can_continue_where_it_stopped(self, httpserver: HTTPServer, terra: Terra) -> None:
        serve_pages(httpserver, ("1", answer("subscriptions_page_1")))
        assert [page.page for page in terra.listing(start_page=1)] == [1]

    def test_everybody_may_be_listed_in_one_answer(self, httpserver: HTTPServer, terra: Terra) -> None:
        serve_pages(httpserver, ("0", answer("subscriptions_whole")))
        [page] = terra.listing()
        assert page.whole
        assert [one.user_id for one in page.users] == [ADA, "123456"]

    def test_a_bad_row_is_reported_and_skipped(self, httpserver: HTTPServer, terra: Terra) -> None:
        serve_pages(httpserver, ("0", answer("subscriptions_with_bad_rows")))
        [page] = terra.listing()
        assert [one.user_id for one in page.users] == [ADA, DEE]
        assert [(bad.row, bad.user_id) for bad in page.unreadable] == [(1, None), (2, None), (3, "66e1a2f4")]
        assert page.unreadable[0].reason == "a user without user_id"

    @pytest.mark.parametrize(
        "pages",
        [
            [paged(0, 1, "a", "b"), paged(1, 2, "a", "b")],
            [paged(0, 1, "a"), paged(1, 2, "b"), paged(2, 3, "a")],
            [paged(0, 1, "a"), paged(1, 1, "b")],
            [paged(0, 0, "a")],
            [paged(0, 1, "a"), paged(1, 0, "b")],
            [paged(0, "1", "a")],
            [paged(0, True, "a")],
            [paged(0, 1), paged(1, 2)],
        ],
        ids=["same page", "circle", "stands still", "starts again", "goes back", "text", "true", "empty for ever"],
    )
    def test_pages_that_lead_nowhere_are_an_outage_and_not_an_endless_listing(
        self, httpserver: HTTPServer, terra: Terra, pages: list[tuple[str, Any]]
    ) -> None:
        serve_pages(httpserver, *pages)
        with pytest.raises(SourceUnavailable, match="the listing"):
            list(terra.listing())

    @pytest.mark.parametrize("next_page", [0, 3, 4])
    def test_a_single_page_does_not_name_an_earlier_one_as_the_next(
        self, httpserver: HTTPServer, terra: Terra, next_page: int
    ) -> None:
        serve_pages(httpserver, paged(4, next_page, "a"))
        with pytest.raises(SourceUnavailable, match="does not go on after page 4"):
            terra.listing_page(4)

    def test_a_listing_may_shrink_and_may_repeat_a_user(self, httpserver: HTTPServer, terra: Terra) -> None:
        serve_pages(
            httpserver,
            paged(0, 1, "a", "b", max_page=3),
            paged(1, 2, "b", "c", max_page=2),
            paged(2, None, "d", max_page=1),
        )
        pages = list(terra.listing())
        assert [page.max_page for page in pages] == [3, 2, 1]
        assert [one.user_id for page in pages for one in page.users] == ["a", "b", "b", "c", "d"]

    def test_the_next_pages_are_requested_ahead_and_returned_in_order(self) -> None:
        together = Barrier(3)

        def page(request: Request) -> Response:
            number = int(request.args["page"])
            if number:
                together.wait(timeout=30)
            return Response(json.dumps(paged(number, number + 1 if number < 3 else None, f"u{number}", max_page=3)[1]))

        with HTTPServer(threaded=True) as server:
            server.expect_request("/api/v2/subscriptions").respond_with_handler(page)
            terra = Terra(Environment("testing", "testing-dev", API_KEY, base_url=server.url_for("/api/v2")))
            listed = [one.user_id for page in terra.listing(in_flight=3) for one in page.users]
        assert listed == ["u0", "u1", "u2", "u3"]

    def test_no_page_is_requested_beyond_those_in_flight(self, httpserver: HTTPServer, terra: Terra) -> None:
        requested: list[int] = []

        def page(request: Request) -> Response:
            number = int(request.args["page"])
            requested.append(number)
            return Response(json.dumps(paged(number, number + 1 if number < 9 else None, f"u{number}")[1]))

        httpserver.expect_request("/api/v2/subscriptions").respond_with_handler(page)
        for page_ in terra.listing(in_flight=2):
            assert max(requested) <= page_.page + 2
        assert sorted(requested) == list(range(10))

    def test_when_a_listing_ends_early_no_request_is_under_way(self) -> None:
        begun: list[str] = []
        ended: list[str] = []

        def page(request: Request) -> Response:
            begun.append(request.args["page"])
            failed = request.args["page"] != "0"
            if failed:
                time.sleep(0.3)
            ended.append(request.args["page"])
            return Response("down", 500) if failed else Response(json.dumps(paged(0, 1, "u0", max_page=3)[1]))

        with HTTPServer(threaded=True) as server:
            server.expect_request("/api/v2/subscriptions").respond_with_handler(page)
            environment = Environment("testing", "testing-dev", API_KEY, base_url=server.url_for("/api/v2"))
            for _page in Terra(environment, TerraLimits(attempts=100), pause=lambda seconds: None).listing(in_flight=3):
                while len(begun) < 4:
                    time.sleep(0.01)
                break
            assert sorted(begun) == sorted(ended) == sorted(set(begun)), "all have ended, and none was repeated"

    @pytest.mark.parametrize("body", [{}, [], None, {"users": None}, {"data": {"results": None}}, {"data": []}])
    def test_anything_else_is_no_listing(self, httpserver: HTTPServer, terra: Terra, body: Any) -> None:
        serve_pages(httpserver, ("0", body))
        with pytest.raises(SourceUnavailable, match="page 0 of the listing is no list"):
            list(terra.listing())


class TestLookup:
    def ask(self, httpserver: HTTPServer, body: Any, status: int = 200, **query: str) -> None:
        httpserver.expect_request("/api/v2/userInfo", query_string=query, headers=KEYS).respond_with_json(
            body, status=status
        )

    def test_a_user_is_returned_with_whether_the_consent_was_finished(
        self, httpserver: HTTPServer, terra: Terra
    ) -> None:
        self.ask(httpserver, answer("user_info"), user_id=ADA)
        info = terra.user(ADA)
        assert info is not None
        assert (info.user.user_id, info.user.provider, info.is_authenticated) == (ADA, "garmin", True)

    def test_a_404_means_no_user(self, httpserver: HTTPServer, terra: Terra) -> None:
        self.ask(httpserver, answer("problem_404"), 404, user_id="u-1")
        self.ask(httpserver, {"status": "error", "message": "User not found"}, 404, reference_id="ada")
        assert terra.user("u-1") is None
        assert terra.users_of("ada") == ()

    def test_another_404_does_not_mean_that_the_user_is_gone(self, httpserver: HTTPServer, terra: Terra) -> None:
        self.ask(httpserver, {"detail": "Not Found"}, 404, user_id="u-1")
        with pytest.raises(TerraRefused, match="Is the base URL right"):
            terra.user("u-1")

    @pytest.mark.parametrize("body", [[user("a"), user("b")], {"users": [user("a"), user("b")]}])
    def test_a_person_has_several_connections(self, httpserver: HTTPServer, terra: Terra, body: Any) -> None:
        self.ask(httpserver, body, reference_id="ada+1@example.com")
        assert [one.user_id for one in terra.users_of("ada+1@example.com")] == ["a", "b"]

    def test_a_person_may_be_returned_with_one_connection(self, httpserver: HTTPServer, terra: Terra) -> None:
        self.ask(httpserver, {"user": user("a"), "status": "success"}, reference_id="ada")
        assert [one.user_id for one in terra.users_of("ada")] == ["a"]


class TestBulk:
    def test_users_are_matched_by_id_in_any_order(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request("/api/v2/bulkUserInfo", method="POST", json=["a", "b", "c"]).respond_with_json(
            [user("c"), {"user_id": "b"}, user("unknown"), user("a")]
        )
        assert terra.users_in_bulk(["a", "b", "a", "c"]).keys() == {"a", "c"}

    def test_many_ids_are_sent_in_hundreds(self, httpserver: HTTPServer, terra: Terra) -> None:
        requested: list[int] = []

        def respond(request: Request) -> Response:
            ids = request.get_json()
            requested.append(len(ids))
            return Response(json.dumps([user(one) for one in ids]), content_type="application/json")

        httpserver.expect_request("/api/v2/bulkUserInfo").respond_with_handler(respond)
        assert len(terra.users_in_bulk([f"u-{number}" for number in range(250)])) == 250
        assert requested == [100, 100, 50]

    def test_an_unknown_id_does_not_spoil_the_others(self, httpserver: HTTPServer, terra: Terra) -> None:
        def respond(request: Request) -> Response:
            ids = request.get_json()
            if "gone" in ids:
                return Response(json.dumps(answer("problem_404")), 404, content_type="application/problem+json")
            return Response(json.dumps([user(one) for one in ids]), content_type="application/json")

        httpserver.expect_request("/api/v2/bulkUserInfo").respond_with_handler(respond)
        assert terra.users_in_bulk(["a", "b", "gone", "c", "d"]).keys() == {"a", "b", "c", "d"}

    def test_no_ids_cause_no_request(self, httpserver: HTTPServer, terra: Terra) -> None:
        assert terra.users_in_bulk([]) == {}
        assert httpserver.log == []


class TestLinks:
    def test_a_link_for_one_provider_is_minted(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request(
            "/api/v2/auth/authenticateUser",
            method="POST",
            query_string={"resource": "FITBIT"},
            headers=KEYS,
            json={
                "reference_id": "ada",
                "auth_success_redirect_url": "https://portal.example.com/r/back?attempt=1",
                "auth_failure_redirect_url": "https://portal.example.com/r/back?attempt=1&failed=1",
                "language": "de",
            },
        ).respond_with_json(answer("authenticate_user"))
        minted = terra.authenticate_user(
            "FITBIT",
            "ada",
            "https://portal.example.com/r/back?attempt=1",
            "https://portal.example.com/r/back?attempt=1&failed=1",
            "de",
        )
        assert minted == Minted(ADA_AGAIN, answer("authenticate_user")["auth_url"], None)

    def test_what_is_empty_is_not_sent(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request("/api/v2/auth/authenticateUser", json={}).respond_with_json(
            {**answer("authenticate_user"), "expires_in": 900}
        )
        assert terra.authenticate_user("OURA").expires_in == 900

    @pytest.mark.parametrize("status", [200, 201])
    def test_a_widget_session_offers_several_providers(self, httpserver: HTTPServer, terra: Terra, status: int) -> None:
        httpserver.expect_request(
            "/api/widget/session",
            method="POST",
            headers=KEYS,
            json={"providers": "GARMIN,OURA", "reference_id": "ada", "language": "en"},
        ).respond_with_json(answer("widget_session"), status=status)
        assert terra.widget_session(("GARMIN", "OURA"), "ada", language="en") == WidgetSession(
            "23dc2540-7139-44c6-8158-f81196e2cf2e", "https://widget.example.com/session/344d475f", 900
        )

    def test_a_provider_that_terra_does_not_know_is_refused(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request("/api/v2/auth/authenticateUser").respond_with_json(
            {"type": "about:blank", "title": "not found", "instance": "/", "detail": "unknown resource"}, status=404
        )
        with pytest.raises(TerraRefused, match="unknown resource") as refused:
            terra.authenticate_user("NOPE")
        assert not refused.value.not_found


class TestOthers:
    @pytest.mark.parametrize("response", [Response('{"status":"success"}'), Response("", 204)])
    def test_a_connection_is_ended(self, httpserver: HTTPServer, terra: Terra, response: Response) -> None:
        httpserver.expect_request(
            "/api/v2/auth/deauthenticateUser", method="DELETE", query_string={"user_id": ADA}, headers=KEYS
        ).respond_with_response(response)
        assert terra.deauthenticate(ADA) is True

    def test_a_connection_that_terra_does_not_know_cannot_be_ended(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request("/api/v2/auth/deauthenticateUser").respond_with_json(
            answer("problem_404"), status=404
        )
        assert terra.deauthenticate(ADA) is False

    def test_the_athlete_identifies_the_account(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request(
            "/api/v2/athlete", query_string={"user_id": ADA, "to_webhook": "false"}, headers=KEYS
        ).respond_with_json(answer("athlete"))
        athlete = terra.athlete(ADA)
        assert athlete.provider_user_id == "GARMIN-4711"
        assert athlete.user is not None
        assert athlete.user.reference_id == "ada"

    def test_an_acknowledgement_identifies_no_account(self, httpserver: HTTPServer, terra: Terra) -> None:
        httpserver.expect_request("/api/v2/athlete").respond_with_json({"status": "success", "type": "athlete"})
        assert (terra.athlete(ADA).provider_user_id, terra.athlete(ADA).user) == (None, None)

    def test_the_enabled_sources_are_requested_without_the_key(self, httpserver: HTTPServer, terra: Terra) -> None:
        received: list[Request] = []

        def respond(request: Request) -> Response:
            received.append(request)
            return Response(json.dumps(answer("integrations_detailed")), content_type="application/json")

        httpserver.expect_request("/api/v2/integrations/detailed").respond_with_handler(respond)
        assert terra.enabled_sources().names == ("APPLE", "FITBIT", "GARMIN", "OURA", "SAMSUNG")
        assert received[0].args["sdk"] == "true" and received[0].headers["dev-id"] == "testing-dev"
        assert "x-api-key" not in received[0].headers
