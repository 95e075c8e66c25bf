-- A rule more: a lesson of which attendance was entered took place. The table is always empty, so this adds the check and nothing
-- else.
alter table academic_guards add column lessons_take_place integer
    constraint attendance_entered check (rule <> 'attendance_entered');
