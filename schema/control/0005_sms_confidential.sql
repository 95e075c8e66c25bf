-- SMS: messages whose text is not kept.

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
