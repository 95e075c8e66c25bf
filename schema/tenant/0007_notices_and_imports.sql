-- Notices, and files that are read in row by row.

create table notices (
    id text not null constraint notices_pk primary key,
    title text not null,
    body text not null,
    audience text not null constraint notices_audience_is_known
        check (audience in ('everyone', 'staff', 'students', 'guardians', 'form', 'class')),
    form text constraint notices_form_fk references forms (id) on delete restrict,
    academic_class text constraint notices_class_fk references academic_classes (id) on delete restrict,
    publish_at integer not null,
    expires_at integer,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint notices_form_where_needed check ((audience = 'form') = (form is not null)),
    constraint notices_class_where_needed check ((audience = 'class') = (academic_class is not null)),
    constraint notices_expire_after_publication check (expires_at is null or expires_at > publish_at)
) strict, without rowid;
create index notices_publish_at on notices (publish_at);
create index notices_form on notices (form) where form is not null;
create index notices_class on notices (academic_class) where academic_class is not null;

create table imports (
    id text not null constraint imports_pk primary key,
    resource text not null constraint imports_resource_is_known
        check (resource in ('students', 'guardians', 'staff', 'classes', 'registrations', 'marks')),
    -- What the file is about, where its rows do not say it: the exam session of marks.
    exam_session text constraint imports_exam_session_fk references exam_sessions (id) on delete restrict,
    is_dry_run integer not null constraint imports_is_dry_run_is_boolean check (is_dry_run in (0, 1)),
    status text not null constraint imports_status_is_known check (status in ('running', 'completed', 'failed')),
    total integer not null,
    -- Rows whose fate is settled; everything below is counted of them.
    done integer not null,
    created integer not null,
    updated integer not null,
    skipped integer not null,
    failed integer not null,
    -- Who sent the file: what is left of it is carried out in this name.
    actor text not null constraint imports_actor_is_json check (json_valid(actor)),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create index imports_status on imports (status) where status = 'running';
create index imports_exam_session on imports (exam_session) where exam_session is not null;

-- The file's rows in portions, until they are done.
create table import_chunks (
    import text not null constraint import_chunks_import_fk references imports (id) on delete cascade,
    -- In this order.
    position integer not null,
    rows text not null constraint import_chunks_rows_is_json check (json_valid(rows)),
    constraint import_chunks_pk primary key (import, position)
) strict, without rowid;

-- What was wrong with a row, or notable.
create table import_results (
    import text not null constraint import_results_import_fk references imports (id) on delete cascade,
    -- The line in the file; the header is line 1.
    row integer not null,
    outcome text not null constraint import_results_outcome_is_known check (outcome in ('error', 'warning')),
    messages text not null constraint import_results_messages_is_json check (json_valid(messages)),
    constraint import_results_pk primary key (import, row, outcome)
) strict, without rowid;
