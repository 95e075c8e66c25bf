-- Who is delivering the event: what a bridge had out is due at its next start.
ALTER TABLE events ADD COLUMN bridge BIGINT CONSTRAINT events_bridge_fk REFERENCES bridges (key);
CREATE INDEX events_by_bridge ON events (bridge) WHERE bridge IS NOT NULL;
