"""The rows of the access matrix: every route and method of the studio, and who gets in. `tests/test_access_matrix.py` knocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from accounts.models import Team, User
from studio.generation.models import Artifact, Job

PEOPLE = ("owner", "admin", "creator", "viewer", "stranger", "holder", "nobody")
SIGN_IN = "/accounts/login/"
IN = {200, 204, 206, 304, 302, 303, 400, 409, 410, 413, 415, 422, 429}
"""Answers to somebody who may be there; 302 only when it does not lead to the sign-in page."""


@dataclass
class World:
    """The team's things that routes name."""

    team: Team
    people: dict[str, User]
    picture: Artifact
    waiting: Job
    failed: Job
    kept: dict[str, Any] = field(default_factory=dict)


Arguments = Callable[[World, str], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    name: str
    method: str
    who: str
    arguments: Arguments = lambda world, person: {}
    data: Arguments = lambda world, person: {}


def _team(world: World, person: str) -> dict[str, Any]:
    return {"team_id": world.team.pk}


def _member(world: World, person: str) -> dict[str, Any]:
    return {"team_id": world.team.pk, "user_id": world.people["viewer"].pk}


def _two(world: World, person: str) -> dict[str, Any]:
    return {"artifact_id": world.picture.pk, "other_id": world.kept["other"].pk}


def _shared(variant: str = "", *, picture: bool = False) -> Arguments:
    """Addresses behind a share link. Nobody has only made one up."""

    def arguments(world: World, person: str) -> dict[str, Any]:
        found: dict[str, Any] = {"token": "made-up" if person == "nobody" else world.kept["token"]}
        return found | ({"artifact_id": world.picture.pk} if picture else {}) | ({"variant": variant} if variant else {})

    return arguments


def _public(variant: str = "", *, picture: bool = False) -> Arguments:
    def arguments(world: World, person: str) -> dict[str, Any]:
        found: dict[str, Any] = {"gallery_id": world.kept["public"].pk}
        return found | ({"artifact_id": world.picture.pk} if picture else {}) | ({"variant": variant} if variant else {})

    return arguments


def _key(world: World, person: str) -> dict[str, Any]:
    """A key that the creator made."""
    return {"public_id": world.kept["key"].public_id}


def _compared(*names: str) -> Arguments:
    """A template of which two versions were tried, and the batch of them."""

    def arguments(world: World, person: str) -> dict[str, Any]:
        batch = world.kept["compared"]
        ids = {"template": batch.template_version.template_id, "batch": batch.pk}
        return {f"{name}_id": ids[name] for name in names}

    return arguments


def _chosen(world: World, person: str) -> dict[str, Any]:
    return {"ids": [str(world.picture.pk)]}


def _in_gallery(world: World, person: str) -> dict[str, Any]:
    return {"artifact": str(world.picture.pk), "to": "front"}


def _bulk(action: str) -> Arguments:
    return lambda world, person: {"action": action}


def _picture(world: World, person: str) -> dict[str, Any]:
    return {"artifact_id": world.picture.pk}


def _file(variant: str) -> Arguments:
    return lambda world, person: {"artifact_id": world.picture.pk, "variant": variant}


def _waiting(world: World, person: str) -> dict[str, Any]:
    return {"job_id": world.waiting.pk}


def _null_queue(world: World, person: str) -> dict[str, Any]:
    return {"queue": "null"}


def _failed(world: World, person: str) -> dict[str, Any]:
    return {"job_id": world.failed.pk}


def _preview(world: World, person: str) -> dict[str, Any]:
    return {"artifact_id": world.kept["preview"].pk}


def _invited(world: World, person: str) -> dict[str, Any]:
    """A link that is open to whoever has it."""
    return {"token": world.kept["way_in"]}


def _reported(world: World, person: str) -> dict[str, Any]:
    return {"reason": "mine", "text": "That is my house."}


def _this_month(world: World, person: str) -> dict[str, Any]:
    """The month of the team's first entries; a stranger's own wallet has none before it is opened, which the page itself does."""
    return {"month": f"{timezone.localdate():%Y-%m}"}


def _kept(name: str, argument: str) -> Arguments:
    return lambda world, person: {argument: world.kept[name].pk}


def _shown(world: World, person: str) -> dict[str, Any]:
    """A template's link. Nobody has only made one up."""
    return {"token": "made-up" if person == "nobody" else world.kept["shown"]}


def _version(world: World, person: str) -> dict[str, Any]:
    return {"template_id": world.kept["template"].pk, "number": 1}


ROWS = [
    # --- the entrance, and a person's own pages: a stranger sees their own
    Row("home", "GET", "+++++++"),
    Row("welcome", "GET", "+++++++"),
    Row("welcome", "POST", "+++++++"),
    Row("account", "GET", "+++++>>"),
    Row("account", "POST", "+++++>>", data=lambda world, person: {"name": "Another Name"}),
    Row("account_theme", "POST", "+++++>>", data=lambda world, person: {"theme": "dark"}),
    Row("team_switch", "POST", "++++0>>", data=lambda world, person: {"team": world.team.pk}),
    Row("new_team", "POST", "+++++>>"),
    Row("new_team", "GET", "+++++>>"),
    Row("terms", "GET", "0000000"),  # there are none: else everybody would be led there first (tests/accounts/test_terms.py)
    Row("terms", "POST", "0000000"),
    Row("your_data", "GET", "+++++>>"),
    Row("export", "POST", "+++++>>"),
    Row("delete_account", "GET", "+++++>>"),
    Row("delete_account", "POST", "+++++>>"),
    Row("account_deleted", "GET", "+++++++"),
    Row("accept_invitation", "POST", "00000>>", _kept("invitation", "invitation_id")),
    Row("decline_invitation", "POST", "00000>>", _kept("invitation", "invitation_id")),
    Row("invitation", "GET", "+++++++", lambda world, person: {"token": "unknown"}),
    Row("invitation", "GET", "+++++++", _invited),
    Row("invitation", "POST", "+++++++", _invited),  # nobody without an account is led back to it, to sign in or up from there
    # --- a team: a stranger who names no team is in their own
    Row("team", "GET", "+++++>>"),
    Row("team_log", "GET", "++FF+>>"),
    Row("team_log_csv", "GET", "++FF0>>", _team),
    Row("team_rename", "POST", "++FF0>>", _team),
    Row("member_role", "POST", "++FF0>>", _member),
    Row("member_remove", "POST", "++FF0>>", _member),
    Row("member_remove", "GET", "++FF0>>", _member),
    Row("team_leave", "POST", "++++0>>", _team),
    Row("team_leave", "GET", "++++0>>", _team),
    Row("team_hand_over", "GET", "+FFF0>>", _team),
    Row("team_hand_over", "POST", "+FFF0>>", _team, lambda world, person: {"person": world.people["viewer"].pk, "sure": "on"}),
    Row("team_delete", "GET", "+FFF0>>", _team),
    Row("team_delete", "POST", "+FFF0>>", _team, lambda world, person: {"name": world.team.name}),
    Row("team_restore", "POST", "00000>>", _team),
    Row("invite_by_mail", "POST", "++FF0>>", data=lambda world, person: {"team": world.team.pk}),
    Row("new_invitation", "POST", "++FF0>>", data=lambda world, person: {"team": world.team.pk}),
    Row("resend_invitation", "POST", "++FF0>>", _kept("letter", "invitation_id")),
    Row("revoke_invitation", "POST", "++FF0>>", _kept("invitation", "invitation_id")),
    Row("team_words", "GET", "++FF+>>"),
    Row("team_words", "POST", "++FF+>>"),
    # --- templates: everybody reads the team's, who makes pictures writes; what somebody keeps private is nobody else's (tests/prompts)
    Row("templates", "GET", "+++++>>"),
    Row("template_new", "GET", "+++F+>>"),
    Row(
        "template_new",
        "POST",
        "+++F+>>",
        data=lambda world, person: {"name": "A", "section.prompt.name": "prompt", "section.prompt.text": "a"},
    ),
    Row("template_new_preview", "POST", "+++F+>>"),
    Row("template_settings", "POST", "+++F+>>"),
    Row("template", "GET", "++++0>>", _kept("template", "template_id")),
    Row("template", "POST", "+++F0>>", _kept("template", "template_id")),
    Row("template_preview", "POST", "++++0>>", _kept("template", "template_id")),
    Row("template_diff", "GET", "++++0>>", _kept("template", "template_id")),
    Row("template_describe", "POST", "+++F0>>", _kept("template", "template_id"), lambda world, person: {"name": "Another"}),
    Row("template_favorite", "POST", "++++0>>", _kept("template", "template_id"), lambda world, person: {"on": "1"}),
    Row("template_archive", "POST", "+++F0>>", _kept("template", "template_id")),
    Row("template_visibility", "POST", "+++F0>>", _kept("template", "template_id"), lambda world, person: {"visibility": "team"}),
    Row("template_cover", "GET", "++++0>>", _kept("template", "template_id")),
    Row("template_cover", "POST", "+++F0>>", _kept("template", "template_id"), lambda world, person: {"picture": str(world.picture.pk)}),
    Row("template_link", "POST", "++FF0>>", _kept("template", "template_id"), lambda world, person: {"open": "1"}),
    Row("templates_import", "GET", "+++F+>>"),
    Row("templates_import", "POST", "+++F+>>"),
    Row("templates_export", "GET", "+++++>>"),
    Row("template_starters", "GET", "+++++>>"),
    Row("template_starter", "POST", "+++F+>>", lambda world, person: {"slug": "logo"}),
    Row("template_starter_cover", "GET", "+++++>>", lambda world, person: {"slug": "storyboard"}),
    # --- developers: everybody makes keys of what they may do; a key is its person's, and is seen by who administers the team
    Row("developers", "GET", "+++++>>"),
    Row("developer_key_new", "GET", "+++++>>"),
    Row("developer_key_new", "POST", "+++++>>"),
    Row("developer_key", "GET", "+++00>>", _key),
    Row("developer_key_made", "GET", "+++00>>", _key),
    Row("developer_key_change", "GET", "+++00>>", _key),
    Row("developer_key_change", "POST", "+++00>>", _key),
    Row("developer_key_rotate", "GET", "FF+00>>", _key),
    Row("developer_key_rotate", "POST", "FF+00>>", _key, lambda world, person: {"overlap": "24"}),
    Row("developer_key_revoke", "GET", "+++00>>", _key),
    Row("developer_key_revoke", "POST", "+++00>>", _key),
    Row("developer_examples", "GET", "+++++>>"),
    Row("developer_webhooks", "GET", "++FF+>>"),
    Row("developer_webhook_new", "GET", "++FF+>>"),
    Row("developer_webhook_new", "POST", "++FF+>>"),
    Row("developer_webhook", "GET", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_change", "GET", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_change", "POST", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_secret", "GET", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_secret", "POST", "++FF0>>", _kept("endpoint", "endpoint_id"), lambda world, person: {"overlap": "24"}),
    Row("developer_webhook_test", "POST", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_on", "POST", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_off", "POST", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_delete", "GET", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_webhook_delete", "POST", "++FF0>>", _kept("endpoint", "endpoint_id")),
    Row("developer_delivery", "GET", "++FF0>>", _kept("delivery", "delivery_id")),
    Row("developer_delivery_again", "POST", "++FF0>>", _kept("delivery", "delivery_id")),
    # --- the operator's: none of these people is one
    Row("operator", "GET", "00000>>"),
    Row("operator_rates", "GET", "00000>>"),
    Row("operator_pause", "GET", "00000>>", _null_queue),
    Row("operator_pause", "POST", "00000>>", _null_queue),
    Row("operator_resume", "POST", "00000>>", _null_queue),
    Row("operator_running", "GET", "00000>>"),
    Row("operator_waiting", "GET", "00000>>"),
    Row("operator_job", "GET", "00000>>", _waiting),
    Row("operator_front", "POST", "00000>>", _waiting),
    Row("operator_stop", "POST", "00000>>", _waiting),
    # --- what people outside see of a template: whoever has its link
    Row("shared_template", "GET", "++++++0", _shown),
    Row("shared_template_cover", "GET", "++++++0", _shown),
    Row("shared_template_file", "GET", "++++++0", _shown),
    Row("shared_template_take", "POST", "+++F+>>", _shown),
    Row("template_version", "GET", "++++0>>", _version),
    Row("template_publish", "POST", "+++F0>>", _version),
    Row("template_restore", "POST", "+++F0>>", _version),
    # --- brand rules: everybody reads them, who administers writes; lists of words: who makes pictures writes, in their own team
    Row("brand_rules", "GET", "+++++>>"),
    Row("brand_rule_new", "GET", "++FF+>>", lambda world, person: {"kind": "banned"}),
    Row("brand_rule_new", "POST", "++FF+>>", lambda world, person: {"kind": "size"}, lambda world, person: {"name": "A", "ratios": "1:1"}),
    Row("brand_rule", "GET", "++FF0>>", _kept("brand", "rule_id")),
    Row("brand_rule", "POST", "++FF0>>", _kept("brand", "rule_id"), lambda world, person: {"name": "Rivals", "words": "Acme"}),
    Row("brand_rule_delete", "POST", "++FF0>>", _kept("brand", "rule_id")),
    Row("wildcards", "GET", "+++++>>"),
    Row("wildcard_new", "GET", "+++F+>>"),
    Row("wildcard_new", "POST", "+++F+>>", data=lambda world, person: {"name": "boat", "lines": "dinghy"}),
    Row("wildcard", "GET", "++++0>>", lambda world, person: {"name": "harbour"}),
    Row("wildcard", "POST", "+++F0>>", lambda world, person: {"name": "harbour"}, lambda world, person: {"name": "quay", "lines": "crane"}),
    Row("wildcard_delete", "POST", "+++F0>>", lambda world, person: {"name": "harbour"}),
    Row("wallet", "GET", "+++++>>"),
    Row("wallet_csv", "GET", "+++++>>"),
    Row("wallet_statements", "GET", "+++++>>"),
    Row("wallet_statement_pdf", "GET", "++++0>>", _this_month),
    Row("wallet_alert", "POST", "++FF+>>", data=lambda world, person: {"low_below": "5"}),
    Row("wallet_of_team", "GET", "++++0>>", _team),
    Row("wallet_entry", "GET", "++++0>>", lambda world, person: {"entry_id": world.waiting.hold.entries.get().pk}),
    Row("wallet_hold", "GET", "++++0>>", lambda world, person: {"hold_id": world.waiting.hold_id}),
    # --- buying: who may spend sees what is and was bought, who may administer buys and gives back; a stranger is in their own team
    Row("buy", "GET", "+++F+>>"),
    Row("buy", "POST", "++FF+>>"),
    Row("purchases", "GET", "+++F+>>"),
    Row("purchase", "GET", "+++F0>>", _kept("purchase", "purchase_id")),
    Row("purchase_cancel", "POST", "++FF0>>", _kept("purchase", "purchase_id")),
    Row("purchase_refund", "GET", "++FF0>>", _kept("purchase", "purchase_id")),
    Row("purchase_refund", "POST", "++FF0>>", _kept("purchase", "purchase_id")),
    Row("payment_webhook", "POST", "+++++++", lambda world, person: {"gateway": "manual"}),  # nobody is let in without a signature: 400
    Row("plan", "GET", "+++++>>"),
    # The studio as it comes sells no plans: whoever may change the plan, here or in a team of their own, finds nothing to change.
    Row("plan_change", "GET", "00FF0>>", lambda world, person: {"slug": "pro"}),
    Row("plan_change", "POST", "00FF0>>", lambda world, person: {"slug": "pro"}),
    Row("plan_keep", "POST", "00FF0>>"),
    Row("plan_cancel", "POST", "00FF0>>"),
    Row("plan_resume", "POST", "00FF0>>"),
    Row("plan_pay", "GET", "00FF0>>"),
    # --- budgets: everybody sees their own, who may spend asks for more, who may administer sets them and answers
    Row("budgets", "GET", "+++++>>"),
    Row("budgets_of_team", "GET", "++++0>>", _team),
    Row("budget_set", "POST", "++FF+>>", data=lambda world, person: {"whose": "team"}),
    Row("budget_ask", "GET", "+++F+>>"),
    Row("budget_ask", "POST", "+++F+>>"),
    Row("budget_request", "GET", "++FF0>>", _kept("asked", "request_id")),
    Row("budget_request", "POST", "++FF0>>", _kept("asked", "request_id"), lambda world, person: {"decision": "approve"}),
    Row("budget_withdraw", "POST", "00+00>>", _kept("asked", "request_id")),
    Row("redeem", "GET", "++FF+>>"),
    Row("redeem", "POST", "++FF+>>", data=lambda world, person: {"code": "NO-SUCH-CODE"}),
    # --- approval
    Row("wallet_rules", "GET", "++FF+>>"),
    Row("wallet_rules", "POST", "++FF+>>", data=lambda world, person: {"kind": "pictures", "pictures-threshold": 20}),
    Row("rule_switch", "POST", "++FF0>>", _kept("rule", "rule_id")),
    Row("rule_delete", "POST", "++FF0>>", _kept("rule", "rule_id")),
    Row("wallet_approvals", "GET", "+++F+>>"),
    Row("wallet_approval", "GET", "+++F0>>", _kept("waits", "job_id")),
    Row("wallet_approval", "POST", "++FF0>>", _kept("waits", "job_id")),
    Row("wallet_batch_approval", "POST", "++FF0>>", _kept("asked_batch", "batch_id")),
    # --- making: who only looks may open the page and press nothing; a stranger is in a team of their own
    Row("create", "GET", "+++++>>"),
    Row("create", "POST", "+++F+>>"),
    Row("create_form", "GET", "+++F+>>"),
    Row("create_engine", "GET", "+++F+>>"),
    Row("make_final", "POST", "+++F0>>", _preview),
    Row("create_quote", "POST", "+++F+>>"),
    Row("create_templates", "GET", "+++F+>>"),
    Row("prompt_history", "GET", "+++F+>>"),
    Row("job", "GET", "++++0>>", _waiting),
    Row("job_stage", "GET", "++++0>>", _waiting),
    Row("batch_table", "GET", "+++F+>>"),
    Row("batch_table", "POST", "+++F+>>"),
    Row("batch_example", "GET", "+++F+>>"),
    Row("grid", "GET", "+++F+>>"),
    Row("grid", "POST", "+++F+>>"),
    Row("template_compare", "GET", "+++F0>>", _compared("template")),
    Row("template_compare", "POST", "+++F0>>", _compared("template")),
    Row("template_comparison", "GET", "++++0>>", _compared("template", "batch")),
    Row("batch", "GET", "++++0>>", _kept("batch", "batch_id")),
    Row("batch_changes", "GET", "++++0>>", _kept("batch", "batch_id")),
    Row("batch_pause", "POST", "+++F0>>", _kept("batch", "batch_id")),
    Row("batch_go_on", "POST", "+++F0>>", _kept("batch", "batch_id")),
    Row("batch_cancel", "POST", "+++F0>>", _kept("batch", "batch_id")),
    Row("batch_retry", "POST", "+++F0>>", _kept("batch", "batch_id")),
    Row("job_cancel", "POST", "+++F0>>", _waiting),
    Row("job_retry", "POST", "+++F0>>", _failed),
    Row("job_preview", "GET", "00000>>", lambda world, person: {"job_id": world.waiting.pk, "step": 1}),
    Row("input_upload", "POST", "+++F+>>"),
    Row("input_read", "POST", "+++++>>"),
    Row("input_choose", "GET", "+++F+>>"),
    Row("input_from_library", "POST", "+++F0>>", _picture),
    Row("input_file", "GET", "++++0>>", _kept("input", "input_id")),
    # --- the library
    Row("library", "GET", "+++++>>"),
    Row("picture", "GET", "++++0>>", _picture),
    Row("picture_file", "GET", "++++0>>", _file("original")),
    Row("picture_file", "GET", "++++0>>", _file("thumb")),
    Row("picture_download", "GET", "++++0>>", _picture),
    Row("picture_delete", "POST", "+++F0>>", _picture),
    Row("picture_restore", "POST", "+++F0>>", _picture),
    Row("job_restore", "POST", "+++F0>>", _failed),
    Row("pictures_zip", "POST", "+++++>>", data=_chosen),
    Row("library_upload", "GET", "+++F+>>"),
    Row("library_upload", "POST", "+++F+>>"),
    Row("bulk", "POST", "+++F0>>", _bulk("trash"), _chosen),
    Row("bulk", "POST", "+++F0>>", _bulk("tag"), _chosen),
    Row("bulk", "POST", "++++0>>", _bulk("rate"), lambda world, person: {**_chosen(world, person), "rating": 3}),
    Row("bulk", "POST", "++++0>>", _bulk("favourite"), lambda world, person: {**_chosen(world, person), "on": 1}),
    Row("bulk", "POST", "+++F0>>", _bulk("gallery"), _chosen),
    Row("bulk", "POST", "00000>>", _bulk("nonsense"), _chosen),
    Row("bulk_undo", "POST", "+++++>>"),
    Row("library_tags", "GET", "+++++>>"),
    Row("library_tiles", "GET", "+++++>>"),
    Row("trash", "GET", "+++F+>>"),
    Row("trash_empty", "POST", "++FF+>>"),
    # --- a picture, looked at closely and talked about
    Row("picture_mark", "POST", "++++0>>", _picture, lambda world, person: {"rating": 4}),
    Row("picture_difference_choice", "GET", "++++0>>", _picture),
    Row("picture_difference", "GET", "++++0>>", _two),
    Row("picture_compare_choice", "GET", "++++0>>", _picture),
    Row("picture_compare", "GET", "++++0>>", _two),
    Row("picture_talk", "GET", "++++0>>", _picture),
    Row("picture_talk", "POST", "++++0>>", _picture, lambda world, person: {"text": "Lovely"}),
    Row("comment_change", "POST", "FF+F0>>", _kept("comment", "comment_id"), lambda world, person: {"text": "Better"}),
    Row("comment_delete", "POST", "+++F0>>", _kept("comment", "comment_id")),
    Row("notices", "GET", "+++++>>"),
    Row("notices_read", "POST", "+++++>>"),
    Row("notice_open", "GET", "+0000>>", _kept("notice", "notice_id")),
    # --- galleries
    Row("galleries", "GET", "+++++>>"),
    Row("gallery_new", "POST", "+++F+>>"),
    Row("gallery_new", "GET", "+++F+>>"),
    Row("gallery_targets", "GET", "+++F+>>"),
    Row("gallery", "GET", "++++0>>", _kept("gallery", "gallery_id")),
    Row("gallery", "GET", "00+00>>", _kept("private", "gallery_id")),
    Row("gallery_edit", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_delete", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_restore", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_add", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_move", "POST", "+++F0>>", _kept("gallery", "gallery_id"), _in_gallery),
    Row("gallery_cover", "POST", "+++F0>>", _kept("gallery", "gallery_id"), _in_gallery),
    Row("gallery_remove", "POST", "+++F0>>", _kept("gallery", "gallery_id"), _in_gallery),
    Row("gallery_put_back", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_visibility", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_visibility", "POST", "00+00>>", _kept("private", "gallery_id")),
    Row("gallery_link_new", "POST", "+++F0>>", _kept("gallery", "gallery_id")),
    Row("gallery_link_revoke", "POST", "+++F0>>", _kept("link", "link_id")),
    Row("picture_galleries", "GET", "+++F0>>", _picture),
    Row("picture_galleries", "POST", "+++F0>>", _picture, lambda world, person: {"name": "New ones"}),
    Row("review", "GET", "++FF+>>"),
    Row("review_decide", "POST", "++FF+>>"),
    Row("report_handle", "POST", "++FF0>>", _kept("report", "report_id")),
    # --- what people outside see: whoever has the link, and for a public gallery everybody
    Row("shared", "GET", "++++++0", _shared()),
    Row("shared_unlock", "POST", "++++++0", _shared()),
    Row("shared_report", "GET", "++++++0", _shared()),
    Row("shared_report", "POST", "++++++0", _shared(), _reported),
    Row("shared_picture", "GET", "++++++0", _shared(picture=True)),
    Row("shared_file", "GET", "++++++0", _shared("large", picture=True)),
    Row("shared_file", "GET", "0000000", _shared("original", picture=True)),
    Row("public_gallery", "GET", "+++++++", _public()),
    Row("public_report", "GET", "+++++++", _public()),
    Row("public_report", "POST", "+++++++", _public(), _reported),
    Row("public_picture", "GET", "+++++++", _public(picture=True)),
    Row("public_file", "GET", "+++++++", _public("thumb", picture=True)),
    Row("public_file", "GET", "0000000", _public("original", picture=True)),
]

OPEN_ACCOUNT_PAGES = {
    *("account_login", "account_logout", "account_signup", "account_signup_by_passkey", "account_inactive", "account_reset_password"),
    *("account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done", "account_confirm_email"),
    *("account_email_verification_sent", "account_confirm_login_code", "account_request_login_code"),
    *("mfa_authenticate", "mfa_login_webauthn"),
    *("mfa_signup_webauthn", "mfa_trust", "socialaccount_login_cancelled", "socialaccount_login_error", "socialaccount_signup"),
    *("openid_connect_login", "openid_connect_callback", "google_login", "google_callback", "google_login_by_token"),
    *("github_login", "github_callback", "account_complete_signup"),
}
"""Pages of allauth that somebody needs who is not signed in (yet)."""


# --- completeness ----------------------------------------------------------------------------------------------------
