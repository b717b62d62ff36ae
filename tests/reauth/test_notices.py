"""Every end of a link and of an attempt has its words."""

from __future__ import annotations

from django.utils import translation

from scopes.reauth import notices
from scopes.reauth.link_status import LinkStatus
from scopes.reauth.result import AttemptResult


def test_every_end_of_a_link_and_every_result_of_an_attempt_is_put_into_words() -> None:
    assert notices.LINKS.keys() == set(LinkStatus) - {LinkStatus.LIVE}
    assert notices.RESULTS.keys() == set(AttemptResult)
    unconnected = {result for result, notice in notices.RESULTS.items() if notice.title == notices.NOT_CONNECTED}
    assert notices.WHILE_CONNECTED.keys() == unconnected


def test_a_notice_is_translated_with_the_names_in_it() -> None:
    names = {"host": "Fit", "provider": "Oura"}
    assert notices.FIXED.translated(names).text == "Fit now has what it needs from Oura. You can close this page."
    with translation.override("de"):
        assert notices.FIXED.translated(names).title == "Danke, alles ist verbunden"
