-- Parts that a centre took and said nothing of since, by the link that sent them: they are asked for.
CREATE INDEX parts_unheard ON parts (link, submitted_at) WHERE status IN (3, 4);
