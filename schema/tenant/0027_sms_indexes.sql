-- Messages from one phone, for lists and for what it said last.
create index sms_inbound_source on sms_inbound (app_id, source, received_at, id);
-- What all apps of the database sent in a month.
create index sms_usage_day on sms_usage (day);
