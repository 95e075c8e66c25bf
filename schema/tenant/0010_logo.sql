-- The picture in a school's letterhead: one row, or none.

create table logos (
    id integer not null constraint logos_pk primary key constraint logos_single check (id = 1),
    -- A PNG or JPEG in base64, at most 200 KiB before that.
    data text not null constraint logos_data_is_small check (length(data) <= 273068),
    -- SHA-256 of `data`: its name for caches, and in the audit log.
    digest text not null,
    updated_at integer not null
) strict, without rowid;
