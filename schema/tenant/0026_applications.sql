-- Applications: what comes before a student is admitted.

-- The running numbers of each year of admission.
create table application_numbers (
    admission_year integer not null constraint application_numbers_pk primary key,
    last_number integer not null
) strict, without rowid;

create table applications (
    id text not null constraint applications_pk primary key,
    number text not null constraint applications_number_unique unique,
    session text not null constraint applications_session_fk references academic_sessions (id) on delete restrict,
    form text not null constraint applications_form_fk references forms (id) on delete restrict,
    admission_year integer not null,
    first_name text not null,
    middle_name text not null,
    last_name text not null,
    gender text not null constraint applications_gender_is_known check (gender in ('male', 'female', 'other', '')),
    dob text,
    boarding_status text not null
        constraint applications_boarding_is_known check (boarding_status in ('Boarding', 'Day')),
    address text not null,
    guardian_first_name text not null,
    guardian_last_name text not null,
    guardian_phone text,
    guardian_email text,
    guardian_relation text not null,
    -- As of guardians: {"sms": bool, "whatsapp": bool, "email": bool}.
    guardian_consent text not null constraint applications_consent_is_json check (json_valid(guardian_consent)),
    previous_school text not null,
    previous_results text not null,
    notes text not null,
    -- The entrance examination, of schools that have one; the mark in hundredths.
    exam_date text,
    exam_mark integer constraint applications_exam_mark_in_range check (exam_mark between 0 and 10000),
    exam_remark text not null,
    state text not null constraint applications_state_is_known check (state in
        ('received', 'examined', 'waitlisted', 'offered', 'rejected', 'declined', 'withdrawn', 'enrolled')),
    decided_by text,
    decided_at integer,
    -- Why it is in this state, where it was said.
    reason text not null,
    -- The student that it became.
    student text constraint applications_student_fk references students (id) on delete restrict,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint applications_student_when_enrolled check ((state = 'enrolled') = (student is not null))
) strict, without rowid;
create index applications_session on applications (session, form, exam_mark);
create index applications_form on applications (form);
create index applications_name on applications (last_name collate nocase, first_name collate nocase);
-- One application becomes one student, and a student is of one.
create unique index applications_student on applications (student) where student is not null;

-- Every change of state.
create table application_history (
    id text not null constraint application_history_pk primary key,
    application text not null
        constraint application_history_application_fk references applications (id) on delete cascade,
    old_value text not null,
    new_value text not null,
    reason text not null,
    actor_name text not null,
    changed_at integer not null
) strict, without rowid;
create index application_history_application on application_history (application);

insert or ignore into role_permissions (role_id, codename)
select roles.id, added.value from roles, json_each('[
    "school.view_application", "school.add_application", "school.change_application", "school.decide_application"
]') as added where roles.builtin = 'office';
