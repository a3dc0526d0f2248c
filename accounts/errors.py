"""What can go wrong with people, teams and invitations.

AccountError
├── AlreadyOwned            already_owned             the studio was opened before
├── PersonalTeam            personal_team             nobody can be invited into somebody's own team
└── InvitationError
    ├── InvitationUnknown   invitation_unknown        no such link
    ├── InvitationExpired   invitation_expired
    ├── InvitationRevoked   invitation_revoked
    ├── InvitationUsed      invitation_used
    ├── InvitationElsewhere invitation_elsewhere      it names another person's address
    └── AlreadyMember       already_member            who follows the link is in the team already; the link stays good
"""

from __future__ import annotations

from typing import ClassVar


class AccountError(Exception):
    """`code` is for programs, `message` is a sentence for people."""

    code: ClassVar[str] = "account_error"
    message: ClassVar[str] = "That did not work."

    def __str__(self) -> str:
        return self.message


class AlreadyOwned(AccountError):
    code = "already_owned"
    message = "This studio has an owner already. Sign in, or ask for an invitation."


class PersonalTeam(AccountError):
    code = "personal_team"
    message = "A personal team is for one person. Make a team, then invite people to it."


class InvitationError(AccountError):
    code = "invitation_error"


class InvitationUnknown(InvitationError):
    code = "invitation_unknown"
    message = "This invitation link is not complete, or it was never made here. Ask for it to be sent again."


class InvitationExpired(InvitationError):
    code = "invitation_expired"
    message = "This invitation has run out. Ask for a new one."


class InvitationRevoked(InvitationError):
    code = "invitation_revoked"
    message = "This invitation was taken back. Ask the person who sent it."


class InvitationUsed(InvitationError):
    code = "invitation_used"
    message = "This invitation has been used. Each link lets one person in."


class InvitationElsewhere(InvitationError):
    code = "invitation_elsewhere"
    message = "This invitation is for another e-mail address."


class AlreadyMember(InvitationError):
    code = "already_member"
    message = "You are in this team already."
