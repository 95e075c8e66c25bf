-- Exam sessions whose marks are worked out from those of others: the results of a year from its terms'.

create table exam_session_parts (
    exam_session text not null
        constraint exam_session_parts_session_fk references exam_sessions (id) on delete restrict,
    -- The order on cards.
    place integer not null constraint exam_session_parts_place_in_range check (place between 1 and 6),
    part text not null constraint exam_session_parts_part_fk references exam_sessions (id) on delete restrict,
    weight integer not null constraint exam_session_parts_weight_in_range check (weight between 1 and 100),
    constraint exam_session_parts_pk primary key (exam_session, place),
    constraint exam_session_parts_unique unique (part, exam_session)
) strict, without rowid;

-- Rules more. The table is always empty, so this adds the checks and nothing else.
alter table academic_guards add column parts integer
    constraint exams_in_parts check (rule <> 'exams_in_parts')
    constraint exam_session_has_exams check (rule <> 'exam_session_has_exams')
    constraint parts_nested check (rule <> 'parts_nested')
    constraint parts_not_published check (rule <> 'parts_not_published')
    constraint counts_in_published check (rule <> 'counts_in_published')
    constraint in_use check (rule <> 'in_use');

-- Triggers, since the rules lie between rows that several statements write, and none may forget. D1 takes a file apart at BEGIN and
-- END, in capitals only.
create trigger exam_session_parts_fit before insert on exam_session_parts
BEGIN
    insert into academic_guards (rule) select 'exam_of_another_session' where not exists (select 1 from exam_sessions x
        join exam_sessions p on p.session = x.session and p.is_deleted = 0
        where x.id = new.exam_session and x.is_deleted = 0 and p.id = new.part);
    insert into academic_guards (rule) select 'parts_nested' where new.part = new.exam_session
        or exists (select 1 from exam_session_parts q where q.exam_session = new.part)
        or exists (select 1 from exam_session_parts q where q.part = new.exam_session);
    insert into academic_guards (rule) select 'exam_session_has_exams'
        where exists (select 1 from exams e where e.exam_session = new.exam_session);
END;

create trigger exams_of_parts_only before insert on exams
when exists (select 1 from exam_session_parts q where q.exam_session = new.exam_session)
BEGIN
    insert into academic_guards (rule) values ('exams_in_parts');
END;

create trigger exam_sessions_after_their_parts before update of state on exam_sessions
when (new.state in ('published', 'locked')) <> (old.state in ('published', 'locked'))
BEGIN
    insert into academic_guards (rule) select 'parts_not_published' where new.state in ('published', 'locked')
        and exists (select 1 from exam_session_parts q join exam_sessions p on p.id = q.part
        where q.exam_session = new.id and p.state not in ('published', 'locked'));
    insert into academic_guards (rule) select 'counts_in_published' where old.state in ('published', 'locked')
        and exists (select 1 from exam_session_parts q join exam_sessions x on x.id = q.exam_session
        where q.part = new.id and x.state in ('published', 'locked'));
END;

create trigger exam_sessions_deleted before update of is_deleted on exam_sessions
when new.is_deleted = 1 and old.is_deleted = 0
BEGIN
    insert into academic_guards (rule) select 'in_use' where exists (select 1 from exam_session_parts q where q.part = new.id);
    delete from exam_session_parts where exam_session = new.id;
END;

-- A mark of a part is one of the whole: its remark is not.
create trigger marks_entered_in_parts after insert on marks
when exists (select 1 from exams e join exam_session_parts q on q.part = e.exam_session where e.id = new.exam)
BEGIN
    update report_cards set is_outdated = 1, updated_at = new.updated_at
    where student_session = new.student_session and is_current = 1 and is_outdated = 0 and exam_session in
    (select q.exam_session from exams e join exam_session_parts q on q.part = e.exam_session where e.id = new.exam);
END;

create trigger marks_corrected_in_parts after update of mark, is_absent on marks
when (old.mark, old.is_absent) is not (new.mark, new.is_absent)
and exists (select 1 from exams e join exam_session_parts q on q.part = e.exam_session where e.id = new.exam)
BEGIN
    update report_cards set is_outdated = 1, updated_at = new.updated_at
    where student_session = new.student_session and is_current = 1 and is_outdated = 0 and exam_session in
    (select q.exam_session from exams e join exam_session_parts q on q.part = e.exam_session where e.id = new.exam);
END;
