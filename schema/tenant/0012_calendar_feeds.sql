-- Addresses at which calendar programs, which can send no credential, read a timetable.

create table calendar_feeds (
    id text not null constraint calendar_feeds_pk primary key,
    user text not null constraint calendar_feeds_user_fk references users (id) on delete cascade,
    name text not null,
    -- Whose lessons; neither: the user's own.
    academic_class text constraint calendar_feeds_class_fk references academic_classes (id) on delete cascade,
    teacher text constraint calendar_feeds_teacher_fk references staff (id) on delete cascade,
    -- SHA-256 of the token in the address, hexadecimal.
    token_hash text not null constraint calendar_feeds_token_unique unique,
    created_at integer not null,
    constraint calendar_feeds_of_one check (academic_class is null or teacher is null)
) strict, without rowid;
create index calendar_feeds_user on calendar_feeds (user);
create index calendar_feeds_class on calendar_feeds (academic_class) where academic_class is not null;
create index calendar_feeds_teacher on calendar_feeds (teacher) where teacher is not null;
