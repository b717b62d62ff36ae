"""Which scopes a consent screen offers, which ones people usually grant, and how Terra writes them."""

from __future__ import annotations

from scopes.catalogue.entries import Known, Provider

# Terra reads its diary with a user name and a key, and that way has no scopes.
WITHOUT_SCOPES = {"myfitnesspal"}


def terra_name(provider: Provider) -> str:
    """What Terra calls it."""
    return provider.names_at("terra")[0]


def offered_scopes(provider: Provider) -> tuple[str, ...]:
    """Every scope on the provider's consent screen; scopes with a successor are not offered any more."""
    if provider.slug in WITHOUT_SCOPES:
        return ()
    return tuple(scope.name for scope in provider.scopes if not scope.successor)


def reports_scopes(provider: Provider) -> bool:
    """Whether Terra reports scopes for connections to this provider."""
    return bool(offered_scopes(provider)) and not provider.on_device and provider.reports_scopes is not Known.NO


def common_grants(provider: Provider) -> tuple[tuple[str, ...], ...]:
    """One hundred equally likely grants: nearly all are complete, the others lack one scope or a few."""
    offered = offered_scopes(provider)
    mandatory = {scope.name for scope in provider.scopes if scope.mandatory}
    sensitive = {scope.name for scope in provider.scopes if scope.sensitive}
    optional = sorted((name for name in offered if name not in mandatory), key=lambda name: name not in sensitive)
    if provider.can_untick is Known.NO or not optional:
        return (offered,) * 100

    def without(refused: list[str]) -> tuple[str, ...]:
        return tuple(name for name in offered if name not in refused)

    answers = [without([name]) for name in optional[:6] for _ in range(2)]
    answers += [without(optional[:2])] * 3 + [without(optional[-2:])] * 2
    answers += [without(optional[1::2])] * 2 + [without(optional[1:])]
    answers = [answer for answer in answers if answer]
    return (*answers, *((offered,) * (100 - len(answers))))


def unordered_scopes(names: tuple[str, ...], turn: int) -> str:
    """The names joined by commas, in an arbitrary order that depends on `turn`, as Terra writes them."""
    start = turn % len(names) if names else 0
    return ",".join((*names[start:], *names[:start]))
