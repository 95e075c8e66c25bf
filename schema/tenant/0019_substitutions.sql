-- Lessons that are given differently on some days: by somebody else, in another room, or not at all.

create table substitutions (
    id text not null constraint substitutions_pk primary key,
    lesson text not null constraint substitutions_lesson_fk references timetable (id) on delete restrict,
    start_date text not null,
    end_date text not null,
    -- Null: as the timetable says.
    teacher text constraint substitutions_teacher_fk references staff (id) on delete restrict,
    room text,
    is_cancelled integer not null constraint substitutions_is_cancelled_is_boolean check (is_cancelled in (0, 1)),
    reason text not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint substitutions_end_after_start check (end_date >= start_date),
    constraint substitutions_say_something check (is_cancelled = (teacher is null and room is null))
) strict, without rowid;
create index substitutions_lesson on substitutions (lesson, start_date);
create index substitutions_teacher on substitutions (teacher, start_date) where teacher is not null;
create index substitutions_days on substitutions (start_date, end_date);
-- What else is given at the same time.
create index timetable_slot on timetable (weekday, starts_at);

-- A rule more. The table is always empty, so this adds the check and nothing else.
alter table academic_guards add column substitutions_apart integer
    constraint substitutions_overlap check (rule <> 'substitutions_overlap');
