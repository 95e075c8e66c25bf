-- Years are left in order and once, proposals are told from decisions, and families may read notices.

-- A rule more. The table is always empty, so this adds the check and nothing else.
alter table academic_guards add column sessions_in_order integer
    constraint sessions_out_of_order check (rule <> 'sessions_out_of_order');

-- Whether the rules proposed a decision and nobody has decided since: then they may propose anew.
alter table student_promotions add column is_proposed integer not null default 0
    constraint student_promotions_is_proposed_is_boolean check (is_proposed in (0, 1));
-- Before, a user's decision named the user; what nobody has touched since and names nobody was proposed.
update student_promotions set is_proposed = 1
    where decided_by is null and (action = 'pending' or created_by is not null and updated_at = created_at);

-- Levels are found whatever the case of their names.
create index academic_settings_level on academic_settings (ifnull(level, '') collate nocase);
