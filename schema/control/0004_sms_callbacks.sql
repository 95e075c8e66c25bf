-- SMS: what apps are told of their messages, and where. The same in the platform's database and in every school's.

-- Where this message's sender wants to be told, and of what, where that is not as its app says.
alter table sms_messages add column callback_url text;
alter table sms_messages add column callback_level integer
    constraint sms_messages_callback_level check (callback_level between 1 and 3);

create table sms_callback_settings (
    app_id integer not null constraint sms_callback_settings_pk primary key,
    status_url text,
    -- 1: the first change, 2: the last, 3: all.
    status_level integer not null constraint sms_callback_settings_level check (status_level between 1 and 3),
    inbound_url text,
    -- What callbacks are signed with, sealed; the one before it is good for a while.
    secret text not null,
    secret_before text,
    secret_at integer not null,
    updated_at integer not null
) strict;

-- Each is one thing to tell, and the state of the message at its time.
create table sms_callbacks (
    id text not null constraint sms_callbacks_pk primary key,
    app_id integer not null,
    message text constraint sms_callbacks_message_fk references sms_messages (id) on delete cascade,
    inbound text constraint sms_callbacks_inbound_fk references sms_inbound (id) on delete cascade,
    status text,
    parts text constraint sms_callbacks_parts_is_json check (json_valid(parts)),
    version integer,
    error text,
    sent_at integer,
    at integer not null,
    state text not null default 'waiting' constraint sms_callbacks_state check (state in ('waiting', 'delivered', 'dead')),
    attempts integer not null default 0,
    -- Not before this; while somebody is telling it, until when it is nobody else's.
    due_at integer not null default 0,
    -- When it was first tried: a day later it is given up.
    since integer,
    tried_at integer,
    -- The status of the last answer; 0: there was none; null: it was never tried, or is being.
    answered integer,
    constraint sms_callbacks_tell_of_one check ((message is null) <> (inbound is null))
) strict, without rowid;
create index sms_callbacks_app on sms_callbacks (app_id, id);
create index sms_callbacks_open on sms_callbacks (app_id, state, id) where state <> 'delivered';
create index sms_callbacks_turn on sms_callbacks (app_id, due_at, id) where state = 'waiting';
create index sms_callbacks_waiting on sms_callbacks (due_at) where state = 'waiting';
create index sms_callbacks_message on sms_callbacks (message) where message is not null;
create index sms_callbacks_inbound on sms_callbacks (inbound) where inbound is not null;

-- Triggers, since a status changes in many statements and none may forget to tell. D1 takes a file apart at BEGIN and END, in capitals only.
create trigger sms_messages_told after update of status on sms_messages when new.status <> old.status
BEGIN
    insert into sms_callbacks (id, app_id, message, status, parts, version, error, sent_at, at)
    select lower(printf('%08x-%04x-7%03x-8%.3s-%s', new.updated_at >> 16, new.updated_at & 65535, new.version & 4095,
        hex(randomblob(2)), hex(randomblob(6)))), new.app_id, new.id, new.status, new.parts, new.version, new.error, new.sent_at,
        new.updated_at
    from (select ifnull(new.callback_url, status_url) as url, ifnull(new.callback_level, status_level) as level
        from sms_callback_settings where app_id = new.app_id) s
    where s.url is not null and (s.level = 3 or (s.level = 1 and old.status = 'ACCEPTED') or (s.level = 2 and new.status in
        ('DELIVERED', 'PARTIALLY_DELIVERED', 'EXPIRED', 'DELETED', 'UNDELIVERABLE', 'REJECTED')));
END;

create trigger sms_inbound_told after insert on sms_inbound when new.app_id <> 0
BEGIN
    insert into sms_callbacks (id, app_id, inbound, at)
    select lower(printf('%08x-%04x-7%.3s-8%.3s-%s', new.received_at >> 16, new.received_at & 65535, hex(randomblob(2)),
        hex(randomblob(2)), hex(randomblob(6)))), new.app_id, new.id, new.received_at
    from sms_callback_settings s where s.app_id = new.app_id and s.inbound_url is not null;
END;
