"""The log of a team: who did what. A service writes its line in the transaction of the change."""

from __future__ import annotations

from accounts.models import AuditEntry, Team, User


def record(team: Team, actor: User | None, action: str, text: str) -> AuditEntry:
    """Add a line. `action` is a code of a noun and a verb (`member.removed`); `text` goes on after the actor's name ("removed Bob Member").

    Without an actor it was the studio itself.
    """
    return AuditEntry.objects.create(team=team, actor=actor, actor_name=str(actor or "The studio")[:120], action=action, text=text[:300])
