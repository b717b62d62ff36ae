"""What is said to people about their link, in their languages. A language that lacks a sentence does not type-check.

Placeholders: {host} is the application that the person uses, {provider} whom they connect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Texts:
    """One language."""

    code: str
    name: str
    quoted: str
    # The page with the button
    reconnect: str
    connect: str
    lacks: str
    broken: str
    new: str
    renew: str
    missing: str
    asks_for: str
    needed_for: str
    called: str
    what_to_do: str
    keep_ticked: str
    go_on: str
    you_decide: str
    works_until: str
    not_expected: str
    # A link that cannot be used
    unknown_title: str
    unknown: str
    expired_title: str
    expired: str
    withdrawn_title: str
    withdrawn: str
    superseded_title: str
    superseded: str
    # A press that did not lead on
    too_many_title: str
    too_many: str
    try_later_title: str
    try_later: str
    cannot_connect: str
    # The return
    fixed_title: str
    fixed: str
    partly_title: str
    partly: str
    unchanged_title: str
    unchanged: str
    still_missing: str
    wrong_account_title: str
    wrong_account: str
    failed_title: str
    failed_scopes: str
    failed_refused: str
    failed: str
    waiting_title: str
    waiting: str
    look_again: str
    try_again: str
    over: str
    # The message that an agent pastes
    greeting: str
    greeting_without_name: str
    message_missing: str
    message_broken: str
    message_new: str
    message_renew: str
    message_box: str
    message_link: str
    message_end: str


EN = Texts(
    code="en",
    name="English",
    quoted="“{words}”",
    reconnect="Reconnect {provider}",
    connect="Connect {provider}",
    lacks="{host} is missing a permission from {provider}. You can give it now; it takes a minute.",
    broken="{host} can no longer read anything from {provider}. Connect again, and it goes on; it takes a minute.",
    new="{host} would like to read data from {provider}. Connecting takes a minute.",
    renew="{host} asks you to renew the connection to {provider}. It takes a minute.",
    missing="What is missing",
    asks_for="What {host} asks for",
    needed_for="Needed for {feature}.",
    called="{provider} calls it {box}.",
    what_to_do="On the next page",
    keep_ticked="These boxes must stay ticked, or no connection is made: {boxes}.",
    go_on="Continue to {provider}",
    you_decide="You will be taken to {provider}. You decide there what {host} may read.",
    works_until="This link works until {day}.",
    not_expected="You did not expect this? Then close this page: nothing has changed.",
    unknown_title="This link is not complete",
    unknown="We do not know this link. Perhaps a part of it got lost when it was copied: open it straight from the"
    " message that you received, or ask support for a new one.",
    expired_title="This link has expired",
    expired="Links work for a few days only. Nothing is lost: ask {host}'s support for a new one.",
    withdrawn_title="This link was withdrawn",
    withdrawn="{host}'s support has withdrawn this link. If you still miss something, please ask them.",
    superseded_title="There is a newer link",
    superseded="You were sent a newer link, and only that one works. Please look for the newest message.",
    too_many_title="Please wait a little",
    too_many="This link has been used several times within the last hour. Please try again in an hour: it still works.",
    try_later_title="This does not work at the moment",
    try_later="The service that connects you to {provider} cannot be reached just now. Nothing is lost: please try"
    " again in a few minutes, with the same link.",
    cannot_connect="{host} cannot make new connections at the moment. This is not your fault, and trying again soon"
    " will not help. Nothing is lost: {host}'s support sees it, and can tell you when this link works again.",
    fixed_title="Thank you, all is connected",
    fixed="{host} now has what it needs from {provider}. You can close this page.",
    partly_title="Almost there",
    partly="{provider} is connected, but something is still missing.",
    unchanged_title="Something is still missing",
    unchanged="{provider} is connected, but what was missing is missing still.",
    still_missing="Still missing",
    wrong_account_title="Was that another account?",
    wrong_account="It seems that you signed in to {provider} with another account than before. Please try again, and"
    " sign in with the account that you used until now.",
    failed_title="You are not connected yet",
    failed_scopes="{provider} made no connection, because a permission that it needs itself was left unticked.",
    failed_refused="{provider} made no connection, because the access was not allowed.",
    failed="{provider} made no connection.",
    waiting_title="Thank you, one moment",
    waiting="We are waiting for {provider} to confirm. This usually takes some seconds; you may also close this page.",
    look_again="Look again",
    try_again="Try again",
    over="If you would like to try again, ask {host}'s support for a new link.",
    greeting="Hello {name},",
    greeting_without_name="Hello,",
    message_missing="{host} is missing a permission from {provider}: {labels}. You can give it with this link:",
    message_broken="the connection between {host} and {provider} has stopped working. You can renew it with this link:",
    message_new="you can connect {provider} to {host} with this link:",
    message_renew="please renew the connection between {host} and {provider} with this link:",
    message_box="On the page of {provider}, please leave these ticked: {boxes}.",
    message_link="The link is for you alone and works until {day}.",
    message_end="Kind regards",
)

DE = Texts(
    code="de",
    name="Deutsch",
    quoted="„{words}“",
    reconnect="{provider} neu verbinden",
    connect="{provider} verbinden",
    lacks="{host} fehlt eine Berechtigung von {provider}. Sie können sie jetzt erteilen; es dauert eine Minute.",
    broken="{host} kann bei {provider} nichts mehr lesen. Verbinden Sie neu, dann geht es weiter; das dauert eine"
    " Minute.",
    new="{host} möchte Daten von {provider} lesen. Das Verbinden dauert eine Minute.",
    renew="{host} bittet Sie, die Verbindung zu {provider} zu erneuern. Das dauert eine Minute.",
    missing="Was fehlt",
    asks_for="Worum {host} bittet",
    needed_for="Nötig für {feature}.",
    called="Bei {provider} heißt es {box}.",
    what_to_do="Auf der nächsten Seite",
    keep_ticked="Diese Kästchen müssen angehakt bleiben, sonst kommt keine Verbindung zustande: {boxes}.",
    go_on="Weiter zu {provider}",
    you_decide="Sie kommen zur Seite von {provider}. Dort entscheiden Sie, was {host} lesen darf.",
    works_until="Dieser Link gilt bis {day}.",
    not_expected="Sie haben das nicht erwartet? Dann schließen Sie diese Seite: Es hat sich nichts geändert.",
    unknown_title="Dieser Link ist nicht vollständig",
    unknown="Wir kennen diesen Link nicht. Vielleicht ging beim Kopieren ein Teil verloren: Öffnen Sie ihn direkt aus"
    " der Nachricht, oder bitten Sie den Support um einen neuen.",
    expired_title="Dieser Link ist abgelaufen",
    expired="Links gelten nur einige Tage. Es ist nichts verloren: Bitten Sie den Support von {host} um einen neuen.",
    withdrawn_title="Dieser Link wurde zurückgezogen",
    withdrawn="Der Support von {host} hat diesen Link zurückgezogen. Wenn Ihnen etwas fehlt, fragen Sie dort nach.",
    superseded_title="Es gibt einen neueren Link",
    superseded="Sie haben einen neueren Link bekommen, und nur dieser gilt. Bitte suchen Sie die neueste Nachricht.",
    too_many_title="Bitte warten Sie ein wenig",
    too_many="Dieser Link wurde in der letzten Stunde mehrmals benutzt. Bitte versuchen Sie es in einer Stunde noch"
    " einmal: Er gilt weiter.",
    try_later_title="Das geht gerade nicht",
    try_later="Der Dienst, der Sie mit {provider} verbindet, ist gerade nicht erreichbar. Es ist nichts verloren: Bitte"
    " versuchen Sie es in einigen Minuten mit demselben Link noch einmal.",
    cannot_connect="{host} kann zurzeit keine neuen Verbindungen herstellen. Das liegt nicht an Ihnen, und ein neuer"
    " Versuch hilft vorerst nicht. Es ist nichts verloren: Der Support von {host} sieht das und kann Ihnen sagen, wann"
    " dieser Link wieder funktioniert.",
    fixed_title="Danke, alles ist verbunden",
    fixed="{host} hat jetzt von {provider}, was es braucht. Sie können diese Seite schließen.",
    partly_title="Fast geschafft",
    partly="{provider} ist verbunden, aber etwas fehlt noch.",
    unchanged_title="Etwas fehlt noch",
    unchanged="{provider} ist verbunden, aber was gefehlt hat, fehlt noch immer.",
    still_missing="Was noch fehlt",
    wrong_account_title="War das ein anderes Konto?",
    wrong_account="Es sieht so aus, als hätten Sie sich bei {provider} mit einem anderen Konto angemeldet als zuvor."
    " Bitte versuchen Sie es noch einmal mit dem Konto, das Sie bisher benutzt haben.",
    failed_title="Sie sind noch nicht verbunden",
    failed_scopes="{provider} hat keine Verbindung hergestellt, weil eine Berechtigung fehlte, die es selbst braucht.",
    failed_refused="{provider} hat keine Verbindung hergestellt, weil der Zugriff nicht erlaubt wurde.",
    failed="{provider} hat keine Verbindung hergestellt.",
    waiting_title="Danke, einen Moment",
    waiting="Wir warten auf die Bestätigung von {provider}. Das dauert meist einige Sekunden; Sie können diese Seite"
    " auch schließen.",
    look_again="Noch einmal nachsehen",
    try_again="Noch einmal versuchen",
    over="Wenn Sie es noch einmal versuchen möchten, bitten Sie den Support von {host} um einen neuen Link.",
    greeting="Hallo {name},",
    greeting_without_name="Hallo,",
    message_missing="{host} fehlt eine Berechtigung von {provider}: {labels}. Sie können sie mit diesem Link erteilen:",
    message_broken="die Verbindung von {host} zu {provider} besteht nicht mehr. Mit diesem Link erneuern Sie sie:",
    message_new="mit diesem Link können Sie {provider} mit {host} verbinden:",
    message_renew="bitte erneuern Sie die Verbindung von {host} zu {provider} mit diesem Link:",
    message_box="Bitte lassen Sie auf der Seite von {provider} angehakt: {boxes}.",
    message_link="Der Link ist nur für Sie und gilt bis {day}.",
    message_end="Freundliche Grüße",
)

LANGUAGES = {texts.code: texts for texts in (EN, DE)}


def in_language(wanted: str) -> Texts:
    """The texts for a locale such as `de`, `de-AT` or `de_DE`; English for a language that there is not."""
    return LANGUAGES.get(wanted.replace("_", "-").split("-")[0].strip().lower(), LANGUAGES[DEFAULT])


def accepted(header: str) -> Texts:
    """The first language of an Accept-Language header that there is; English else."""
    for wanted in header.split(","):
        texts = LANGUAGES.get(wanted.split(";")[0].split("-")[0].strip().lower())
        if texts is not None:
            return texts
    return LANGUAGES[DEFAULT]


def said(pairs: Iterable[tuple[str, str]], texts: Texts) -> str:
    """What of (language, text) pairs fits: this language, else English, else the first; empty where there is none."""
    known = dict(pairs)
    return known.get(texts.code) or known.get(DEFAULT) or next(iter(known.values()), "")
