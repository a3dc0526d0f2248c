"""Addresses of the studio's own account pages; allauth's lie under `/accounts/`."""

from __future__ import annotations

from django.urls import path

from accounts import views
from accounts.pages import ending, invitations, log, members, team, terms

urlpatterns = [
    path("welcome/", views.welcome, name="welcome"),
    path("account/", views.account, name="account"),
    path("account/theme/", views.change_theme, name="account_theme"),
    path("account/team/", views.switch_team, name="team_switch"),
    path("account/teams/", views.new_team, name="new_team"),
    path("terms/", terms.terms, name="terms"),
    path("team/", team.team, name="team"),
    path("team/log/", log.log, name="team_log"),
    path("team/<int:team_id>/log.csv", log.download, name="team_log_csv"),
    path("team/<int:team_id>/name/", team.rename, name="team_rename"),
    path("team/<int:team_id>/members/<int:user_id>/role/", members.change_role, name="member_role"),
    path("team/<int:team_id>/members/<int:user_id>/remove/", members.remove, name="member_remove"),
    path("team/<int:team_id>/leave/", members.leave, name="team_leave"),
    path("team/<int:team_id>/hand-over/", members.hand_over, name="team_hand_over"),
    path("team/<int:team_id>/delete/", ending.delete, name="team_delete"),
    path("team/<int:team_id>/restore/", ending.restore, name="team_restore"),
    path("team/invitations/mail/", invitations.invite_by_mail, name="invite_by_mail"),
    path("team/invitations/link/", invitations.new_invitation, name="new_invitation"),
    path("team/invitations/<int:invitation_id>/resend/", invitations.resend_invitation, name="resend_invitation"),
    path("team/invitations/<int:invitation_id>/revoke/", invitations.revoke_invitation, name="revoke_invitation"),
    path("account/invitations/<int:invitation_id>/accept/", invitations.accept_invitation, name="accept_invitation"),
    path("account/invitations/<int:invitation_id>/decline/", invitations.decline_invitation, name="decline_invitation"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
]
