-- Links and pools that the platform's administrators switched off, as of the counter's moment.
CREATE TABLE switched_off (
    esme BIGINT NOT NULL,
    CONSTRAINT switched_off_pk PRIMARY KEY (esme)
);

INSERT INTO counters (name, value) VALUES ('switched_off_at', 0);
