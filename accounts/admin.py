"""The operator's view of people, teams and invitations. Accounts are switched off here, not deleted: their work belongs to their teams."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts import services
from accounts.models import Invitation, Membership, Team, User

admin.site.unregister(Group)  # rights come from roles in teams, see access.py
admin.site.unregister([SocialApp, SocialToken])  # apps come from settings; a token is a secret of the person
admin.site.unregister([Authenticator, UserSession])  # shown below without what would let an operator sign in as somebody else


class TakenAwayOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Looked at, and deleted for a person who lost a phone or left a browser open; never written by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Authenticator)
class SecondStepAdmin(TakenAwayOnly):
    fields = list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)


@admin.register(UserSession)
class SessionAdmin(TakenAwayOnly):
    """Deleting one signs that browser out."""

    fields = list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    search_fields = ("user__email",)

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for one in queryset:
            one.end()


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    add_form = NewUserForm
    ordering = ("-date_joined",)
    list_display = ("email", "name", "is_active", "is_superuser", "is_owner", "date_joined", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    readonly_fields = ("is_owner", "last_login", "date_joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights in the studio", {"fields": ("is_active", "is_staff", "is_superuser", "is_owner")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.settle_account(obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "is_personal", "created_at", "deleted_at")
    list_filter = ("is_personal",)
    search_fields = ("name", "members__email", "members__name")
    readonly_fields = ("is_personal", "created_at", "deleted_at")
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a team starts with an owner and a wallet: people make it on their account page

    def has_delete_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("team", "email", "role", "invited_by", "created_at", "expires_at", "revoked_at", "accepted_at", "accepted_by")
    list_select_related = ("team", "invited_by", "accepted_by")
    search_fields = ("email", "team__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
