-- The bridge's store. Times are unix milliseconds. Shipped migrations never change: append a file.

CREATE TABLE versions (
    version INTEGER NOT NULL,
    applied_at INTEGER NOT NULL,
    CONSTRAINT versions_pk PRIMARY KEY (version)
) STRICT;

CREATE TABLE messages (
    key INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    app_id INTEGER NOT NULL,
    tenant TEXT,
    transaction_id TEXT NOT NULL,
    task_id INTEGER,
    esme INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    source_ton INTEGER NOT NULL,
    source_npi INTEGER NOT NULL,
    source TEXT NOT NULL,
    destination_ton INTEGER NOT NULL,
    destination_npi INTEGER NOT NULL,
    destination TEXT NOT NULL,
    data_coding INTEGER NOT NULL,
    esm_class INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Counts the changes that the platform is told.
    version INTEGER NOT NULL,
    -- 0: open until phase_at; 1: its time ended at phase_at, no part waits; 2: finished at phase_at.
    phase INTEGER NOT NULL,
    phase_at INTEGER NOT NULL,
    CONSTRAINT messages_pk PRIMARY KEY (key),
    CONSTRAINT messages_id_unique UNIQUE (message_id),
    CONSTRAINT messages_transaction_unique UNIQUE (app_id, transaction_id),
    CONSTRAINT messages_fingerprint CHECK (length(fingerprint) = 32),
    CONSTRAINT messages_priority CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT messages_phase CHECK (phase BETWEEN 0 AND 2)
) STRICT;

CREATE INDEX messages_by_phase ON messages (phase, phase_at);

CREATE TABLE parts (
    message INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- 0 accepted, 1 sending, 2 unknown, 3 submitted, 4 enroute, 5 delivered, 6 expired, 7 deleted, 8 undeliverable, 9 rejected
    status INTEGER NOT NULL,
    esme INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    sent_at INTEGER,
    submitted_at INTEGER,
    link INTEGER,
    provider TEXT,
    provider_id BLOB,
    error TEXT,
    -- Emptied once the centre has the part, or it is final.
    short_message BLOB NOT NULL,
    payload BLOB,
    sar_reference INTEGER,
    sar_total INTEGER,
    sar_number INTEGER,
    -- One line for each thing that happened: time, tab, words.
    log TEXT NOT NULL,
    CONSTRAINT parts_pk PRIMARY KEY (message, number),
    CONSTRAINT parts_message_fk FOREIGN KEY (message) REFERENCES messages (key) ON DELETE CASCADE,
    CONSTRAINT parts_status CHECK (status BETWEEN 0 AND 9),
    CONSTRAINT parts_sar CHECK ((sar_reference IS NULL) = (sar_total IS NULL) AND (sar_total IS NULL) = (sar_number IS NULL)),
    CONSTRAINT parts_provider CHECK ((provider_id IS NULL) = (submitted_at IS NULL))
) STRICT, WITHOUT ROWID;

-- The queue, and what is being sent.
CREATE INDEX parts_in_work ON parts (status, esme, priority, due_at, message, number) WHERE status < 2;
CREATE INDEX parts_by_provider_id ON parts (provider, provider_id, submitted_at) WHERE provider_id IS NOT NULL;

-- Ids at the centre of attempts that were answered after a newer attempt had begun.
CREATE TABLE late_ids (
    provider TEXT NOT NULL,
    provider_id BLOB NOT NULL,
    message INTEGER NOT NULL,
    number INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    CONSTRAINT late_ids_pk PRIMARY KEY (provider, provider_id, message, number),
    CONSTRAINT late_ids_part_fk FOREIGN KEY (message, number) REFERENCES parts (message, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX late_ids_by_part ON late_ids (message, number);

-- Receipts whose id is not known yet, or is known of a finished part only.
CREATE TABLE orphans (
    provider TEXT NOT NULL,
    provider_id BLOB NOT NULL,
    status INTEGER NOT NULL,
    error TEXT,
    received_at INTEGER NOT NULL,
    -- 1: the id is that of a finished part, and may be given to another one.
    repeated INTEGER NOT NULL,
    CONSTRAINT orphans_pk PRIMARY KEY (provider, provider_id, status),
    CONSTRAINT orphans_status CHECK (status BETWEEN 0 AND 9),
    CONSTRAINT orphans_repeated CHECK (repeated IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX orphans_by_time ON orphans (received_at);

CREATE TABLE inbound (
    key INTEGER NOT NULL,
    inbound_id TEXT NOT NULL,
    link INTEGER NOT NULL,
    provider TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    reference INTEGER NOT NULL,
    total INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    -- 1: its event is made; kept so that a repeated part is known as such.
    complete INTEGER NOT NULL,
    CONSTRAINT inbound_pk PRIMARY KEY (key),
    CONSTRAINT inbound_complete CHECK (complete IN (0, 1))
) STRICT;

CREATE INDEX inbound_by_sender ON inbound (source, destination, provider, reference, total);
CREATE INDEX inbound_by_time ON inbound (started_at);

CREATE TABLE inbound_parts (
    inbound INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT inbound_parts_pk PRIMARY KEY (inbound, number),
    CONSTRAINT inbound_parts_inbound_fk FOREIGN KEY (inbound) REFERENCES inbound (key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    topic TEXT NOT NULL,
    body TEXT NOT NULL,
    -- 0: waits for an earlier one of its topic; 1: given out when due; 2: dead letter.
    state INTEGER NOT NULL,
    -- Times given out; one that never was may still be replaced by a newer state.
    given INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    error TEXT,
    CONSTRAINT events_pk PRIMARY KEY (sequence),
    CONSTRAINT events_id_unique UNIQUE (id),
    CONSTRAINT events_state CHECK (state BETWEEN 0 AND 2)
) STRICT;

CREATE INDEX events_by_topic ON events (topic, sequence);
CREATE INDEX events_by_state ON events (state, due_at);

CREATE TABLE counters (
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    CONSTRAINT counters_pk PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('ambiguous', 0), ('probe', 0);
