-- A second factor for people (a time-based code, and codes for when the phone is gone), and funnels of goals.
-- totp_step is the last time step whose code was used, so that a code that was looked over a shoulder works once.
ALTER TABLE users ADD COLUMN totp_secret VARCHAR(64);
ALTER TABLE users ADD COLUMN totp_step BIGINT;
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash VARCHAR(64) NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
CREATE TABLE funnels (
    id {serial},
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name VARCHAR(200) NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (site_id, name)
);
CREATE TABLE funnel_steps (
    funnel_id INTEGER NOT NULL REFERENCES funnels (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    goal_id INTEGER NOT NULL REFERENCES goals (id) ON DELETE CASCADE,
    PRIMARY KEY (funnel_id, position)
);
