"""Every address of the studio; a room's own stand in its `urls.py`, the probes (`/healthz`, `/readyz`, `/metrics`) in `middleware.py`."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.urls.resolvers import RegexPattern, RoutePattern
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

# The admin's own login page knows neither MFA nor rate limits: people sign in where everybody does.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Atelier"
admin.site.index_title = "Operator"


class Later(URLResolver):
    """Addresses whose module is read in when the first request for one comes, and not with those of the pages.

    What programs ask for takes more memory than all pages together. Its names live in a namespace: of that Django knows beforehand no
    more than what it is called.
    """

    def __init__(self, pattern: RoutePattern | RegexPattern, module: str, name: str) -> None:
        super().__init__(pattern, module, app_name=name, namespace=name)

    def _populate(self) -> None:
        """Called when the name of any page is looked up: then only if this has been read in already."""
        if "urlconf_module" in self.__dict__:
            super()._populate()

    @property
    def namespace_dict(self) -> dict[str, tuple[str, URLResolver]]:
        """Called when a name within is looked up."""
        super()._populate()
        return super().namespace_dict


handler500 = "studio.middleware.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    # A studio without people leads to /welcome/ (accounts.middleware), nobody signed in to the login page (create asks for it).
    path("", require_safe(RedirectView.as_view(pattern_name="create")), name="home"),
    path("", include("accounts.urls")),
    path("", include("billing.urls")),
    path("", include("studio.approvals.urls")),
    path("", include("studio.moderation.urls")),
    path("", include("studio.privacy.urls")),
    path("", include("studio.prompts.urls")),
    path("", include("studio.generation.urls")),
    path("", include("studio.galleries.urls")),
    path("", include("studio.developers.urls")),
    path("", include("studio.operator.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    Later(RoutePattern("api/v1/"), "studio.api.urls", "programs"),
    Later(RegexPattern("^(?:v1|v2beta|v2alpha)/"), "studio.api.stability.urls", "stability"),
]
