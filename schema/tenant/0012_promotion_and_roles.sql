-- Years are left in order and once, proposals are told from decisions, and families may read notices.

-- Levels are found whatever the case of their names.
create index academic_settings_level on academic_settings (ifnull(level, '') collate nocase);
