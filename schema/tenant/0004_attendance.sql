-- Attendance, leave, days without school, and the timetable.

create table holidays (
    id text not null constraint holidays_pk primary key,
    name text not null,
    start_date text not null,
    end_date text not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint holidays_end_after_start check (end_date >= start_date)
) strict, without rowid;
create index holidays_start on holidays (start_date);

-- A school's own codes; each counts as one of the four statuses.
create table attendance_codes (
    id text not null constraint attendance_codes_pk primary key,
    code text not null constraint attendance_codes_code_unique unique,
    name text not null,
    status text not null constraint attendance_codes_status_is_known
        check (status in ('present', 'absent', 'late', 'excused')),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;

create table timetable (
    id text not null constraint timetable_pk primary key,
    academic_class text not null constraint timetable_class_fk references academic_classes (id) on delete restrict,
    subject text not null constraint timetable_subject_fk references subjects (id) on delete restrict,
    teacher text not null constraint timetable_teacher_fk references staff (id) on delete restrict,
    room text not null,
    -- 1 is Monday, 7 Sunday.
    weekday integer not null constraint timetable_weekday_is_known check (weekday between 1 and 7),
    -- "08:00", as the school's clock shows it.
    starts_at text not null,
    ends_at text not null,
    valid_from text not null,
    valid_to text,
    -- Raised by every change, for calendars that have the lesson already.
    revision integer not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint timetable_end_after_start check (ends_at > starts_at),
    constraint timetable_valid_to_after_from check (valid_to is null or valid_to >= valid_from)
) strict, without rowid;
create index timetable_class on timetable (academic_class, weekday);
create index timetable_subject on timetable (subject);
create index timetable_teacher on timetable (teacher, weekday);
create index timetable_room on timetable (room, weekday) where room <> '';

create table leave_applications (
    id text not null constraint leave_applications_pk primary key,
    student text not null constraint leave_applications_student_fk references students (id) on delete restrict,
    start_date text not null,
    end_date text not null,
    reason text not null,
    status text not null constraint leave_applications_status_is_known
        check (status in ('pending', 'approved', 'rejected', 'withdrawn')),
    decided_by text,
    decided_at integer,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint leave_applications_end_after_start check (end_date >= start_date)
) strict, without rowid;
create index leave_applications_student on leave_applications (student, start_date);
create index leave_applications_status on leave_applications (status, start_date);

create table attendance (
    id text not null constraint attendance_pk primary key,
    student_session text not null
        constraint attendance_student_fk references student_sessions (id) on delete restrict,
    date text not null,
    -- Null: the whole day.
    lesson text constraint attendance_lesson_fk references timetable (id) on delete restrict,
    status text not null constraint attendance_status_is_known
        check (status in ('present', 'absent', 'late', 'excused')),
    code text constraint attendance_code_fk references attendance_codes (code) on delete restrict,
    reason text not null,
    -- The approved leave that wrote it; null once somebody else did.
    leave_application text
        constraint attendance_leave_fk references leave_applications (id) on delete restrict,
    -- What the leave replaced, for when it is withdrawn: {"status", "code", "reason"}.
    before_leave text constraint attendance_before_leave_is_json check (json_valid(before_leave)),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create unique index attendance_once on attendance (student_session, date, ifnull(lesson, ''));
create index attendance_date on attendance (date);
create index attendance_lesson on attendance (lesson, date) where lesson is not null;
create index attendance_code on attendance (code) where code is not null;
create index attendance_leave on attendance (leave_application) where leave_application is not null;
