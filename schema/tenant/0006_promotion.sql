-- The move to the next year: set-up, decisions, one execution, its undoing.

create table session_setups (
    id text not null constraint session_setups_pk primary key,
    session_type text not null constraint session_setups_type_is_known
        check (session_type in ('exam_session', 'academic_session')),
    -- The new year.
    academic_session text not null
        constraint session_setups_session_fk references academic_sessions (id) on delete restrict,
    exam_session text constraint session_setups_exam_session_fk references exam_sessions (id) on delete restrict,
    -- The year that ends; promotions lead from it.
    previous_session text
        constraint session_setups_previous_fk references academic_sessions (id) on delete restrict,
    status text not null constraint session_setups_status_is_known
        check (status in ('not_started', 'pending', 'completed')),
    current_step integer not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint session_setups_lead_elsewhere check (previous_session is null or previous_session <> academic_session)
) strict, without rowid;
create index session_setups_session on session_setups (academic_session);
create index session_setups_exam_session on session_setups (exam_session) where exam_session is not null;
create index session_setups_previous on session_setups (previous_session) where previous_session is not null;

create table student_promotions (
    id text not null constraint student_promotions_pk primary key,
    session_setup text not null
        constraint student_promotions_setup_fk references session_setups (id) on delete restrict,
    student text not null constraint student_promotions_student_fk references students (id) on delete restrict,
    source_session_class text not null
        constraint student_promotions_source_fk references academic_classes (id) on delete restrict,
    destination_session_class text
        constraint student_promotions_destination_fk references academic_classes (id) on delete restrict,
    action text not null constraint student_promotions_action_is_known
        check (action in ('pending', 'promote', 'repeat', 'transfer', 'graduate', 'drop_out')),
    -- Null: as the student is when the decisions are carried out.
    boarding_status text
        constraint student_promotions_boarding_is_known check (boarding_status in ('Boarding', 'Day')),
    reason text not null,
    -- The user who decided; null: proposed by the rules, or decided by another program.
    decided_by text,
    -- When it was carried out; null again once that was undone.
    execution_date integer,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint student_promotions_unique unique (session_setup, student),
    constraint student_promotions_lead_somewhere check (action not in ('promote', 'repeat') or destination_session_class is not null)
) strict, without rowid;
create index student_promotions_student on student_promotions (student);
create index student_promotions_source on student_promotions (source_session_class);
create index student_promotions_destination on student_promotions (destination_session_class)
    where destination_session_class is not null;

create table promotion_executions (
    id text not null constraint promotion_executions_pk primary key,
    session_setup text not null
        constraint promotion_executions_setup_fk references session_setups (id) on delete restrict,
    executed_at integer not null,
    executed_by text,
    undone_at integer,
    undone_by text,
    summary text not null constraint promotion_executions_summary_is_json check (json_valid(summary)),
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create index promotion_executions_setup on promotion_executions (session_setup);
-- Of parallel executions one wins.
create unique index promotion_executions_once on promotion_executions (session_setup) where undone_at is null;

-- What an execution did with each student, so that it can be shown and undone. Registrations of the year that ends
-- stay as they are, so nothing of them is kept here.
create table student_promotion_history (
    id text not null constraint student_promotion_history_pk primary key,
    execution text not null
        constraint student_promotion_history_execution_fk references promotion_executions (id) on delete restrict,
    student text not null constraint student_promotion_history_student_fk references students (id) on delete restrict,
    source_session_class text not null
        constraint student_promotion_history_source_fk references academic_classes (id) on delete restrict,
    destination_session_class text
        constraint student_promotion_history_destination_fk references academic_classes (id) on delete restrict,
    action text not null constraint student_promotion_history_action_is_known
        check (action in ('promote', 'repeat', 'transfer', 'graduate', 'drop_out')),
    -- The registration that the execution made in the new session. No foreign key: undoing removes it, and this row stays.
    student_session text,
    -- The student's enrolment, boarding or day, and form before, to be put back by undoing where they are still as after.
    old_enrolment text not null constraint student_promotion_history_old_enrolment_is_known
        check (old_enrolment in ('active', 'transferred', 'graduated', 'dropped_out')),
    old_boarding text not null
        constraint student_promotion_history_old_boarding_is_known check (old_boarding in ('Boarding', 'Day')),
    old_form text,
    new_enrolment text not null constraint student_promotion_history_new_enrolment_is_known
        check (new_enrolment in ('active', 'transferred', 'graduated', 'dropped_out')),
    new_boarding text not null
        constraint student_promotion_history_new_boarding_is_known check (new_boarding in ('Boarding', 'Day')),
    new_form text,
    created_at integer not null,
    constraint student_promotion_history_unique unique (execution, student),
    constraint student_promotion_history_registers_who_stays
        check ((action in ('promote', 'repeat')) = (student_session is not null))
) strict, without rowid;
create index student_promotion_history_student on student_promotion_history (student);
create index student_promotion_history_source on student_promotion_history (source_session_class);
create index student_promotion_history_destination on student_promotion_history (destination_session_class)
    where destination_session_class is not null;
