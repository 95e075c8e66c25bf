-- PINs with which families ask for a student's results, and who may make and use them.

create table student_pins (
    student text not null constraint student_pins_pk primary key
        constraint student_pins_student_fk references students (id) on delete cascade,
    -- The key's id and an HMAC under it: the key is not in the database.
    hash text not null,
    set_at integer not null,
    set_by text
) strict, without rowid;

insert or ignore into role_permissions (role_id, codename)
select roles.id, 'chatbot.*' from roles where roles.builtin = 'administrator';
insert or ignore into role_permissions (role_id, codename)
select roles.id, 'school.change_student_pin' from roles where roles.builtin = 'office';
