"""Who may sign in, and their roles: for those who manage agents. Nobody is deleted, so the trail keeps its names."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import ManyToManyField, QuerySet
from django.forms import CheckboxSelectMultiple, Media
from django.http import HttpRequest

from scopes.admin.site import desk


@admin.register(User, site=desk)
class Agents(UserAdmin):  # type: ignore[type-arg]
    """The list of agents, and the forms to let one in and to change their role."""

    actions = None
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    sortable_by = ()
    show_full_result_count = False
    filter_horizontal = ()
    readonly_fields = ("last_login",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Who", {"fields": ("first_name", "last_name", "email", "last_login")}),
        (
            "May",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups"),
                "description": "Untick “active” to take access away; “staff” lets one sign in here.",
            },
        ),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    @property
    def media(self) -> Media:
        """Nothing: these forms need no script."""
        return Media()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or ("everything" if user.is_superuser else "none")

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = CheckboxSelectMultiple()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False
