"""The catalogue of providers and their scopes, one YAML file for each provider, and how scope strings are read.

Pure Python: no Django, no database, no other package of this app. See `docs/adding-a-provider.md` to add a file.
"""

from scopes.catalogue.entries import Known, Provider, Scope
from scopes.catalogue.loading import Catalogue, default, load, provider_named, unknown_provider
from scopes.catalogue.scope_strings import ScopeStringError
from scopes.catalogue.yaml_page import CatalogueError

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Known",
    "Provider",
    "Scope",
    "ScopeStringError",
    "default",
    "load",
    "provider_named",
    "unknown_provider",
]
