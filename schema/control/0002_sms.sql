-- SMS: accounts and their apps, what the platform knows of links, and the messages of apps that belong to no school.

-- Ids are numbers here because the gateway's clients know them as numbers.
create table sms_accounts (
    id integer not null constraint sms_accounts_pk primary key autoincrement,
    email text not null,
    password_hash text not null,
    is_admin integer not null default 0 constraint sms_accounts_is_admin_is_boolean check (is_admin in (0, 1)),
    -- Set where the account was made at a school's address: it is good there only.
    tenant_id text constraint sms_accounts_tenant_fk references tenants (id) on delete cascade,
    created_at integer not null,
    deleted_at integer
) strict;
-- A deleted account gives the address free for another.
create unique index sms_accounts_email on sms_accounts (email, ifnull(tenant_id, '')) where deleted_at is null;
create index sms_accounts_tenant on sms_accounts (tenant_id) where tenant_id is not null;

-- Who sends: an account's app, or a school itself (no account).
create table sms_apps (
    id integer not null constraint sms_apps_pk primary key autoincrement,
    account_id integer constraint sms_apps_account_fk references sms_accounts (id) on delete restrict,
    -- Its messages are in this school's database; null: in this one.
    tenant_id text constraint sms_apps_tenant_fk references tenants (id) on delete cascade,
    name text not null,
    -- SHA-256 of the secret, hexadecimal; a school's own app has none.
    secret_hash text,
    is_active integer not null constraint sms_apps_is_active_is_boolean check (is_active in (0, 1)),
    -- Messages a second and at once; parts a day and a month.
    rate_per_second integer not null constraint sms_apps_rate check (rate_per_second between 1 and 10000),
    burst integer not null constraint sms_apps_burst check (burst between 1 and 100000),
    daily_parts integer not null constraint sms_apps_daily check (daily_parts >= 0),
    monthly_parts integer not null constraint sms_apps_monthly check (monthly_parts >= 0),
    -- Contact policy, as JSON: caps per receiver, quiet hours, time zone, words of the answer to HELP.
    policy text not null constraint sms_apps_policy_is_json check (json_valid(policy)),
    created_at integer not null,
    updated_at integer not null,
    constraint sms_apps_have_an_owner check (account_id is not null or tenant_id is not null)
) strict;
create index sms_apps_account on sms_apps (account_id) where account_id is not null;
create index sms_apps_tenant on sms_apps (tenant_id) where tenant_id is not null;
-- A school sends as one app.
create unique index sms_apps_school on sms_apps (tenant_id) where account_id is null;

-- What the bridge last said of a link, and what the platform's administrators say of it.
create table sms_links (
    esme integer not null constraint sms_links_pk primary key,
    is_enabled integer not null default 1 constraint sms_links_is_enabled_is_boolean check (is_enabled in (0, 1)),
    -- Addresses and networks that may send by it; everyone where empty.
    allowed_ips text not null default '[]' constraint sms_links_allowed_ips_is_json check (json_valid(allowed_ips)),
    note text not null default '',
    -- The bridge's own words, as JSON; null until it spoke.
    state text constraint sms_links_state_is_json check (json_valid(state)),
    state_at integer,
    updated_at integer not null
) strict;

-- Whose the messages are that phones send to one of our numbers.
create table sms_numbers (
    number text not null constraint sms_numbers_pk primary key,
    app_id integer not null constraint sms_numbers_app_fk references sms_apps (id) on delete cascade,
    created_at integer not null
) strict, without rowid;
create index sms_numbers_app on sms_numbers (app_id);

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
