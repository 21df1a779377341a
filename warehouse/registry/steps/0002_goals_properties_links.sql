-- Goals by scroll depth, with a currency or with properties; declared properties, saved segments and shared links.
-- The table of goals is made anew, because its rule of uniqueness no longer holds: one page may have several scroll
-- goals. Whether a goal is there already is asked in the transaction that adds it. Goals get new numbers, in the same
-- order; nothing outside this table carries them.
CREATE TABLE goals_wider (
    id {serial},
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    kind VARCHAR(8) NOT NULL,
    target VARCHAR(2000) NOT NULL,
    scroll_threshold INTEGER,
    currency VARCHAR(3),
    custom_props VARCHAR(8000) NOT NULL,
    display_name VARCHAR(200),
    created_ms BIGINT NOT NULL
);
INSERT INTO goals_wider (site_id, kind, target, custom_props, display_name, created_ms)
    SELECT site_id, kind, target, '{}', display_name, created_ms FROM goals ORDER BY id;
DROP TABLE goals;
ALTER TABLE goals_wider RENAME TO goals;
CREATE INDEX goals_by_site ON goals (site_id);
CREATE TABLE properties (
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name VARCHAR(300) NOT NULL,
    PRIMARY KEY (site_id, name)
);
CREATE TABLE segments (
    id {serial},
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name VARCHAR(200) NOT NULL,
    filters TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (site_id, name)
);
CREATE TABLE shared_links (
    id {serial},
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name VARCHAR(200) NOT NULL,
    slug VARCHAR(43) NOT NULL UNIQUE,
    password_hash VARCHAR(200),
    expires_ms BIGINT,
    segment_id INTEGER REFERENCES segments (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    UNIQUE (site_id, name)
);
