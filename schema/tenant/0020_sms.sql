-- SMS: a school's messages.

-- How the school sends; one row, made when somebody first saves it.
create table sms_settings (
    id integer not null constraint sms_settings_pk primary key constraint sms_settings_is_one check (id = 1),
    -- Link or pool, and the sender that phones show.
    esme integer not null,
    source text not null,
    -- Whether guardians hear of absences as they are entered.
    tells_absences integer not null constraint sms_settings_tells_absences_is_boolean check (tells_absences in (0, 1)),
    updated_at integer not null,
    updated_by text
) strict;

-- Messages: the same tables in the platform's database and in every school's, so that one module of the store serves both.

create table sms_batches (
    id text not null constraint sms_batches_pk primary key,
    app_id integer not null,
    name text not null,
    -- The sender's own id of it, and SHA-256 of all that a repetition must have in common; null where an idempotency key does that.
    transaction_id text,
    content_hash text,
    -- Messages that were taken, and receivers that were not, with the reason.
    count integer not null,
    rejected text not null constraint sms_batches_rejected_is_json check (json_valid(rejected)),
    created_at integer not null,
    created_by text,
    cancelled_at integer,
    constraint sms_batches_transaction unique (app_id, transaction_id)
) strict, without rowid;
create index sms_batches_app on sms_batches (app_id, id);

create table sms_messages (
    id text not null constraint sms_messages_pk primary key,
    app_id integer not null,
    -- The sender's own id of it.
    transaction_id text not null,
    -- SHA-256 of all that a repetition must have in common, hexadecimal.
    content_hash text not null,
    batch_id text constraint sms_messages_batch_fk references sms_batches (id) on delete set null,
    task_id integer,
    esme integer not null,
    source text not null,
    destination text not null,
    text text not null,
    -- Types of number and numbering plans, where the sender insists on them, as JSON.
    numbering text not null constraint sms_messages_numbering_is_json check (json_valid(numbering)),
    transliterate integer not null constraint sms_messages_transliterate_is_boolean check (transliterate in (0, 1)),
    encoding text not null,
    segments integer not null constraint sms_messages_segments check (segments between 1 and 255),
    priority integer not null constraint sms_messages_priority check (priority between 0 and 3),
    send_at integer,
    valid_until integer,
    status text not null constraint sms_messages_status check (status in ('ACCEPTED', 'SUBMITTED', 'ENROUTE', 'UNKNOWN',
        'DELIVERED', 'PARTIALLY_DELIVERED', 'EXPIRED', 'DELETED', 'UNDELIVERABLE', 'REJECTED')),
    -- [[status, error], …] in the order of the parts.
    parts text not null constraint sms_messages_parts_is_json check (json_valid(parts)),
    -- The bridge's count of changes: what comes late with a lower one changes nothing.
    version integer not null default 0,
    error text not null default '',
    -- When it was last taken from the queue to be handed to the bridge, and when the bridge had it on disk.
    claimed_at integer,
    handed_at integer,
    -- When the first part left.
    sent_at integer,
    created_at integer not null,
    created_by text,
    updated_at integer not null,
    constraint sms_messages_transaction unique (app_id, transaction_id)
) strict, without rowid;
create index sms_messages_app on sms_messages (app_id, id);
create index sms_messages_destination on sms_messages (app_id, destination, id);
create index sms_messages_batch on sms_messages (batch_id, id) where batch_id is not null;
-- What the bridge does not have yet.
create index sms_messages_waiting on sms_messages (created_at) where handed_at is null and status = 'ACCEPTED';

create table sms_opt_outs (
    app_id integer not null,
    -- E.164 without a plus.
    number text not null,
    reason text not null constraint sms_opt_outs_reason check (reason in ('stop', 'api')),
    created_at integer not null,
    constraint sms_opt_outs_pk primary key (app_id, number)
) strict, without rowid;

-- Messages from phones.
create table sms_inbound (
    id text not null constraint sms_inbound_pk primary key,
    -- 0: nobody's number.
    app_id integer not null,
    esme integer not null,
    source text not null,
    destination text not null,
    text text not null,
    missing_parts integer not null,
    keyword text constraint sms_inbound_keyword check (keyword in ('stop', 'start', 'help')),
    received_at integer not null
) strict, without rowid;
create index sms_inbound_app on sms_inbound (app_id, received_at, id);

-- Counted as it happens, so that a bill does not read messages.
create table sms_usage (
    app_id integer not null,
    -- 2026-01-31, in UTC.
    day text not null,
    messages integer not null,
    parts integer not null,
    delivered integer not null default 0,
    failed integer not null default 0,
    constraint sms_usage_pk primary key (app_id, day)
) strict, without rowid;

-- Whom a message of the school itself was sent to and which student it is about, where that is known.
create table sms_receivers (
    message text not null constraint sms_receivers_pk primary key
        constraint sms_receivers_message_fk references sms_messages (id) on delete cascade,
    guardian text constraint sms_receivers_guardian_fk references guardians (id) on delete set null,
    student text constraint sms_receivers_student_fk references students (id) on delete set null
) strict, without rowid;
create index sms_receivers_guardian on sms_receivers (guardian, message) where guardian is not null;
create index sms_receivers_student on sms_receivers (student, message) where student is not null;

-- The roles that every school starts with may write to guardians; roles of a school's own are left alone.
insert or ignore into role_permissions (role_id, codename)
select roles.id, added.value from roles, json_each('["school.send_sms", "school.view_sms"]') as added
where roles.builtin in ('head', 'office');
