"""skills that end, what was learned about waits"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("staff_skill", sa.Column("until", sa.Date(), nullable=True))
    op.add_column("staff_skill", sa.Column("lapsed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "expected_learned",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("learned", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_expected_learned_agency_id")),
        sa.PrimaryKeyConstraint("agency_id", "channel", name=op.f("pk_expected_learned")),
    )


def downgrade() -> None:
    op.drop_table("expected_learned")
    op.drop_column("staff_skill", "lapsed_at")
    op.drop_column("staff_skill", "until")
