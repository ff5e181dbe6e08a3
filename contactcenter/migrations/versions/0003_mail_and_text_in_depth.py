"""copies and undo, paced senders, watched inboxes, participants, questions, surveys, wordings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "wording",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_wording_agency_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_wording_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wording")),
        sa.UniqueConstraint(
            "agency_id",
            "queue_id",
            "language",
            "key",
            name=op.f("uq_wording_agency_id_queue_id_language_key"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "inbox_health",
        sa.Column("inbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("problem_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backlog", sa.BigInteger(), nullable=True),
        sa.Column("token_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_list_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("gaps", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_inbox_health_inbox_id")),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_inbox_health")),
    )
    op.create_table(
        "sender_pace",
        sa.Column("inbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent_today", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("slowed", sa.Float(), server_default=sa.text("1"), nullable=False),
        sa.Column("slowed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_s", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_sender_pace_inbox_id")),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_sender_pace")),
    )
    op.create_table(
        "domain_pace",
        sa.Column("agency_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_domain_pace_agency_id")),
        sa.PrimaryKeyConstraint("agency_id", "domain", name=op.f("pk_domain_pace")),
    )
    op.create_table(
        "participant",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("role in ('requester','cc','held')", name=op.f("ck_participant_role")),
        sa.ForeignKeyConstraint(["added_by"], ["staff.id"], name=op.f("fk_participant_added_by")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_participant_endpoint_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_participant_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "endpoint_id", name=op.f("pk_participant")),
    )
    op.create_index(op.f("ix_participant_endpoint_id"), "participant", ["endpoint_id"], unique=False)
    op.create_table(
        "question",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("choices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome in ('chosen','new','late','withdrawn')", name=op.f("ck_question_outcome")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_question_endpoint_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_question_inbox_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_question_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index(op.f("ix_question_ticket_id"), "question", ["ticket_id"], unique=False)
    op.create_index(
        "uq_question_open",
        "question",
        ["endpoint_id", "inbox_id"],
        unique=True,
        postgresql_where=sa.text("answered_at is null"),
    )
    op.create_table(
        "survey",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("score between 1 and 5", name=op.f("ck_survey_score")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_survey_endpoint_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_survey_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_survey_ticket_id")),
    )
    op.create_index(op.f("ix_survey_endpoint_id"), "survey", ["endpoint_id"], unique=False)
    op.add_column("attachment", sa.Column("type_declared", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("attachment", sa.Column("scan", sa.Text(), server_default=sa.text("'skipped'"), nullable=False))
    op.add_column("attachment", sa.Column("state", sa.Text(), server_default=sa.text("'stored'"), nullable=False))
    op.add_column("attachment", sa.Column("ref", sa.Text(), nullable=True))
    op.add_column("attachment", sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "attachment",
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
    )
    op.add_column("attachment", sa.Column("error", sa.Text(), nullable=True))
    op.create_index(
        "ix_attachment_pending", "attachment", ["due_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.add_column("delivery", sa.Column("role", sa.Text(), server_default=sa.text("'to'"), nullable=False))
    op.add_column("delivery", sa.Column("with_id", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("inbox_id", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("lane", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("delivery", sa.Column("parts", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("delivery", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("proactive", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("delivery", sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("delayed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_delivery_unreleased",
        "delivery",
        ["inbox_id", "lane", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' and released_at is null and inbox_id is not null"),
    )
    op.create_index(
        "ix_delivery_held", "delivery", ["due_at"], unique=False, postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(
        "ix_delivery_released",
        "delivery",
        ["inbox_id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' and released_at is not null"),
    )
    op.drop_index("ix_delivery_endpoint", table_name="delivery")
    op.create_index(
        "ix_delivery_endpoint",
        "delivery",
        ["endpoint_id", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('held','queued','sending','unknown')"),
    )
    op.create_index(
        "ix_delivery_unconfirmed",
        "delivery",
        ["channel", "updated_at"],
        unique=False,
        postgresql_where=sa.text("state = 'sent' and provider_id is not null"),
    )
    op.create_index(op.f("ix_delivery_with_id"), "delivery", ["with_id"], unique=False)
    op.create_foreign_key(op.f("fk_delivery_with_id"), "delivery", "delivery", ["with_id"], ["id"])
    op.create_foreign_key(op.f("fk_delivery_inbox_id"), "delivery", "inbox", ["inbox_id"], ["id"])
    op.add_column("endpoint", sa.Column("bad_events", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("endpoint", sa.Column("inbox_id", sa.BigInteger(), nullable=True))
    op.add_column("endpoint", sa.Column("complained_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_endpoint_inbox_id"), "endpoint", "inbox", ["inbox_id"], ["id"])
    op.add_column(
        "message",
        sa.Column(
            "recipients", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column("message", sa.Column("trim_confidence", sa.Float(), server_default=sa.text("1"), nullable=False))
    op.add_column("message", sa.Column("forwarded", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("message", sa.Column("truncated", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("message", sa.Column("remote_id", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("moved_from", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index(
        "ix_message_remote", "message", ["remote_id"], unique=False, postgresql_where=sa.text("remote_id is not null")
    )
    op.add_column("queue", sa.Column("undo_s", sa.SmallInteger(), server_default=sa.text("10"), nullable=False))
    op.add_column("ticket", sa.Column("maybe_id", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("maybe_why", sa.Text(), nullable=True))
    op.add_column("ticket", sa.Column("quiet_since", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_ticket_maybe_id"), "ticket", "ticket", ["maybe_id"], ["id"])
    op.create_index(
        "ix_attachment_unscanned", "attachment", ["due_at"], unique=False, postgresql_where=sa.text("scan = 'pending'")
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_upload_agency_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_upload_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index(op.f("ix_upload_staff_id"), "upload", ["staff_id"], unique=False)
    op.create_check_constraint(op.f("ck_attachment_state"), "attachment", "state in ('stored','pending','failed')")
    op.create_check_constraint(
        op.f("ck_attachment_scan"), "attachment", "scan in ('skipped','pending','clean','infected')"
    )
    op.create_check_constraint(op.f("ck_delivery_role"), "delivery", "role in ('to','cc','bcc')")
    op.drop_constraint(op.f("ck_consent_state"), "consent")
    op.create_check_constraint(op.f("ck_consent_state"), "consent", "state in ('implied','given','revoked','doubted')")


def downgrade() -> None:
    op.drop_table("upload")
    op.drop_index("ix_attachment_unscanned", "attachment")
    op.execute("UPDATE consent SET state = 'implied' WHERE state = 'doubted'")
    op.drop_constraint(op.f("ck_consent_state"), "consent")
    op.create_check_constraint(op.f("ck_consent_state"), "consent", "state in ('implied','given','revoked')")
    op.drop_constraint(op.f("ck_delivery_role"), "delivery")
    op.drop_constraint(op.f("ck_attachment_scan"), "attachment")
    op.drop_constraint(op.f("ck_attachment_state"), "attachment")
    op.drop_constraint(op.f("fk_ticket_maybe_id"), "ticket", type_="foreignkey")
    op.drop_column("ticket", "quiet_since")
    op.drop_column("ticket", "maybe_why")
    op.drop_column("ticket", "maybe_id")
    op.drop_column("queue", "undo_s")
    op.drop_index("ix_message_remote", table_name="message", postgresql_where=sa.text("remote_id is not null"))
    op.drop_column("message", "moved_from")
    op.drop_column("message", "remote_id")
    op.drop_column("message", "truncated")
    op.drop_column("message", "forwarded")
    op.drop_column("message", "trim_confidence")
    op.drop_column("message", "recipients")
    op.drop_constraint(op.f("fk_endpoint_inbox_id"), "endpoint", type_="foreignkey")
    op.drop_column("endpoint", "complained_at")
    op.drop_column("endpoint", "inbox_id")
    op.drop_column("endpoint", "bad_events")
    op.drop_constraint(op.f("fk_delivery_inbox_id"), "delivery", type_="foreignkey")
    op.drop_constraint(op.f("fk_delivery_with_id"), "delivery", type_="foreignkey")
    op.drop_index(op.f("ix_delivery_with_id"), table_name="delivery")
    op.drop_index(
        "ix_delivery_unconfirmed",
        table_name="delivery",
        postgresql_where=sa.text("state = 'sent' and provider_id is not null"),
    )
    op.drop_index("ix_delivery_held", table_name="delivery", postgresql_where=sa.text("state = 'held'"))
    op.drop_index(
        "ix_delivery_released",
        table_name="delivery",
        postgresql_where=sa.text("state = 'queued' and released_at is not null"),
    )
    op.drop_index("ix_delivery_endpoint", table_name="delivery")
    op.create_index(
        "ix_delivery_endpoint",
        "delivery",
        ["endpoint_id", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('queued','sending','unknown')"),
    )
    op.drop_index(
        "ix_delivery_unreleased",
        table_name="delivery",
        postgresql_where=sa.text("state = 'queued' and released_at is null and inbox_id is not null"),
    )
    op.drop_column("delivery", "delayed_at")
    op.drop_column("delivery", "undo_until")
    op.drop_column("delivery", "proactive")
    op.drop_column("delivery", "released_at")
    op.drop_column("delivery", "parts")
    op.drop_column("delivery", "lane")
    op.drop_column("delivery", "inbox_id")
    op.drop_column("delivery", "with_id")
    op.drop_column("delivery", "role")
    op.drop_index("ix_attachment_pending", table_name="attachment", postgresql_where=sa.text("state = 'pending'"))
    op.drop_column("attachment", "error")
    op.drop_column("attachment", "due_at")
    op.drop_column("attachment", "attempts")
    op.drop_column("attachment", "ref")
    op.drop_column("attachment", "state")
    op.drop_column("attachment", "scan")
    op.drop_column("attachment", "type_declared")
    op.drop_index(op.f("ix_survey_endpoint_id"), table_name="survey")
    op.drop_table("survey")
    op.drop_index("uq_question_open", table_name="question", postgresql_where=sa.text("answered_at is null"))
    op.drop_index(op.f("ix_question_ticket_id"), table_name="question")
    op.drop_table("question")
    op.drop_index(op.f("ix_participant_endpoint_id"), table_name="participant")
    op.drop_table("participant")
    op.drop_table("domain_pace")
    op.drop_table("sender_pace")
    op.drop_table("inbox_health")
    op.drop_table("wording")
