"""Every entry has another side; PostgreSQL lets nobody change or delete one.

Only the person of an entry may be forgotten, when an account is erased.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

GUARD = """
CREATE FUNCTION billing_is_append_only() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'actor_id' = to_jsonb(OLD) - 'actor_id' AND to_jsonb(NEW) ->> 'actor_id' IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A row of %% is never changed or deleted; write another entry instead.', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$ LANGUAGE plpgsql"""
TABLES = ("billing_ledgerentry", "billing_lotuse")


def guard(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(GUARD)
        for table in TABLES:
            editor.execute(
                f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION billing_is_append_only()"
            )


def unguard(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        for table in TABLES:
            editor.execute(f"DROP TRIGGER {table}_is_append_only ON {table}")
        editor.execute("DROP FUNCTION billing_is_append_only()")


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_lots_of_the_past")]

    operations = [
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account", ""), ("amount", 0), ("kind__in", ("hold", "void", "freeze", "thaw"))),
                    models.Q(("account", "spent"), ("kind__in", ("capture", "refund"))),
                    models.Q(("account", "expired"), ("amount__lt", 0), ("kind", "expiry")),
                    models.Q(
                        ("account__in", ("welcome", "sales", "plans", "promotions", "operator")), ("amount__gt", 0), ("kind", "grant")
                    ),
                    models.Q(
                        ("account__in", ("welcome", "sales", "plans", "promotions", "operator")), ("amount__lt", 0), ("kind", "revocation")
                    ),
                    models.Q(("account", "operator"), ("kind", "correction"), models.Q(("amount", 0), _negated=True)),
                    _connector="OR",
                ),
                name="ledger_entry_has_two_sides",
            ),
        ),
        migrations.RunPython(guard, unguard),
    ]
