//! `/api/v1/school/session-setup/`: the move to the next year.
