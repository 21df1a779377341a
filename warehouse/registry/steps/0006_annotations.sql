-- Notes by day, which the people of a site write on its graph. The day is ISO text, for it is only sorted and compared.
CREATE TABLE annotations (
    id {serial},
    site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    day VARCHAR(10) NOT NULL,
    note VARCHAR(300) NOT NULL,
    public BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX annotations_by_day ON annotations (site_id, day);
