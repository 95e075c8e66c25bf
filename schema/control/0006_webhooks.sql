-- Webhooks: servers that are told what happens in schools, and what each is to be told.

create table webhooks (
    id text not null constraint webhooks_pk primary key,
    url text not null,
    description text not null,
    events text not null constraint webhooks_events_is_json check (json_valid(events)),
    -- Null: of every school.
    tenant_id text constraint webhooks_tenant_fk references tenants (id) on delete cascade,
    is_active integer not null constraint webhooks_is_active_is_boolean check (is_active in (0, 1)),
    -- What is signed with, sealed; the one before it is good for a while.
    secret text not null,
    secret_before text,
    secret_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create index webhooks_tenant on webhooks (tenant_id) where tenant_id is not null;

create table webhook_deliveries (
    id text not null constraint webhook_deliveries_pk primary key,
    webhook_id text not null constraint webhook_deliveries_webhook_fk references webhooks (id) on delete cascade,
    -- Null: of no school, as a ping is.
    tenant_id text constraint webhook_deliveries_tenant_fk references tenants (id) on delete cascade,
    -- The row of the school's outbox: carried out twice, it is told once.
    seq integer,
    event text not null,
    -- Ids and figures.
    payload text not null constraint webhook_deliveries_payload_is_json check (json_valid(payload)),
    at integer not null,
    state text not null default 'waiting'
        constraint webhook_deliveries_state check (state in ('waiting', 'delivered', 'dead')),
    attempts integer not null default 0,
    -- Not before this; while somebody is telling it, until when it is nobody else's.
    due_at integer not null default 0,
    -- When it was first tried: a day later it is given up.
    since integer,
    tried_at integer,
    -- The status of the last answer; 0: there was none; null: it was never tried, or is being.
    answered integer,
    constraint webhook_deliveries_once unique (webhook_id, tenant_id, seq)
) strict, without rowid;
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, at, id);
create index webhook_deliveries_tenant on webhook_deliveries (tenant_id) where tenant_id is not null;
create index webhook_deliveries_turn on webhook_deliveries (webhook_id, due_at, id) where state = 'waiting';
create index webhook_deliveries_waiting on webhook_deliveries (due_at) where state = 'waiting';
