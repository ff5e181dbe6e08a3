"""routing rules, rings, exclusions, emergency closures and the router's journal"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("ticket", sa.Column("ring", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("ticket", sa.Column("asked", postgresql.JSONB(), nullable=True))
    op.add_column("ticket", sa.Column("pools", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("ticket", sa.Column("preferred_id", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("sticky_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ticket", sa.Column("unservable", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_foreign_key("fk_ticket_preferred_id_staff", "ticket", "staff", ["preferred_id"], ["id"])
    op.add_column("queue", sa.Column("surge_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "routing_rules",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_routing_rules_agency_id_agency")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_routing_rules_made_by_staff")),
        sa.PrimaryKeyConstraint("agency_id", "revision", name=op.f("pk_routing_rules")),
    )
    op.create_table(
        "exclusion",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(lifted_by is null) = (lifted_at is null)", name=op.f("ck_exclusion_lifted")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_exclusion_agency_id_agency")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_exclusion_contact_id_contact")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_exclusion_staff_id_staff")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_exclusion_made_by_staff")),
        sa.ForeignKeyConstraint(["lifted_by"], ["staff.id"], name=op.f("fk_exclusion_lifted_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
    )
    op.create_index(
        "uq_exclusion_standing", "exclusion", ["contact_id", "staff_id"], unique=True,
        postgresql_where=sa.text("lifted_at is null"),
    )  # fmt: skip
    op.create_table(
        "emergency_closure",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_emergency_closure_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_emergency_closure_agency_id_agency")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_emergency_closure_queue_id_queue")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_emergency_closure_made_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_closure")),
    )
    op.create_table(
        "expected_wait",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("p50_s", sa.BigInteger(), nullable=False),
        sa.Column("p90_s", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_expected_wait_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_expected_wait")),
    )
    op.create_table(
        "expected_coverage",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_expected_coverage_agency_id_agency")),
        sa.PrimaryKeyConstraint("agency_id", "channel", "hour", name=op.f("pk_expected_coverage")),
    )
    op.create_table(
        "router_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("kind in ('start','state','fact')", name=op.f("ck_router_entry_kind")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_router_entry_agency_id_agency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router_entry")),
    )
    op.create_index(
        "ix_router_entry_state", "router_entry", ["agency_id", "id"], postgresql_where=sa.text("kind <> 'fact'")
    )


def downgrade() -> None:
    op.drop_table("router_entry")
    op.drop_table("expected_coverage")
    op.drop_table("expected_wait")
    op.drop_table("emergency_closure")
    op.drop_table("exclusion")
    op.drop_table("routing_rules")
    op.drop_column("queue", "surge_until")
    op.drop_constraint("fk_ticket_preferred_id_staff", "ticket")
    for column in ("unservable", "sticky_until", "preferred_id", "pools", "asked", "ring"):
        op.drop_column("ticket", column)
