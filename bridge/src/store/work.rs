//! What a message becomes when something happens to it. No database in here: both stores load, decide with this, and save.

use homeroom_sms_contract::submit::Cancelled;

use super::{Ambiguity, HistoryLine, MessageView, PartView, states};
use crate::message::{AttemptResult, Attempted, PartStatus};

/// Clocks of two bridges may differ by this much, in milliseconds.
const CLOCK_TOLERANCE: i64 = 5_000;

/// Attempts without an answer after which a part is held.
const MOST_AMBIGUOUS: u32 = 10;
/// The pause after the second of them, in milliseconds; doubles with each.
const AMBIGUOUS_PAUSE: i64 = 5_000;

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Parts may wait.
    Open,
    /// Its time ended: no part waits, some may still get a receipt.
    Overdue,
    /// Every part is final.
    Finished,
}

impl Phase {
    pub(super) const fn code(self) -> i16 {
        match self {
            Self::Open => 0,
            Self::Overdue => 1,
            Self::Finished => 2,
        }
    }

    pub(super) const fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Open,
            1 => Self::Overdue,
            _ => Self::Finished,
        }
    }
}

/// A part, without what it carries.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) number: u16,
    pub(super) status: PartStatus,
    pub(super) attempt: u32,
    pub(super) ambiguous: u32,
    pub(super) refusals: u32,
    pub(super) due_at: i64,
    pub(super) sent_at: Option<i64>,
    pub(super) submitted_at: Option<i64>,
    pub(super) link: Option<i64>,
    pub(super) provider: Option<String>,
    pub(super) provider_id: Option<Vec<u8>>,
    pub(super) error: Option<String>,
    /// Lines to add to its log; with one, the part is to be saved.
    pub(super) log: String,
}

impl Part {
    fn note(&mut self, at: i64, what: &str) {
        self.log.push_str(&line(at, what));
    }

    /// Another attempt, unless its time is over by now. Says whether the platform is told.
    fn queue_again(&mut self, at: i64, status: Option<u32>, in_time: bool, now: i64) -> bool {
        if !in_time {
            self.note(now, "expired");
            self.status = PartStatus::Expired;
            self.error = status.map(error_code);
            return true;
        }
        // One that never left keeps its place in the queue.
        if at > now || status.is_some() {
            self.due_at = at;
        }
        let news = self.status == PartStatus::Unknown;
        self.status = PartStatus::Accepted;
        news
    }

    /// The centre has it, or nobody will send it again: its text is needed no more.
    pub(super) const fn is_done_with_body(&self) -> bool {
        states::code(self.status) >= states::code(PartStatus::Submitted)
    }
}

/// A line of a log.
pub(super) fn line(at: i64, what: &str) -> String {
    format!("{at}\t{}\n", what.replace(['\n', '\t'], " "))
}

/// A message with its parts, as a transaction sees it.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) key: i64,
    pub(super) message_id: String,
    pub(super) app_id: i64,
    pub(super) tenant: Option<String>,
    pub(super) esme: i64,
    pub(super) valid_until: i64,
    pub(super) updated_at: i64,
    pub(super) version: i64,
    pub(super) phase: Phase,
    pub(super) phase_at: i64,
    pub(super) parts: Vec<Part>,
    /// Something that the platform is told has changed.
    pub(super) news: bool,
    /// The row of the message itself is to be saved.
    pub(super) moved: bool,
    /// Ambiguous attempts that were counted.
    pub(super) ambiguous: i64,
    /// Parts that waited when it was loaded.
    pub(super) waited: i64,
}

/// A receipt that came before its id was known.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    pub(super) status: PartStatus,
    pub(super) error: Option<String>,
    pub(super) received_at: i64,
}

/// What an attempt's result asks of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// No id came.
    No,
    /// The part has its id now.
    Current,
    /// An older attempt has an id: receipts for it say only whether it was delivered.
    Late,
}

