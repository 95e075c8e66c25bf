-- One more kind of effect: what happens here and webhooks are told. A check cannot be changed, so the table is made anew; a number that
-- was given before must never be given again, also where no row is left that has it.

create table outbox_new (
    seq integer not null constraint outbox_pk primary key autoincrement,
    kind text not null constraint outbox_kind check (kind in ('directory', 'setup_progress', 'event')),
    payload text not null constraint outbox_payload_is_json check (json_valid(payload)),
    created_at integer not null
) strict;
insert into outbox_new (seq, kind, payload, created_at) select seq, 'event', '{}', 0 from sqlite_sequence where name = 'outbox';
delete from outbox_new;
insert into outbox_new (seq, kind, payload, created_at) select seq, kind, payload, created_at from outbox;
drop table outbox;
alter table outbox_new rename to outbox;
