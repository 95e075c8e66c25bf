-- What tells whether a card would say anything new: of cards that were published before there is none, so they count as changed once.
alter table report_cards add column digest text;
