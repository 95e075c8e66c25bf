-- Since when the lease was prolonged in time again and again. Leases are of this server's clock.
ALTER TABLE bridges ADD COLUMN held_since BIGINT NOT NULL DEFAULT 0;
