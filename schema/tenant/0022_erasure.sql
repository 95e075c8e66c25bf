-- Students who were erased: the row stays, since marks and positions of others depend on it, and tells nobody who it was.

alter table students add column erased_at integer;

-- Rules more. The table is always empty, so this adds the checks and nothing else.
alter table academic_guards add column erasure integer
    constraint student_enrolled check (rule <> 'student_enrolled')
    constraint student_erased check (rule <> 'student_erased')
    constraint import_running check (rule <> 'import_running');

-- Triggers, since people are written by many statements and none may fill in an erased student again. D1 takes a file apart at BEGIN and
-- END, in capitals only.
create trigger students_stay_erased before update on students when old.erased_at is not null
BEGIN
    insert into academic_guards (rule) values ('student_erased');
END;

create trigger student_guardians_of_nobody_erased before insert on student_guardians
when exists (select 1 from students where id = new.student and erased_at is not null)
BEGIN
    insert into academic_guards (rule) values ('student_erased');
END;

create trigger student_pins_of_nobody_erased before insert on student_pins
when exists (select 1 from students where id = new.student and erased_at is not null)
BEGIN
    insert into academic_guards (rule) values ('student_erased');
END;

create trigger leave_applications_of_nobody_erased before insert on leave_applications
when exists (select 1 from students where id = new.student and erased_at is not null)
BEGIN
    insert into academic_guards (rule) values ('student_erased');
END;

create trigger leave_applications_stay_erased before update on leave_applications
when exists (select 1 from students where id = new.student and erased_at is not null)
BEGIN
    insert into academic_guards (rule) values ('student_erased');
END;
