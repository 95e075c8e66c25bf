-- What lists of published cards are searched, ordered and filtered by, taken out of the cards and kept in an index: a page then
-- reads the cards that it shows, and no others.
alter table report_cards add column student_name text generated always as (card ->> '$.student_name') virtual;
alter table report_cards add column student_number text generated always as (card ->> '$.student_number') virtual;
alter table report_cards add column average real generated always as (card ->> '$.average') virtual;
alter table report_cards add column position_in_class integer generated always as (card ->> '$.position_in_class') virtual;
alter table report_cards add column is_complete integer generated always as (card ->> '$.is_complete') virtual;
create index report_cards_listed on report_cards (exam_session, academic_class, student_name, student_number, average,
    position_in_class, is_complete, is_outdated, student_session) where is_current = 1;
