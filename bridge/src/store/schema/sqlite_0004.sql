-- 1: the platform took nothing when the event was last tried, and it has not been given out since; it is due again once the platform is back.
ALTER TABLE events ADD COLUMN away INTEGER NOT NULL DEFAULT 0 CONSTRAINT events_away CHECK (away IN (0, 1));