impl Loaded {
    /// Parts that wait.
    pub(super) fn waiting(&self) -> i64 {
        let count = self
            .parts
            .iter()
            .filter(|part| part.status == PartStatus::Accepted)
            .count();
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    fn part(&mut self, number: u16) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.number == number)
    }

    /// Its parts may still be sent. Another bridge, or a clock since put back, may have ended its time before this clock does.
    fn is_in_time(&self, now: i64) -> bool {
        self.phase == Phase::Open && now <= self.valid_until
    }

    /// Takes the result of an attempt.
    pub(super) fn attempted(
        &mut self,
        attempted: &Attempted,
        provider: &str,
        ambiguity: Ambiguity,
        now: i64,
    ) -> Named {
        let in_time = self.is_in_time(now);
        let Some(part) = self.part(attempted.key.number) else {
            return Named::No;
        };
        let current = attempted.attempt == part.attempt;
        // Queued again or held after an attempt without an answer: the answer came after all.
        let open = current && !part.status.is_final() && part.provider_id.is_none();
        let sending = open && part.status == PartStatus::Sending;
        let in_hand = sending || (open && part.status == PartStatus::Unknown);
        let prefix = format!("attempt {} on link {}", attempted.attempt, attempted.link);
        let mut named = Named::No;
        let mut news = false;
        let mut ambiguous = 0;
        match &attempted.result {
            AttemptResult::Submitted { provider_id } => {
                if part.provider_id.as_ref() == Some(provider_id) {
                    return Named::No;
                }
                let id = printable(provider_id);
                if current && part.provider_id.is_none() {
                    part.note(now, &format!("{prefix}: taken as {id}"));
                    part.provider = Some(provider.to_owned());
                    part.provider_id = Some(provider_id.clone());
                    part.submitted_at = Some(now);
                    part.link = Some(attempted.link);
                    if open {
                        part.status = PartStatus::Submitted;
                        news = true;
                    }
                    named = Named::Current;
                } else {
                    part.note(now, &format!("{prefix}: taken late as {id}"));
                    named = Named::Late;
                }
            }
            AttemptResult::Again { at, status } => {
                let why = status.map_or_else(|| "not sent".to_owned(), refusal);
                part.note(now, &format!("{prefix}: {why}, to be tried again"));
                if in_hand {
                    part.refusals += u32::from(status.is_some());
                    part.link = Some(attempted.link);
                    news = part.queue_again(*at, *status, in_time, now);
                }
            }
            AttemptResult::Throttled { at, status } => {
                let why = refusal(*status);
                part.note(
                    now,
                    &format!("{prefix}: {why}, too busy, to be tried again"),
                );
                if in_hand {
                    part.link = Some(attempted.link);
                    news = part.queue_again(*at, Some(*status), in_time, now);
                }
            }
            AttemptResult::Rejected { status } => {
                part.note(now, &format!("{prefix}: {}", refusal(*status)));
                if open {
                    part.link = Some(attempted.link);
                    part.status = PartStatus::Rejected;
                    part.error = Some(error_code(*status));
                    news = true;
                }
            }
            AttemptResult::Ambiguous => {
                part.note(now, &format!("{prefix}: no answer"));
                if sending {
                    part.link = Some(attempted.link);
                    part.ambiguous += 1;
                    ambiguous = 1;
                    news = strand(part, ambiguity, in_time, now);
                }
            }
        }
        self.ambiguous += ambiguous;
        self.news |= news;
        named
    }

    /// Takes a receipt; `current` unless it is for an id of an older attempt. Says whether it was news.
    pub(super) fn receipt(
        &mut self,
        number: u16,
        current: bool,
        receipt: &Orphan,
        now: i64,
    ) -> bool {
        let Some(part) = self.part(number) else {
            return false;
        };
        // The older attempt failed, but another is on its way.
        if !current && receipt.status != PartStatus::Delivered {
            return false;
        }
        let Some(status) = states::advance(part.status, receipt.status) else {
            return false;
        };
        let error = receipt
            .error
            .as_ref()
            .map(|code| format!(", error {code}"))
            .unwrap_or_default();
        part.note(now, &format!("receipt: {}{error}", states::name(status)));
        part.status = status;
        part.error.clone_from(&receipt.error);
        self.news = true;
        true
    }

    /// When a part was sent, to tell its receipts from older ones with the same id.
    pub(super) fn receipts_since(&self, number: u16) -> i64 {
        self.parts
            .iter()
            .find(|part| part.number == number)
            .and_then(|part| part.sent_at)
            .map_or(i64::MIN, |at| at.saturating_sub(CLOCK_TOLERANCE))
    }

    /// Its time has ended: nothing of it is sent any more.
    pub(super) fn expire(&mut self, now: i64) {
        for part in &mut self.parts {
            if part.status == PartStatus::Accepted {
                part.status = PartStatus::Expired;
                part.note(now, "expired");
                self.news = true;
            }
        }
        if self.phase == Phase::Open {
            self.phase = Phase::Overdue;
            self.moved = true;
        }
    }

    /// The bridge that made these attempts at parts is gone, or was restarted.
    pub(super) fn recover(
        &mut self,
        attempts: &[(u16, u32)],
        ambiguity: Ambiguity,
        now: i64,
    ) -> u64 {
        let in_time = self.is_in_time(now);
        let mut count = 0;
        for part in &mut self.parts {
            if part.status == PartStatus::Sending && attempts.contains(&(part.number, part.attempt))
            {
                part.note(
                    now,
                    &format!("attempt {}: no answer known after a restart", part.attempt),
                );
                part.ambiguous += 1;
                self.ambiguous += 1;
                self.news |= strand(part, ambiguity, in_time, now);
                count += 1;
            }
        }
        count
    }

    /// Nobody heard of the claim of an attempt: no byte of it has left.
    pub(super) fn put_back(&mut self, number: u16, attempt: u32, now: i64) {
        let in_time = self.is_in_time(now);
        let Some(part) = self.part(number) else {
            return;
        };
        part.note(
            now,
            &format!("attempt {attempt}: not sent, to be tried again"),
        );
        self.news |= part.queue_again(now, None, in_time, now);
    }

    /// Withdraws it where no byte of it can have left.
    pub(super) fn cancel(&mut self, now: i64) -> Cancelled {
        if self
            .parts
            .iter()
            .all(|part| part.status == PartStatus::Deleted && part.provider_id.is_none())
        {
            return Cancelled::Cancelled;
        }
        if self
            .parts
            .iter()
            .any(|part| part.status != PartStatus::Accepted || part.ambiguous > 0)
        {
            return Cancelled::TooLate;
        }
        for part in &mut self.parts {
            part.status = PartStatus::Deleted;
            part.note(now, "cancelled");
        }
        self.news = true;
        Cancelled::Cancelled
    }

    /// What others see of it.
    pub(super) fn view(
        self,
        transaction_id: String,
        task_id: Option<i64>,
        accepted_at: i64,
    ) -> MessageView {
        MessageView {
            message_id: self.message_id,
            app_id: self.app_id,
            tenant: self.tenant,
            transaction_id,
            task_id,
            esme: self.esme,
            accepted_at,
            updated_at: self.updated_at,
            parts: self
                .parts
                .into_iter()
                .map(|part| PartView {
                    status: part.status,
                    attempts: part.attempt,
                    ambiguous: part.ambiguous,
                    link: part.link,
                    left_at: part
                        .submitted_at
                        .or(part.sent_at.filter(|_| part.ambiguous > 0)),
                    provider_id: part.provider_id,
                    error: part.error,
                })
                .collect(),
        }
    }

    /// To be called once before saving: counts the change and closes the message after its last part.
    pub(super) fn settle(&mut self, now: i64) {
        if self.news {
            self.version += 1;
            self.updated_at = now;
            self.moved = true;
        }
        if self.phase != Phase::Finished && self.parts.iter().all(|part| part.status.is_final()) {
            self.phase = Phase::Finished;
            self.phase_at = now;
            self.moved = true;
        }
    }
}

