-- The structure of a school year: sessions, terms, forms, classes, subjects, and who teaches what to whom.
-- Columns are named as the API's fields; a column that refers to a record has the record's name.

-- Rules between rows: see `guards`. A condition that finds one of these broken rolls the whole batch back.
create table academic_guards (
    rule text not null,
    constraint no_such_reference check (rule <> 'no_such_reference'),
    constraint term_outside_session check (rule <> 'term_outside_session'),
    constraint terms_overlap check (rule <> 'terms_overlap'),
    constraint class_of_another_session check (rule <> 'class_of_another_session'),
    constraint class_full check (rule <> 'class_full'),
    constraint student_left check (rule <> 'student_left'),
    constraint marks_in_class check (rule <> 'marks_in_class'),
    constraint attendance_closed check (rule <> 'attendance_closed'),
    constraint leave_overlaps check (rule <> 'leave_overlaps'),
    constraint leave_decided check (rule <> 'leave_decided'),
    constraint timetable_conflict check (rule <> 'timetable_conflict'),
    constraint subject_not_taught check (rule <> 'subject_not_taught'),
    constraint bands_overlap check (rule <> 'bands_overlap'),
    constraint comments_overlap check (rule <> 'comments_overlap'),
    constraint marks_closed check (rule <> 'marks_closed'),
    constraint student_of_another_class check (rule <> 'student_of_another_class'),
    constraint exam_state_changed check (rule <> 'exam_state_changed'),
    constraint exam_session_closed check (rule <> 'exam_session_closed'),
    constraint exam_has_marks check (rule <> 'exam_has_marks'),
    constraint setup_mismatch check (rule <> 'setup_mismatch'),
    constraint exam_of_another_session check (rule <> 'exam_of_another_session'),
    constraint student_not_in_class check (rule <> 'student_not_in_class'),
    constraint promotion_executed check (rule <> 'promotion_executed'),
    constraint promotion_undone check (rule <> 'promotion_undone'),
    constraint import_advanced check (rule <> 'import_advanced')
) strict;

create table academic_sessions (
    id text not null constraint academic_sessions_pk primary key,
    name text not null constraint academic_sessions_name_unique unique,
    start_date integer not null,
    end_date integer not null,
    is_active integer not null constraint academic_sessions_is_active_is_boolean check (is_active in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint academic_sessions_end_after_start check (end_date > start_date)
) strict, without rowid;
create unique index academic_sessions_one_active on academic_sessions (is_active) where is_active = 1;

create table terms (
    id text not null constraint terms_pk primary key,
    session text not null constraint terms_session_fk references academic_sessions (id) on delete restrict,
    term text not null constraint terms_term_is_known check (term in ('1', '2', '3')),
    name text not null,
    start_date text not null,
    end_date text not null,
    vacation_start text,
    vacation_end text,
    is_active integer not null constraint terms_is_active_is_boolean check (is_active in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint terms_unique unique (session, term),
    constraint terms_end_after_start check (end_date >= start_date),
    constraint terms_vacation_after_term check (vacation_start is null or vacation_start > end_date),
    constraint terms_vacation_end_after_start check (vacation_end is null or vacation_start is not null and vacation_end >= vacation_start)
) strict, without rowid;
create unique index terms_one_active on terms (is_active) where is_active = 1;

create table forms (
    id text not null constraint forms_pk primary key,
    name text not null constraint forms_name_unique unique,
    -- "O Level", "A Level", or the school's own.
    level text not null,
    -- Where the form stands among the others; the lowest first.
    sequence integer not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;

create table classes (
    id text not null constraint classes_pk primary key,
    name text not null constraint classes_name_unique unique,
    form text not null constraint classes_form_fk references forms (id) on delete restrict,
    capacity integer,
    is_active integer not null constraint classes_is_active_is_boolean check (is_active in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create index classes_form on classes (form);

-- Which class leads to which at the end of a year.
create table class_patterns (
    id text not null constraint class_patterns_pk primary key,
    from_class text not null constraint class_patterns_from_unique unique
        constraint class_patterns_from_fk references classes (id) on delete restrict,
    to_class text not null constraint class_patterns_to_fk references classes (id) on delete restrict,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint class_patterns_lead_elsewhere check (from_class <> to_class)
) strict, without rowid;
create index class_patterns_to on class_patterns (to_class);

create table subjects (
    id text not null constraint subjects_pk primary key,
    name text not null constraint subjects_name_unique unique,
    code text not null constraint subjects_code_unique unique,
    is_active integer not null constraint subjects_is_active_is_boolean check (is_active in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;

-- Which subjects a form has, and how much each weighs.
create table curriculum (
    id text not null constraint curriculum_pk primary key,
    form text not null constraint curriculum_form_fk references forms (id) on delete restrict,
    subject text not null constraint curriculum_subject_fk references subjects (id) on delete restrict,
    -- Hundredths.
    coefficient integer not null constraint curriculum_coefficient_in_range check (coefficient between 1 and 10000),
    is_compulsory integer not null constraint curriculum_is_compulsory_is_boolean check (is_compulsory in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint curriculum_unique unique (form, subject)
) strict, without rowid;
create index curriculum_subject on curriculum (subject);

-- The mark that passes: of a form's subject, or of all subjects of the form that have none of their own.
create table pass_marks (
    id text not null constraint pass_marks_pk primary key,
    form text not null constraint pass_marks_form_fk references forms (id) on delete restrict,
    subject text constraint pass_marks_subject_fk references subjects (id) on delete restrict,
    -- Hundredths.
    mark integer not null constraint pass_marks_mark_in_range check (mark between 0 and 10000),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create unique index pass_marks_unique on pass_marks (form, ifnull(subject, ''));
create index pass_marks_subject on pass_marks (subject) where subject is not null;

-- A class in one session.
create table academic_classes (
    id text not null constraint academic_classes_pk primary key,
    session text not null constraint academic_classes_session_fk references academic_sessions (id) on delete restrict,
    class text not null constraint academic_classes_class_fk references classes (id) on delete restrict,
    class_teacher text constraint academic_classes_class_teacher_fk references staff (id) on delete restrict,
    -- Null: the capacity of the class.
    capacity integer,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint academic_classes_unique unique (session, class)
) strict, without rowid;
create index academic_classes_class on academic_classes (class);
create index academic_classes_class_teacher on academic_classes (class_teacher) where class_teacher is not null;

create table subject_teachers (
    id text not null constraint subject_teachers_pk primary key,
    academic_class text not null
        constraint subject_teachers_class_fk references academic_classes (id) on delete restrict,
    subject text not null constraint subject_teachers_subject_fk references subjects (id) on delete restrict,
    teacher text not null constraint subject_teachers_teacher_fk references staff (id) on delete restrict,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint subject_teachers_unique unique (academic_class, subject)
) strict, without rowid;
create index subject_teachers_subject on subject_teachers (subject);
create index subject_teachers_teacher on subject_teachers (teacher);
