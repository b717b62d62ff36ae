"""HTML is compressed, unless it shows a secret: how long a compressed page is can give away what stands in it.

Secrets are shown in answer to a POST, which is never compressed, and by views with the attribute `shows_secret`. Tokens
of forms are masked anew in each page, and give nothing away.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class Compression(GZipMiddleware):
    """Compresses pages for browsers that take gzip."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, compressed if it is a page without a secret."""
        view = request.resolver_match.func if request.resolver_match else None
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if request.method != "GET" or not is_page or getattr(view, "shows_secret", False):
            return response
        return super().process_response(request, response)
