-- A school's own database.

-- Identity: the same tables in the platform's database and in every school's, so that one module of the store serves both.

create table users (
    id text not null constraint users_pk primary key,
    email text,
    phone_number text,
    first_name text not null,
    last_name text not null,
    password_hash text not null,
    is_active integer not null default 1 constraint users_is_active_is_boolean check (is_active in (0, 1)),
    must_change_password integer not null default 0
        constraint users_must_change_password_is_boolean check (must_change_password in (0, 1)),
    last_login_at integer,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    deleted_at integer,
    constraint users_have_an_identifier check (email is not null or phone_number is not null)
) strict, without rowid;
-- A deleted user gives the address free for another.
create unique index users_email on users (email) where email is not null and deleted_at is null;
create unique index users_phone_number on users (phone_number) where phone_number is not null and deleted_at is null;

create table roles (
    id text not null constraint roles_pk primary key,
    -- Set for the roles that the platform brings along; 'administrator' is the one that must never be without a holder.
    builtin text constraint roles_builtin_unique unique,
    name text not null constraint roles_name_unique unique,
    description text not null,
    parent_id text constraint roles_parent_fk references roles (id) on delete restrict,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;
create index roles_parent on roles (parent_id) where parent_id is not null;

create table role_permissions (
    role_id text not null constraint role_permissions_role_fk references roles (id) on delete cascade,
    codename text not null,
    constraint role_permissions_pk primary key (role_id, codename)
) strict, without rowid;

create table user_roles (
    id text not null constraint user_roles_pk primary key,
    user_id text not null constraint user_roles_user_fk references users (id) on delete cascade,
    role_id text not null constraint user_roles_role_fk references roles (id) on delete restrict,
    created_at integer not null,
    created_by text,
    constraint user_roles_unique unique (user_id, role_id)
) strict, without rowid;
create index user_roles_role on user_roles (role_id);

-- One row per sign-in: the family of its refresh tokens.
create table sessions (
    id text not null constraint sessions_pk primary key,
    user_id text not null constraint sessions_user_fk references users (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer,
    revoked_because text,
    ip_address text,
    user_agent text
) strict, without rowid;
create index sessions_user on sessions (user_id);

create table refresh_tokens (
    -- SHA-256 of the token, hexadecimal.
    token_hash text not null constraint refresh_tokens_pk primary key,
    session_id text not null constraint refresh_tokens_session_fk references sessions (id) on delete cascade,
    issued_at integer not null,
    used_at integer
) strict, without rowid;
create index refresh_tokens_session on refresh_tokens (session_id);

-- Ids are UUIDv7, so the key is also the order of time.
create table audit_logs (
    id text not null constraint audit_logs_pk primary key,
    actor_kind text not null
        constraint audit_logs_actor_kind check (actor_kind in ('user', 'platform_user', 'api_key', 'system')),
    actor_id text,
    actor_name text not null,
    action text not null,
    table_name text not null,
    record_id text not null,
    changes text not null constraint audit_logs_changes_is_json check (json_valid(changes)),
    ip_address text,
    request_id text not null,
    timestamp integer not null
) strict, without rowid;
create index audit_logs_record on audit_logs (table_name, record_id);

create table idempotency_keys (
    -- Who asked for what under which key; a key belongs to one actor and one route.
    actor_id text not null,
    route text not null,
    key text not null,
    request_hash text not null,
    status integer not null,
    -- The answer, sealed: it may carry a secret that is shown once.
    response text not null,
    created_at integer not null,
    constraint idempotency_keys_pk primary key (actor_id, route, key)
) strict, without rowid;
create index idempotency_keys_created_at on idempotency_keys (created_at);

-- A row that is refused: the insert's condition finds a broken rule, the check fails, and the batch around it rolls back.
create table guards (
    rule text not null,
    constraint last_administrator check (rule <> 'last_administrator'),
    constraint role_cycle check (rule <> 'role_cycle'),
    constraint changed_meanwhile check (rule <> 'changed_meanwhile')
) strict;

create table staff (
    id text not null constraint staff_pk primary key,
    user_id text constraint staff_user_unique unique
        constraint staff_user_fk references users (id) on delete restrict,
    staff_number text not null constraint staff_staff_number_unique unique,
    title text not null,
    position text not null,
    department text not null,
    hired_on text,
    is_active integer not null default 1 constraint staff_is_active_is_boolean check (is_active in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;

-- Effects on other databases, written with the change that causes them and carried out afterwards, in this order.
create table outbox (
    seq integer not null constraint outbox_pk primary key autoincrement,
    kind text not null constraint outbox_kind check (kind in ('directory', 'setup_progress')),
    payload text not null constraint outbox_payload_is_json check (json_valid(payload)),
    created_at integer not null
) strict;
