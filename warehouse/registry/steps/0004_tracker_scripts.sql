-- Each site's own tracker script: the id in its address, and what it counts by itself. Sites from before get one too.
CREATE TABLE tracker_scripts (
    site_id INTEGER PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
    script_id VARCHAR(64) NOT NULL UNIQUE,
    outbound_links BOOLEAN NOT NULL,
    file_downloads BOOLEAN NOT NULL,
    file_types VARCHAR(500) NOT NULL,
    form_submissions BOOLEAN NOT NULL,
    hash_routing BOOLEAN NOT NULL
);
INSERT INTO tracker_scripts
    (site_id, script_id, outbound_links, file_downloads, file_types, form_submissions, hash_routing)
    SELECT id, {random}, TRUE, TRUE, '', TRUE, FALSE FROM sites;
