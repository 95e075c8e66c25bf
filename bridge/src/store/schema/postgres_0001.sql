-- The bridges' common store. Times are unix milliseconds. Shipped migrations never change: append a file.

CREATE TABLE bridges (
    key BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    -- After this, what it was sending is given to others.
    lease_until BIGINT NOT NULL,
    CONSTRAINT bridges_pk PRIMARY KEY (key),
    CONSTRAINT bridges_name_unique UNIQUE (name)
);

CREATE TABLE messages (
    key BIGINT GENERATED ALWAYS AS IDENTITY,
    message_id TEXT NOT NULL,
    app_id BIGINT NOT NULL,
    tenant TEXT,
    transaction_id TEXT NOT NULL,
    task_id BIGINT,
    esme BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL,
    source_ton SMALLINT NOT NULL,
    source_npi SMALLINT NOT NULL,
    source TEXT NOT NULL,
    destination_ton SMALLINT NOT NULL,
    destination_npi SMALLINT NOT NULL,
    destination TEXT NOT NULL,
    data_coding SMALLINT NOT NULL,
    esm_class SMALLINT NOT NULL,
    valid_until BIGINT NOT NULL,
    parts INTEGER NOT NULL,
    accepted_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Counts the changes that the platform is told.
    version BIGINT NOT NULL,
    -- 0: open until phase_at; 1: its time ended at phase_at, no part waits; 2: finished at phase_at.
    phase SMALLINT NOT NULL,
    phase_at BIGINT NOT NULL,
    CONSTRAINT messages_pk PRIMARY KEY (key),
    CONSTRAINT messages_id_unique UNIQUE (message_id),
    CONSTRAINT messages_transaction_unique UNIQUE (app_id, transaction_id),
    CONSTRAINT messages_fingerprint CHECK (length(fingerprint) = 32),
    CONSTRAINT messages_phase CHECK (phase BETWEEN 0 AND 2)
);

CREATE INDEX messages_by_phase ON messages (phase, phase_at);

CREATE TABLE parts (
    message BIGINT NOT NULL,
    number INTEGER NOT NULL,
    -- 0 accepted, 1 sending, 2 unknown, 3 submitted, 4 enroute, 5 delivered, 6 expired, 7 deleted, 8 undeliverable, 9 rejected
    status SMALLINT NOT NULL,
    -- Who is sending it.
    bridge BIGINT,
    esme BIGINT NOT NULL,
    priority SMALLINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    ambiguous BIGINT NOT NULL,
    sent_at BIGINT,
    submitted_at BIGINT,
    link BIGINT,
    provider TEXT,
    provider_id BYTEA,
    error TEXT,
    -- Emptied once the centre has the part, or it is final.
    short_message BYTEA NOT NULL,
    payload BYTEA,
    sar_reference INTEGER,
    sar_total SMALLINT,
    sar_number SMALLINT,
    -- One line for each thing that happened: time, tab, words.
    log TEXT NOT NULL,
    CONSTRAINT parts_pk PRIMARY KEY (message, number),
    CONSTRAINT parts_message_fk FOREIGN KEY (message) REFERENCES messages (key) ON DELETE CASCADE,
    CONSTRAINT parts_bridge_fk FOREIGN KEY (bridge) REFERENCES bridges (key),
    CONSTRAINT parts_status CHECK (status BETWEEN 0 AND 9),
    CONSTRAINT parts_priority CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT parts_sending CHECK ((status = 1) = (bridge IS NOT NULL)),
    CONSTRAINT parts_sar CHECK ((sar_reference IS NULL) = (sar_total IS NULL) AND (sar_total IS NULL) = (sar_number IS NULL)),
    CONSTRAINT parts_provider CHECK ((provider_id IS NULL) = (submitted_at IS NULL))
);

CREATE INDEX parts_waiting ON parts (esme, priority, due_at, message, number) WHERE status = 0;
CREATE INDEX parts_by_bridge ON parts (bridge) WHERE bridge IS NOT NULL;
CREATE INDEX parts_by_provider_id ON parts (provider, provider_id, submitted_at) WHERE provider_id IS NOT NULL;

-- Parts that wait. A count of 100,000 rows is too slow for each acceptance.
CREATE TABLE waiting (
    app_id BIGINT NOT NULL,
    esme BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    CONSTRAINT waiting_pk PRIMARY KEY (app_id, esme)
);

-- Ids at the centre of attempts that were answered after a newer attempt had begun.
CREATE TABLE late_ids (
    provider TEXT NOT NULL,
    provider_id BYTEA NOT NULL,
    message BIGINT NOT NULL,
    number INTEGER NOT NULL,
    submitted_at BIGINT NOT NULL,
    CONSTRAINT late_ids_pk PRIMARY KEY (provider, provider_id, message, number),
    CONSTRAINT late_ids_part_fk FOREIGN KEY (message, number) REFERENCES parts (message, number) ON DELETE CASCADE
);

CREATE INDEX late_ids_by_part ON late_ids (message, number);

-- Receipts whose id is not known yet, or is known of a finished part only.
CREATE TABLE orphans (
    provider TEXT NOT NULL,
    provider_id BYTEA NOT NULL,
    status SMALLINT NOT NULL,
    error TEXT,
    received_at BIGINT NOT NULL,
    -- The id is that of a finished part, and may be given to another one.
    repeated BOOLEAN NOT NULL,
    CONSTRAINT orphans_pk PRIMARY KEY (provider, provider_id, status),
    CONSTRAINT orphans_status CHECK (status BETWEEN 0 AND 9)
);

CREATE INDEX orphans_by_time ON orphans (received_at);

CREATE TABLE inbound (
    key BIGINT GENERATED ALWAYS AS IDENTITY,
    inbound_id TEXT NOT NULL,
    link BIGINT NOT NULL,
    provider TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    reference INTEGER NOT NULL,
    total INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    -- Its event is made; kept so that a repeated part is known as such.
    complete BOOLEAN NOT NULL,
    CONSTRAINT inbound_pk PRIMARY KEY (key)
);

CREATE INDEX inbound_by_sender ON inbound (source, destination, provider, reference, total);
CREATE INDEX inbound_by_time ON inbound (started_at);

CREATE TABLE inbound_parts (
    inbound BIGINT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT inbound_parts_pk PRIMARY KEY (inbound, number),
    CONSTRAINT inbound_parts_inbound_fk FOREIGN KEY (inbound) REFERENCES inbound (key) ON DELETE CASCADE
);

CREATE TABLE events (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    topic TEXT NOT NULL,
    body TEXT NOT NULL,
    -- 0: waits for an earlier one of its topic; 1: given out when due; 2: dead letter.
    state SMALLINT NOT NULL,
    -- Times given out; one that never was may still be replaced by a newer state.
    given BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    error TEXT,
    CONSTRAINT events_pk PRIMARY KEY (sequence),
    CONSTRAINT events_id_unique UNIQUE (id),
    CONSTRAINT events_state CHECK (state BETWEEN 0 AND 2)
);

-- Two bridges cannot both put the first event of a topic: the second tries again and comes after it.
CREATE UNIQUE INDEX events_one_of_a_topic ON events (topic) WHERE state = 1;
CREATE INDEX events_by_topic ON events (topic, sequence);
CREATE INDEX events_by_state ON events (state, due_at);

CREATE TABLE counters (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT counters_pk PRIMARY KEY (name)
);

INSERT INTO counters (name, value) VALUES ('ambiguous', 0), ('probe', 0);
