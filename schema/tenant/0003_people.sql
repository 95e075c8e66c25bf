-- Students, their guardians, and their place in a session.

-- The running numbers of each year of admission.
create table student_numbers (
    admission_year integer not null constraint student_numbers_pk primary key,
    last_number integer not null
) strict, without rowid;

create table students (
    id text not null constraint students_pk primary key,
    -- The school's own number of the student, or one that the platform gave.
    student_id text not null constraint students_student_id_unique unique,
    first_name text not null,
    middle_name text not null,
    last_name text not null,
    gender text not null constraint students_gender_is_known check (gender in ('male', 'female', 'other', '')),
    dob text,
    admission_year integer not null,
    form text constraint students_form_fk references forms (id) on delete restrict,
    status text not null constraint students_status_is_known check (status in ('Boarding', 'Day')),
    -- What became of the student.
    enrolment text not null constraint students_enrolment_is_known
        check (enrolment in ('active', 'transferred', 'graduated', 'dropped_out')),
    -- As written on the application; guardians have records of their own.
    parent_name text not null,
    parent_phone text not null,
    address text not null,
    -- Who signs in as this student.
    user text constraint students_user_unique unique
        constraint students_user_fk references users (id) on delete restrict,
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create index students_name on students (last_name collate nocase, first_name collate nocase);
create index students_form on students (form) where form is not null;
create index students_year on students (admission_year, enrolment);

-- Every change of enrolment and of boarding or day.
create table student_history (
    id text not null constraint student_history_pk primary key,
    student text not null constraint student_history_student_fk references students (id) on delete cascade,
    field text not null constraint student_history_field_is_known check (field in ('enrolment', 'status', 'form')),
    old_value text,
    new_value text,
    reason text not null,
    actor_name text not null,
    changed_at integer not null
) strict, without rowid;
create index student_history_student on student_history (student);

create table guardians (
    id text not null constraint guardians_pk primary key,
    first_name text not null,
    last_name text not null,
    phone_number text,
    email text,
    -- Which channels the guardian agreed to: {"sms": bool, "whatsapp": bool, "email": bool}.
    consent text not null constraint guardians_consent_is_json check (json_valid(consent)),
    -- Who signs in as this guardian.
    user text constraint guardians_user_unique unique
        constraint guardians_user_fk references users (id) on delete restrict,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint guardians_can_be_reached check (phone_number is not null or email is not null)
) strict, without rowid;
create unique index guardians_phone_number on guardians (phone_number) where phone_number is not null;
create unique index guardians_email on guardians (email) where email is not null;
create index guardians_name on guardians (last_name collate nocase, first_name collate nocase);

create table student_guardians (
    id text not null constraint student_guardians_pk primary key,
    student text not null constraint student_guardians_student_fk references students (id) on delete restrict,
    guardian text not null constraint student_guardians_guardian_fk references guardians (id) on delete restrict,
    relation text not null,
    is_primary integer not null constraint student_guardians_is_primary_is_boolean check (is_primary in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint student_guardians_unique unique (student, guardian)
) strict, without rowid;
create index student_guardians_guardian on student_guardians (guardian);
create unique index student_guardians_one_primary on student_guardians (student) where is_primary = 1;

-- A student in one session: history, never deleted once something refers to it.
create table student_sessions (
    id text not null constraint student_sessions_pk primary key,
    session text not null constraint student_sessions_session_fk references academic_sessions (id) on delete restrict,
    student text not null constraint student_sessions_student_fk references students (id) on delete restrict,
    -- Null: registered in the session, not yet in a class.
    academic_class text constraint student_sessions_class_fk references academic_classes (id) on delete restrict,
    boarding_status text not null
        constraint student_sessions_boarding_is_known check (boarding_status in ('Boarding', 'Day')),
    -- Only those who are active count in class sizes and positions.
    status text not null constraint student_sessions_status_is_known
        check (status in ('active', 'transferred', 'graduated', 'dropped_out')),
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint student_sessions_unique unique (student, session)
) strict, without rowid;
create index student_sessions_class on student_sessions (academic_class, status) where academic_class is not null;
create index student_sessions_session on student_sessions (session, status);
