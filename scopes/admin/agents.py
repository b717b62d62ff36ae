"""Who may sign in, and their roles: for those who manage agents. Nobody is deleted, so the trail keeps its names."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashWidget, UserChangeForm
from django.contrib.auth.models import User
from django.db.models import ManyToManyField, QuerySet
from django.forms import CheckboxSelectMultiple, Media
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin import sign_in_log
from scopes.admin.act_page import agent_of
from scopes.admin.lookups import READ, Listed, takes
from scopes.admin.site import desk
from scopes.admin.tags import chip, when
from scopes.models.trail import Act

WORDS: dict[str, tuple[Any, Any]] = {
    "email": (_("E-mail address"), ""),
    "is_active": (_("Active"), _("Untick it to remove access. The name stays in the logs.")),
    "is_staff": (_("May sign in"), ""),
    "is_superuser": (_("May do everything"), _("Whatever the roles say.")),
    "groups": (_("Roles"), ""),
    "password": (_("Password"), ""),
}


class NewPassword(ReadOnlyPasswordHashWidget):
    """The way to a new password, without what is stored of the old one."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return format_html('<a class="button" href="../password/">{}</a>', gettext("Set a new password"))


class AgentForm(UserChangeForm):  # type: ignore[type-arg]
    """An agent's data, in the desk's words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for name, field in self.fields.items():
            label, help_text = WORDS.get(name, ("", ""))
            field.label, field.help_text = label or field.label, help_text
        if "password" in self.fields:
            self.fields["password"].widget = NewPassword()


@admin.register(User, site=desk)
class Agents(Listed, UserAdmin):  # type: ignore[type-arg]
    """The list of agents, and the forms to let one in and to change their role."""

    explanation = _("Who may sign in, and what their roles let them do.")
    form = AgentForm
    actions = None
    list_display = ("username", "first_name", "last_name", "roles", "can_sign_in", "signed_in_last")
    list_filter = ("is_active", "groups")
    show_full_result_count = False
    filter_horizontal = ()
    readonly_fields = ("signed_in_last",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Who"), {"fields": ("first_name", "last_name", "email", "signed_in_last")}),
        (
            _("Access"),
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups"),
            },
        ),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    @takes(*READ)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": gettext("Agents"), **(extra_context or {})})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        context = {"heading": gettext("Agents"), "adding": gettext("Add an agent"), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        form.access_before = sign_in_log.access_of(User.objects.get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Django's, and what changed of the agent's access is in the activity log."""
        super().save_related(request, form, formsets, change)
        after = sign_in_log.access_of(form.instance)
        sign_in_log.access_changed(form.instance, form.access_before, after, Act(agent_of(request)), timezone.now())

    @property
    def media(self) -> Media:
        """Nothing: these forms need no script."""
        return Media()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("Roles"))
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or (
            gettext("everything") if user.is_superuser else gettext("none")
        )

    @admin.display(description=_("Can sign in"))
    def can_sign_in(self, user: User) -> SafeString:
        may = user.is_active and user.is_staff
        return chip(gettext("Yes"), "good", "check") if may else chip(gettext("No"), "quiet", "dash")

    @admin.display(description=_("Last signed in"))
    def signed_in_last(self, user: User) -> SafeString:
        return when(user.last_login, gettext("never"))

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = CheckboxSelectMultiple()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False
