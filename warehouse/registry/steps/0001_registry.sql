-- The first shape: sites with shields and goals, people with one-time links and sign-ins, keys.
-- {serial} is the dialect's primary key that counts up and never gives a number out twice: rows in the warehouse
-- carry a site's number for years, so a new site must never inherit a removed one's.
CREATE TABLE registry_state (
    id INTEGER PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO registry_state (id, revision) VALUES (1, 0);
CREATE TABLE sites (
    id {serial},
    domain VARCHAR(253) NOT NULL UNIQUE,
    previous_domain VARCHAR(253) UNIQUE,
    timezone VARCHAR(64) NOT NULL,
    k INTEGER NOT NULL,
    public BOOLEAN NOT NULL,
    vault BOOLEAN NOT NULL,
    risk BOOLEAN NOT NULL,
    signals VARCHAR(8) NOT NULL,
    datacenter VARCHAR(8) NOT NULL,
    preset VARCHAR(16),
    created_ms BIGINT NOT NULL
);
CREATE TABLE shields (
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    kind VARCHAR(16) NOT NULL,
    value VARCHAR(500) NOT NULL,
    PRIMARY KEY (site_id, kind, value)
);
CREATE TABLE goals (
    id {serial},
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    kind VARCHAR(8) NOT NULL,
    target VARCHAR(2000) NOT NULL,
    display_name VARCHAR(200),
    created_ms BIGINT NOT NULL,
    UNIQUE (site_id, kind, target)
);
CREATE TABLE users (
    id {serial},
    email VARCHAR(254) NOT NULL UNIQUE,
    role VARCHAR(8) NOT NULL,
    password_hash VARCHAR(200),
    created_ms BIGINT NOT NULL
);
CREATE TABLE links (
    token_hash VARCHAR(64) PRIMARY KEY,
    user_id INTEGER UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    expires_ms BIGINT NOT NULL
);
CREATE TABLE attempts (
    account_hash VARCHAR(64) PRIMARY KEY,
    failures INTEGER NOT NULL,
    first_ms BIGINT NOT NULL
);
CREATE TABLE sign_ins (
    token_hash VARCHAR(64) PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL
);
CREATE TABLE api_keys (
    id VARCHAR(32) PRIMARY KEY,
    secret_hash VARCHAR(64) NOT NULL,
    scope VARCHAR(16) NOT NULL,
    site_id INTEGER REFERENCES sites (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    revoked BOOLEAN NOT NULL
);
