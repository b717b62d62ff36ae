"""What is known of the providers and their scopes: one data file a provider, and how scope strings are read.

Words only: no Django, no database, nothing else of ours. `docs/adding-a-provider.md` tells how to add a file.
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
