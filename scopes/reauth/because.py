"""Why the person is asked, in one sentence to them: for each reason that a link may go out for.

Placeholders are those of the texts: {host} and {provider}.
"""

from __future__ import annotations

from collections.abc import Mapping

from scopes.reauth.texts import DEFAULT, Texts

# The reasons of a need that is missing.
SCOPES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "declined": "It was not ticked when you connected {provider}.",
        "not_granted": "{provider} tells us that it is not allowed at the moment.",
        "removed_later": "You allowed it before, and it has been taken away since.",
        "requirement_raised": "We did not ask for it yet when you connected {provider}.",
        "renamed": "{provider} has replaced this permission with a new one, which you have not been asked for yet.",
        "not_reported": "{provider} does not tell us whether it is allowed.",
        "not_approved": "{provider} did not offer this to you until now.",
        "never_requested": "We did not ask for it until now.",
        "waived": "You decided against it before, and you can still change your mind.",
    },
    "de": {
        "declined": "Das war nicht angehakt, als Sie {provider} verbunden haben.",
        "not_granted": "{provider} teilt uns mit, dass das zurzeit nicht erlaubt ist.",
        "removed_later": "Sie hatten es erlaubt, und es ist seither weggefallen.",
        "requirement_raised": "Als Sie {provider} verbunden haben, haben wir danach noch nicht gefragt.",
        "renamed": "{provider} hat diese Berechtigung durch eine neue ersetzt, nach der Sie noch nicht gefragt wurden.",
        "not_reported": "{provider} teilt uns nicht mit, ob das erlaubt ist.",
        "not_approved": "{provider} hat Ihnen das bisher nicht angeboten.",
        "never_requested": "Bisher haben wir danach nicht gefragt.",
        "waived": "Sie haben sich früher dagegen entschieden und können das jederzeit ändern.",
    },
}

# The reasons of the connection itself.
LINKS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "attempt_failed": "Connecting {provider} was tried before, and did not come to its end.",
        "revoked": "At {provider}, the access of {host} was taken away.",
        "deauthorised": "The connection to {provider} was ended.",
        "token_rejected": "{provider} no longer accepts the access that you gave, perhaps after a new password.",
        "inactive": "The connection to {provider} has become inactive.",
        "unconfirmed": "The connection to {provider} could not be found lately.",
        "gone": "The connection to {provider} no longer exists.",
        "credential_changed": "The key or password with which you connected {provider} has changed.",
        "wrong_account": "Another account of {provider} was connected than the one that you used before.",
        "no_data_source": "The account that is connected at {provider} holds no data; your device may use another.",
        "user_limit": "{host} could not connect more people to {provider} for a while.",
        "provider_retired": "The service that you had connected was switched off; {provider} takes its place.",
    },
    "de": {
        "attempt_failed": "{provider} zu verbinden wurde schon versucht und nicht abgeschlossen.",
        "revoked": "Bei {provider} wurde {host} der Zugriff entzogen.",
        "deauthorised": "Die Verbindung zu {provider} wurde beendet.",
        "token_rejected": "{provider} nimmt den Zugriff nicht mehr an, vielleicht weil Sie ein neues Passwort haben.",
        "inactive": "Die Verbindung zu {provider} ist inaktiv geworden.",
        "unconfirmed": "Die Verbindung zu {provider} war zuletzt nicht zu finden.",
        "gone": "Die Verbindung zu {provider} gibt es nicht mehr.",
        "credential_changed": "Schlüssel oder Passwort, die Sie für {provider} angegeben haben, gelten nicht mehr.",
        "wrong_account": "Bei {provider} wurde ein anderes Konto verbunden als das, das Sie bisher benutzt haben.",
        "no_data_source": "Das bei {provider} verbundene Konto ist leer; Ihr Gerät benutzt vielleicht ein anderes.",
        "user_limit": "{host} konnte eine Zeit lang nicht mehr Menschen mit {provider} verbinden.",
        "provider_retired": "Der bisher verbundene Dienst wurde abgeschaltet; an seine Stelle tritt {provider}.",
    },
}


def because(reason: str, texts: Texts, provider: str, host: str) -> str:
    """The sentence for a reason, in that language; empty where there is nothing to say to the person."""
    code = texts.code if texts.code in SCOPES else DEFAULT
    sentence = {**SCOPES[code], **LINKS[code]}.get(reason, "")
    return sentence.format(provider=provider, host=host)
