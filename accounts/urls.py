"""Addresses of the studio's own account pages; allauth's lie under `/accounts/`."""

from __future__ import annotations

from django.urls import path

from accounts import views
from accounts.pages import team

urlpatterns = [
    path("welcome/", views.welcome, name="welcome"),
    path("account/", views.account, name="account"),
    path("account/theme/", views.change_theme, name="account_theme"),
    path("account/team/", views.switch_team, name="team_switch"),
    path("account/teams/", views.new_team, name="new_team"),
    path("team/", team.team, name="team"),
    path("account/invitations/", views.new_invitation, name="new_invitation"),
    path("account/invitations/<int:invitation_id>/revoke/", views.revoke_invitation, name="revoke_invitation"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
]
