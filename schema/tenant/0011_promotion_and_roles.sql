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

insert or ignore into role_permissions (role_id, codename)
select roles.id, 'school.view_notice' from roles where roles.builtin = 'student';

-- Databases that no school has yet are filled with all roles once one takes them.
insert or ignore into roles (id, builtin, name, description, created_at, updated_at)
select lower(printf('%08x-%04x-7%.3s-8%.3s-%s', roles.created_at >> 16, roles.created_at & 65535,
        hex(randomblob(2)), hex(randomblob(2)), hex(randomblob(6)))),
    'guardian', 'Guardian', 'Sees what concerns the own children.', roles.created_at, roles.created_at
from roles where roles.builtin = 'administrator';
insert or ignore into role_permissions (role_id, codename)
select roles.id, 'school.view_notice' from roles where roles.builtin = 'guardian';

-- Levels are found whatever the case of their names.
create index academic_settings_level on academic_settings (ifnull(level, '') collate nocase);
