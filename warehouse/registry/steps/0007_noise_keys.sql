-- Each site's key for the noise that small filtered numbers get on public views. Sites from before get one too.
CREATE TABLE noise_keys (
    site_id INTEGER PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
    noise_key VARCHAR(64) NOT NULL
);
INSERT INTO noise_keys (site_id, noise_key) SELECT id, {random} FROM sites;
