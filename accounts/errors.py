"""What can go wrong with people, teams and invitations.

AccountError
├── AlreadyOwned            already_owned             the studio was opened before
├── PersonalTeam            personal_team             nobody can be invited into somebody's own team
├── TeamError
│   ├── StaysPersonal       stays_personal            somebody's own team is not left, handed over or deleted
│   ├── OwnerStays          owner_stays               nobody removes the owner or gives them another role
│   ├── OnlyHandedOver      only_handed_over          nobody is made an owner but by the owner who hands the team over
│   ├── LastOwner           last_owner                the only owner cannot leave
│   ├── NotAMember          not_a_member              the other person is not in the team (any more)
│   └── TooLate             too_late                  the deleted team cannot be brought back any more
├── KeyProblem
│   ├── KeyRefused          key_refused               a key that cannot be made or changed like this; `fields` says why
│   ├── BadKey              bad_key                   no key that holds: wrong, expired, revoked, or its person is out
│   │   └── NoKey           bad_key                   none came at all
│   ├── NotInTeam           not_in_team               the key does not work in the team that was named
│   ├── TermsNotAgreed      terms_not_agreed          its person has to say yes to the studio's terms first
│   └── ScopeMissing        scope_missing             `scope`: the key, or the role of its person, does not have it
└── InvitationError
    ├── InvitationUnknown   invitation_unknown        no such link
    ├── InvitationExpired   invitation_expired
    ├── InvitationRevoked   invitation_revoked
    ├── InvitationUsed      invitation_used
    ├── InvitationElsewhere invitation_elsewhere      it names another person's address
    ├── WasRemoved          was_removed               somebody took the person out of the team after the link was made
    ├── SentJustNow         sent_just_now             a letter went out less than a minute ago
    ├── NoSeat              no_seat                   the team has room for fewer people; the sentence says what to do
    ├── ManyLetters         many_letters              the person has sent as many today as one may
    └── AlreadyMember       already_member            who follows the link is in the team already; the link stays good
"""

from __future__ import annotations

from collections.abc import Mapping
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


class TeamError(AccountError):
    code = "team_error"


class StaysPersonal(TeamError):
    code = "stays_personal"
    message = "Your personal team is for you alone: it cannot be left, handed over or deleted."


class OwnerStays(TeamError):
    code = "owner_stays"
    message = "The owner of a team cannot be removed or given another role. Only they themselves can hand the team over."


class OnlyHandedOver(TeamError):
    code = "only_handed_over"
    message = "Nobody can be made an owner like this. The owner hands the team over."


class LastOwner(TeamError):
    code = "last_owner"
    message = "You own this team, so you cannot leave it. Hand it over to somebody first, or delete it."


class NotAMember(TeamError):
    code = "not_a_member"
    message = "This person is not in the team any more. Nothing was changed."


class TooLate(TeamError):
    code = "too_late"
    message = "It is too late: this team cannot be brought back any more."


class KeyProblem(AccountError):
    code = "key_problem"


class KeyRefused(KeyProblem):
    """`fields`: a sentence on each argument that is wrong, by its name; the message is the first of them."""

    code = "key_refused"

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        self.message = next(iter(self.fields.values()))  # type: ignore[misc]
        super().__init__(self.message)


class BadKey(KeyProblem):
    code = "bad_key"
    message = (
        "This API key does not hold: it is not complete, has expired or was revoked. Use another one; the developers’ page makes them."
    )


class NoKey(BadKey):
    """Nothing came where the key stands: programs treat it as they do a bad one."""

    message = (
        "No API key came. Send “Authorization: Bearer sk-…”: a key has no other place, be it another header or the address. "
        "The developers’ page makes them."
    )


class NotInTeam(KeyProblem):
    code = "not_in_team"
    message = "This API key does not work in the organization that was named. Leave the name out, or use a key that was made there."


class TermsNotAgreed(KeyProblem):
    code = "terms_not_agreed"
    message = "The terms of the studio have changed. Sign in there with a browser and agree to them; then this key works again."


class ScopeMissing(KeyProblem):
    """`scope` by its name; `by_role`: whether the key has it or not, its person may not do that in this team (any more)."""

    code = "scope_missing"

    def __init__(self, scope: str, *, by_role: bool = False) -> None:
        self.scope, self.by_role = scope, by_role
        if by_role:
            said = f"The person of this API key may not do that in this team: their role does not allow “{scope}”. Ask its owner."
        else:
            said = f"This API key does not have the scope “{scope}”. Give it that on the developers’ page, or use another key."
        self.message = said  # type: ignore[misc]
        super().__init__(said)


class InvitationError(AccountError):
    code = "invitation_error"


class InvitationUnknown(InvitationError):
    code = "invitation_unknown"
    message = "This invitation link is not complete, it was never made here, or a newer letter replaced it. Ask for another one."


class InvitationExpired(InvitationError):
    code = "invitation_expired"
    message = "This invitation has run out."


class InvitationRevoked(InvitationError):
    code = "invitation_revoked"
    message = "This invitation does not hold any more."


class InvitationUsed(InvitationError):
    code = "invitation_used"
    message = "This invitation is used up: as many people came in as it was made for."


class InvitationElsewhere(InvitationError):
    code = "invitation_elsewhere"
    message = "This invitation is for another e-mail address."


class WasRemoved(InvitationError):
    code = "was_removed"
    message = "You were removed from this team. Ask for an invitation to your address."


class SentJustNow(InvitationError):
    code = "sent_just_now"
    message = "That letter went out less than a minute ago. Give it a moment to arrive, then send it again."


class ManyLetters(InvitationError):
    code = "many_letters"
    message = "You have sent many letters today. Send this one again tomorrow, or make a link, which lets in any number of people."


class NoSeat(InvitationError):
    code = "no_seat"

    def __init__(self, message: str) -> None:
        self.message = message  # type: ignore[misc]
        super().__init__(message)


class AlreadyMember(InvitationError):
    code = "already_member"
    message = "You are in this team already."
