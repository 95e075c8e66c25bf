-- What an app may show as its sender, as JSON: any where it is empty.
alter table sms_apps add column senders text not null default '[]'
    constraint sms_apps_senders_is_json check (json_valid(senders));
