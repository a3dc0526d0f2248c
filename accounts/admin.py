"""The operator's view of people, teams, invitations and terms.

Accounts are switched off here, not deleted: their work belongs to their teams.
"""

from __future__ import annotations

from typing import Any, cast

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from accounts import audit, departing, members, services, terms
from accounts.models import Agreement, Invitation, Membership, Role, Team, Terms, User

NO_OWNER = "A team needs an owner. Give that role to one of its members in the same step."
MANY_OWNERS = "A team has one owner. Give the others another role."

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


class MembershipFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        """A team has one owner, whatever else is changed: counted on the rows as they are now, with the team's held until the commit."""
        super().clean()
        if any(self.errors):
            return
        roles: dict[Any, str] = dict(members.lock(self.instance).memberships.values_list("pk", "role"))
        for form in self.forms:
            if form in self.deleted_forms:
                roles.pop(form.instance.pk, None)
            elif form.has_changed():
                roles[form.instance.pk or form.prefix] = form.cleaned_data["role"]
        owners = list(roles.values()).count(Role.OWNER)
        if owners != 1:
            raise ValidationError(NO_OWNER if owners == 0 else MANY_OWNERS)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    formset = MembershipFormSet
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
    """What an operator does to a team's members stands in the team's log, as what an admin of the team does."""

    list_display = ("name", "is_personal", "created_at", "deleted_at")
    list_filter = ("is_personal",)
    search_fields = ("name", "members__email", "members__name")
    readonly_fields = ("is_personal", "created_at", "deleted_at")
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a team starts with an owner and a wallet: people make it on their account page

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "name" in form.changed_data:
            audit.record(obj, cast(User, request.user), "team.renamed", f"renamed the team to {obj.name}, as an operator")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        said = [
            *(("member.added", f"put {one.user} into the team as {one.role}", one) for one in formset.new_objects),
            *(("member.role", f"made {one.user} {one.role}", one) for one, _ in formset.changed_objects),
            *(("member.removed", f"removed {one.user} from the team", one) for one in formset.deleted_objects),
        ]
        for action, text, place in said:
            audit.record(form.instance, cast(User, request.user), action, f"{text}, as an operator")
            if action == "member.removed":
                members.keep_out(form.instance, place.user)
                departing.hand_to_team(form.instance, place.user)
            else:
                members.let_in(form.instance, place.user)
            members.tell([place.user_id])

    def has_delete_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("team", "email", "role", "uses", "max_uses", "invited_by", "created_at", "sent_at", "expires_at", "revoked_at")
    list_select_related = ("team", "invited_by")
    search_fields = ("email", "team__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Terms)
class TermsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """One draft at a time. What is published is agreed to as it stands: it is only read, and replaced by the next version."""

    list_display = ("version", "state", "summary", "published_at", "people_who_agreed")
    ordering = ("-version",)
    fields = ("text", "summary")
    change_form_template = "admin/accounts/terms/change_form.html"

    @admin.display(description="State")
    def state(self, row: Terms) -> str:
        if row.published_at is None:
            return "Draft"
        return "In force" if row.version == terms.version_in_force() else "Past"

    @admin.display(description="People who agreed")
    def people_who_agreed(self, row: Terms) -> str:
        people = User.objects.filter(is_active=True).count()
        return f"{row.agreements.filter(user__is_active=True).count()} of {people}" if row.published_at else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and terms.draft() is None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and obj.published_at is None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new version starts from the text in force."""
        form = super().get_form(request, obj, change=change, **kwargs)
        now = terms.in_force()
        if obj is None and now and "text" in form.base_fields:
            form.base_fields["text"].initial = now.text
        return form

    def save_model(self, request: HttpRequest, obj: Terms, form: Any, change: bool) -> None:
        if not change:
            obj.version = terms.next_version()
            super().save_model(request, obj, form, change)
        elif not terms.rewrite(obj):
            raise PermissionDenied("It was published while you wrote.")
        if "_publish" in request.POST and terms.publish(obj):
            messages.success(request, f"{obj} is in force. Everybody is asked to agree, you too.")


@admin.register(Agreement)
class AgreementAdmin(TakenAwayOnly):
    """Who agreed to what, and when: evidence, so nobody changes it."""

    list_display = ("user", "terms", "agreed_at")
    list_filter = ("terms",)
    list_select_related = ("user", "terms")
    search_fields = ("user__email", "user__name")
    date_hierarchy = "agreed_at"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
