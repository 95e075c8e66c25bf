-- Cards that are worked out from parts give no points for attendance, so that no correction of it makes them wrong.
-- The triggers are those of 0023_corrected_attendance.sql but for that. D1 takes a file apart at BEGIN and END, in capitals only.
drop trigger attendance_entered;
drop trigger attendance_corrected;
drop trigger attendance_deleted;

create trigger attendance_entered after insert on attendance
when exists (select 1 from report_settings s where s.settings ->> '$.attendance_bonus' = 1)
BEGIN
    update report_cards set is_outdated = 1, updated_at = new.updated_at
    where student_session = new.student_session and is_current = 1 and is_outdated = 0
    and not exists (select 1 from exam_session_parts q where q.exam_session = report_cards.exam_session)
    and exists (select 1 from publications p join exam_sessions x on x.id = p.exam_session
        join terms t on t.session = x.session and t.term = x.term where p.id = report_cards.publication
        and new.date between t.start_date and min(t.end_date, ifnull(p.day, date(p.published_at / 1000, 'unixepoch'))));
END;

create trigger attendance_corrected after update of student_session, date, lesson, status on attendance
when (old.student_session, old.date, old.lesson, old.status) is not (new.student_session, new.date, new.lesson, new.status)
and exists (select 1 from report_settings s where s.settings ->> '$.attendance_bonus' = 1)
BEGIN
    update report_cards set is_outdated = 1, updated_at = new.updated_at
    where student_session in (old.student_session, new.student_session) and is_current = 1 and is_outdated = 0
    and not exists (select 1 from exam_session_parts q where q.exam_session = report_cards.exam_session)
    and exists (select 1 from publications p join exam_sessions x on x.id = p.exam_session
        join terms t on t.session = x.session and t.term = x.term join (select old.student_session as student, old.date as day
        union all select new.student_session, new.date) e on e.student = report_cards.student_session
        where p.id = report_cards.publication
        and e.day between t.start_date and min(t.end_date, ifnull(p.day, date(p.published_at / 1000, 'unixepoch'))));
END;

create trigger attendance_deleted after delete on attendance
when exists (select 1 from report_settings s where s.settings ->> '$.attendance_bonus' = 1)
BEGIN
    update report_cards set is_outdated = 1
    where student_session = old.student_session and is_current = 1 and is_outdated = 0
    and not exists (select 1 from exam_session_parts q where q.exam_session = report_cards.exam_session)
    and exists (select 1 from publications p join exam_sessions x on x.id = p.exam_session
        join terms t on t.session = x.session and t.term = x.term where p.id = report_cards.publication
        and old.date between t.start_date and min(t.end_date, ifnull(p.day, date(p.published_at / 1000, 'unixepoch'))));
END;
