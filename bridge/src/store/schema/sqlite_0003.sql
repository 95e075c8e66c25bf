-- How often a centre refused the part for now; being throttled does not count.
ALTER TABLE parts ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
