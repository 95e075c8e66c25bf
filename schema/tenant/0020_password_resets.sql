-- Forgotten passwords: codes that phones are sent, and text messages whose text is not kept.

-- The newest of a user is the only one that may be good. Kept for a day, by which they are counted.
create table password_resets (
    id text not null constraint password_resets_pk primary key,
    user_id text not null constraint password_resets_user_fk references users (id) on delete cascade,
    -- Keyed: a million codes are tried in no time.
    code_hash text not null constraint password_resets_code_hash check (length(code_hash) = 64),
    tries integer not null default 0 constraint password_resets_tries check (tries between 0 and 5),
    created_at integer not null,
    expires_at integer not null,
    used_at integer
) strict, without rowid;
create index password_resets_user on password_resets (user_id, id);
create index password_resets_created on password_resets (created_at);

-- Text messages whose text is for the receiver alone: the same in the platform's database and in every school's.

alter table sms_messages add column confidential integer not null default 0
    constraint sms_messages_confidential_is_boolean check (confidential in (0, 1));

-- A trigger, since a message leaves or ends in many statements and none may forget to forget. D1 takes a file apart at BEGIN and END, in capitals
-- only.
create trigger sms_messages_forgotten after update of handed_at, status on sms_messages
when new.confidential = 1 and new.text <> '' and (new.handed_at is not null or new.status <> 'ACCEPTED')
BEGIN
    update sms_messages set text = '' where id = new.id;
END;
