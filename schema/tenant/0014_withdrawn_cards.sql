-- Withdrawn cards are no longer current: they come back only when they are published again.
update report_cards set is_current = 0 where is_current = 1
    and exam_session in (select id from exam_sessions where state not in ('published', 'locked'));

-- Cards on their way into a publication: more than one value may hold come in portions, and the last one makes report cards of
-- them all.
create table publication_portions (
    publication text not null,
    part integer not null,
    exam_session text not null constraint publication_portions_session_fk references exam_sessions (id) on delete restrict,
    -- A JSON array of [id, student_session, academic_class, card, digest].
    cards text not null,
    constraint publication_portions_pk primary key (publication, part)
) strict, without rowid;
create index publication_portions_session on publication_portions (exam_session);