/// Resends or holds a part whose answer is missing. Says whether the platform is told. The first time it is sent again at
/// once; then ever later, and in the end not at all: a centre that takes parts and never answers may have delivered each.
fn strand(part: &mut Part, ambiguity: Ambiguity, in_time: bool, now: i64) -> bool {
    if ambiguity == Ambiguity::Hold || !in_time || part.ambiguous >= MOST_AMBIGUOUS {
        part.status = PartStatus::Unknown;
        part.note(now, "held: may or may not have arrived");
        return true;
    }
    if part.ambiguous > 1 {
        let doubled = AMBIGUOUS_PAUSE.saturating_mul(2_i64.saturating_pow(part.ambiguous - 2));
        part.due_at = now.saturating_add(doubled);
    }
    part.status = PartStatus::Accepted;
    part.note(now, "to be sent again");
    false
}

fn refusal(status: u32) -> String {
    format!("refused with {}", error_code(status))
}

fn error_code(status: u32) -> String {
    format!("0x{status:08X}")
}

/// Ids are bytes; nearly all of them are letters and digits.
fn printable(id: &[u8]) -> String {
    id.escape_ascii().to_string()
}

/// The lines of all parts, oldest first.
pub(super) fn history(accepted_at: i64, logs: &[(u16, String)]) -> Vec<HistoryLine> {
    let accepted = HistoryLine {
        at: accepted_at,
        part: 0,
        what: "accepted".to_owned(),
    };
    let mut lines: Vec<HistoryLine> = logs
        .iter()
        .flat_map(|(part, log)| {
            // Of a log that was cut, the first line may be half of one.
            log.lines().filter_map(|line| {
                let (at, what) = line.split_once('\t')?;
                Some(HistoryLine {
                    at: at.parse().ok()?,
                    part: *part,
                    what: what.to_owned(),
                })
            })
        })
        .collect();
    lines.sort_by_key(|line| line.at);
    lines.insert(0, accepted);
    lines
}
