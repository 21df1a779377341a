"""
The registry's tables as the queries see them. The steps in `steps/` make them; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

SCHEMA_STEPS = Table(
    "schema_steps",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("applied_ms", BigInteger, nullable=False),
)

STATE = Table(
    "registry_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)

SITES = Table(
    "sites",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("domain", String(253), nullable=False, unique=True),
    Column("previous_domain", String(253), unique=True),
    Column("timezone", String(64), nullable=False),
    Column("k", Integer, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("vault", Boolean, nullable=False),
    Column("risk", Boolean, nullable=False),
    Column("signals", String(8), nullable=False),
    Column("datacenter", String(8), nullable=False),
    Column("preset", String(16)),
    Column("created_ms", BigInteger, nullable=False),
)

SITE_ZONES = Table(
    "site_zones",
    METADATA,
    Column("site_id", Integer, ForeignKey("sites.id"), primary_key=True),
    Column("first_day", Integer, primary_key=True),
    Column("effective_ms", BigInteger, nullable=False),
    Column("zone_before", String(64), nullable=False),
    Column("zone_after", String(64), nullable=False),
)

SHIELDS = Table(
    "shields",
    METADATA,
    Column("site_id", Integer, ForeignKey("sites.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("value", String(500), primary_key=True),
)

TRACKER_SCRIPTS = Table(
    "tracker_scripts",
    METADATA,
    Column("site_id", Integer, ForeignKey("sites.id"), primary_key=True),
    Column("script_id", String(64), nullable=False, unique=True),
    Column("outbound_links", Boolean, nullable=False),
    Column("file_downloads", Boolean, nullable=False),
    Column("file_types", String(500), nullable=False),
    Column("form_submissions", Boolean, nullable=False),
    Column("hash_routing", Boolean, nullable=False),
)

NOISE_KEYS = Table(
    "noise_keys",
    METADATA,
    Column("site_id", Integer, ForeignKey("sites.id"), primary_key=True),
    Column("noise_key", String(64), nullable=False),
)

GOALS = Table(
    "goals",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("target", String(2000), nullable=False),
    Column("scroll_threshold", Integer),
    Column("currency", String(3)),
    Column("custom_props", String(8000), nullable=False),
    Column("display_name", String(200)),
    Column("created_ms", BigInteger, nullable=False),
)

FUNNELS = Table(
    "funnels",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("site_id", "name"),
)

FUNNEL_STEPS = Table(
    "funnel_steps",
    METADATA,
    Column("funnel_id", Integer, ForeignKey("funnels.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("goal_id", Integer, ForeignKey("goals.id"), nullable=False),
)

PROPERTIES = Table(
    "properties",
    METADATA,
    Column("site_id", Integer, ForeignKey("sites.id"), primary_key=True),
    Column("name", String(300), primary_key=True),
)

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("filters", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("site_id", "name"),
)

ANNOTATIONS = Table(
    "annotations",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("day", String(10), nullable=False),
    Column("note", String(300), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

SHARED_LINKS = Table(
    "shared_links",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("slug", String(43), nullable=False, unique=True),
    Column("password_hash", String(200)),
    Column("expires_ms", BigInteger),
    Column("segment_id", Integer, ForeignKey("segments.id")),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("site_id", "name"),
)

USERS = Table(
    "users",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("password_hash", String(200)),
    Column("created_ms", BigInteger, nullable=False),
    Column("totp_secret", String(64)),
    Column("totp_step", BigInteger),
)

RECOVERY_CODES = Table(
    "recovery_codes",
    METADATA,
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
    Column("code_hash", String(64), primary_key=True),
)

LINKS = Table(
    "links",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    # None marks the link of the first start, which has no person yet.
    Column("user_id", Integer, ForeignKey("users.id"), unique=True),
    Column("expires_ms", BigInteger, nullable=False),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("account_hash", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
)

SIGN_INS = Table(
    "sign_ins",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("site_id", Integer, ForeignKey("sites.id")),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked", Boolean, nullable=False),
)
