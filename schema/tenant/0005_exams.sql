-- Exams and marks, scales, settings, and the cards that were published.

create table exam_sessions (
    id text not null constraint exam_sessions_pk primary key,
    session text not null constraint exam_sessions_session_fk references academic_sessions (id) on delete restrict,
    term text not null constraint exam_sessions_term_is_known check (term in ('1', '2', '3')),
    name text not null,
    state text not null constraint exam_sessions_state_is_known
        check (state in ('draft', 'review', 'published', 'locked')),
    -- When published cards become visible outside the staff; null: at once.
    release_at integer,
    is_active integer not null constraint exam_sessions_is_active_is_boolean check (is_active in (0, 1)),
    is_deleted integer not null constraint exam_sessions_is_deleted_is_boolean check (is_deleted in (0, 1)),
    published_at integer,
    locked_at integer,
    created_at integer not null,
    updated_at integer not null,
    created_by text
) strict, without rowid;
create unique index exam_sessions_name on exam_sessions (session, term, name collate nocase) where is_deleted = 0;

create table exams (
    id text not null constraint exams_pk primary key,
    exam_session text not null constraint exams_session_fk references exam_sessions (id) on delete restrict,
    academic_class text not null constraint exams_class_fk references academic_classes (id) on delete restrict,
    subject text not null constraint exams_subject_fk references subjects (id) on delete restrict,
    teacher text not null constraint exams_teacher_fk references staff (id) on delete restrict,
    -- Until when teachers enter marks; null: as long as the session is a draft.
    marks_due text,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint exams_unique unique (exam_session, academic_class, subject)
) strict, without rowid;
create index exams_class on exams (academic_class);
create index exams_subject on exams (subject);
create index exams_teacher on exams (teacher, exam_session);

create table marks (
    id text not null constraint marks_pk primary key,
    exam text not null constraint marks_exam_fk references exams (id) on delete restrict,
    student_session text not null constraint marks_student_fk references student_sessions (id) on delete restrict,
    -- Hundredths; null: missing, or absent.
    mark integer constraint marks_mark_in_range check (mark between 0 and 10000),
    is_absent integer not null constraint marks_is_absent_is_boolean check (is_absent in (0, 1)),
    comment text not null,
    -- Counts the changes, so that nobody overwrites what they have not seen.
    version integer not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    -- Whose change was the last one: what others entered is not replaced unseen.
    updated_by text,
    constraint marks_unique unique (exam, student_session),
    constraint marks_absent_have_no_mark check (is_absent = 0 or mark is null)
) strict, without rowid;
create index marks_student on marks (student_session);

-- The bands of the scale in force.
create table academic_settings (
    id text not null constraint academic_settings_pk primary key,
    -- Null: of every level that has no bands of its own.
    level text,
    grade text not null,
    rank integer not null constraint academic_settings_rank_is_positive check (rank >= 1),
    -- Hundredths.
    min_mark integer not null constraint academic_settings_min_in_range check (min_mark between 0 and 10000),
    max_mark integer not null constraint academic_settings_max_in_range check (max_mark between 0 and 10000),
    description text not null,
    comment text not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint academic_settings_min_below_max check (min_mark <= max_mark)
) strict, without rowid;
create unique index academic_settings_rank on academic_settings (ifnull(level, ''), rank);
create unique index academic_settings_grade on academic_settings (ifnull(level, ''), grade);

-- Ranking priorities and rules; one row.
create table report_settings (
    id integer not null constraint report_settings_pk primary key constraint report_settings_single check (id = 1),
    settings text not null constraint report_settings_is_json check (json_valid(settings)),
    updated_at integer not null
) strict, without rowid;

-- Comments by bands of marks, of four kinds of author.
create table comment_templates (
    id text not null constraint comment_templates_pk primary key,
    kind text not null constraint comment_templates_kind_is_known
        check (kind in ('teacher', 'teacher_grade', 'class_teacher', 'head_teacher')),
    level text not null,
    -- Hundredths.
    min_mark integer not null constraint comment_templates_min_in_range check (min_mark between 0 and 10000),
    max_mark integer not null constraint comment_templates_max_in_range check (max_mark between 0 and 10000),
    text text not null,
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint comment_templates_min_below_max check (min_mark <= max_mark)
) strict, without rowid;
create index comment_templates_kind on comment_templates (kind, level);

-- What is on a card beside the figures, written by hand: it wins over the templates.
create table card_comments (
    exam_session text not null constraint card_comments_session_fk references exam_sessions (id) on delete restrict,
    student_session text not null
        constraint card_comments_student_fk references student_sessions (id) on delete restrict,
    kind text not null constraint card_comments_kind_is_known check (kind in ('class_teacher', 'head_teacher')),
    text text not null,
    updated_at integer not null,
    updated_by text,
    constraint card_comments_pk primary key (exam_session, student_session, kind)
) strict, without rowid;
create index card_comments_student on card_comments (student_session);

-- What a publication froze: the scales and settings that its cards used. Never changed.
create table publications (
    id text not null constraint publications_pk primary key,
    exam_session text not null constraint publications_session_fk references exam_sessions (id) on delete restrict,
    version integer not null,
    -- {level: [bands]} and the report settings, as they were.
    scales text not null constraint publications_scales_is_json check (json_valid(scales)),
    settings text not null constraint publications_settings_is_json check (json_valid(settings)),
    published_at integer not null,
    published_by text,
    constraint publications_unique unique (exam_session, version)
) strict, without rowid;

-- Cards that only the staff may see, published or not.
create table withheld_cards (
    exam_session text not null constraint withheld_cards_session_fk references exam_sessions (id) on delete restrict,
    student_session text not null
        constraint withheld_cards_student_fk references student_sessions (id) on delete restrict,
    reason text not null,
    withheld_at integer not null,
    withheld_by text,
    constraint withheld_cards_pk primary key (exam_session, student_session)
) strict, without rowid;
create index withheld_cards_student on withheld_cards (student_session);

-- A published card, every version of it. Never changed but for the marks `is_outdated` and `is_current`.
create table report_cards (
    id text not null constraint report_cards_pk primary key,
    publication text not null constraint report_cards_publication_fk references publications (id) on delete restrict,
    exam_session text not null constraint report_cards_session_fk references exam_sessions (id) on delete restrict,
    student_session text not null
        constraint report_cards_student_fk references student_sessions (id) on delete restrict,
    academic_class text not null constraint report_cards_class_fk references academic_classes (id) on delete restrict,
    version integer not null,
    -- Everything that the card shows, as it was published.
    card text not null constraint report_cards_card_is_json check (json_valid(card)),
    is_outdated integer not null constraint report_cards_is_outdated_is_boolean check (is_outdated in (0, 1)),
    -- The newest version of this student's card.
    is_current integer not null constraint report_cards_is_current_is_boolean check (is_current in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    created_by text,
    constraint report_cards_unique unique (exam_session, student_session, version)
) strict, without rowid;
create index report_cards_publication on report_cards (publication);
create index report_cards_student on report_cards (student_session);
create index report_cards_class on report_cards (academic_class, exam_session);
create unique index report_cards_current on report_cards (exam_session, student_session) where is_current = 1;
