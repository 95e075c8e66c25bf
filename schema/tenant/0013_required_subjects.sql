-- The subjects of a form that must be passed by who is promoted.

alter table curriculum add column must_pass integer not null default 0
    constraint curriculum_must_pass_is_boolean check (must_pass in (0, 1));
