-- Changes of a site's time zone: days before a change keep their boundaries, so what was in force has to be known.
-- sites.timezone is the zone chosen last. first_day is days since 1970-01-01.
CREATE TABLE site_zones (
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    first_day INTEGER NOT NULL,
    effective_ms BIGINT NOT NULL,
    zone_before VARCHAR(64) NOT NULL,
    zone_after VARCHAR(64) NOT NULL,
    PRIMARY KEY (site_id, first_day)
);
