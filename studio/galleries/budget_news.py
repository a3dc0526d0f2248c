"""News of a budget ring the bell and go out as letters (`settings.BUDGET_LISTENER`)."""

from __future__ import annotations

import structlog

from accounts import mails
from billing.services.budgets import News
from studio.galleries.notices import notify

log = structlog.get_logger(__name__)


def tell(news: News) -> None:
    """After the commit of what it tells. A letter that cannot be sent is noted in the log: the bell has rung."""
    notify(news.people, team=news.wallet.team, actor=news.actor, kind="budget", text=news.text)
    body = f"{mails.one_line(news.text)}\n\n{mails.absolute(news.path)}"
    letters = [mails.from_text(one.email, news.subject, body, button=news.button) for one in news.people if one != news.actor]
    for problem in filter(None, mails.send(letters) if letters else []):
        log.warning("budget_not_mailed", reason=problem)
