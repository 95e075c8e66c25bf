//! Values of `command_status`: their names, and what a refusal means for the message.

/// All is well.
pub const OK: u32 = 0;
/// The text's length is wrong.
pub const INVALID_MESSAGE_LENGTH: u32 = 0x01;
/// The PDU's length is wrong.
pub const INVALID_COMMAND_LENGTH: u32 = 0x02;
/// No such PDU.
pub const INVALID_COMMAND_ID: u32 = 0x03;
/// `ESME_RQUERYFAIL`
pub const QUERY_FAILED: u32 = 0x67;
/// Not in this state of the session.
pub const INVALID_BIND_STATUS: u32 = 0x04;
/// The account is bound already.
pub const ALREADY_BOUND: u32 = 0x05;
/// The centre failed.
pub const SYSTEM_ERROR: u32 = 0x08;
/// The centre refuses the session.
pub const BIND_FAILED: u32 = 0x0D;
/// Wrong password.
pub const INVALID_PASSWORD: u32 = 0x0E;
/// No such account.
pub const INVALID_SYSTEM_ID: u32 = 0x0F;
/// The centre's queue is full.
pub const QUEUE_FULL: u32 = 0x14;
/// Too fast.
pub const THROTTLED: u32 = 0x58;
/// The receiver of a message cannot take it now.
pub const TEMPORARY_APP_ERROR: u32 = 0x64;
/// An optional parameter's length is wrong.
pub const INVALID_PARAMETER_LENGTH: u32 = 0xC2;

/// What to do with a message that was answered with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The centre has it.
    Taken,
    /// Slower: try again until the message expires.
    Throttled,
    /// Try again, a number of times.
    Retry,
    /// No attempt will do better.
    Permanent,
}

/// Statuses of one centre that mean something else than the standard says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// More that are final.
    pub permanent: Vec<u32>,
    /// More that say "slower".
    pub throttled: Vec<u32>,
    /// Final by the standard, but worth another attempt here.
    pub retry: Vec<u32>,
}

/// What a status means for the message that it answers.
#[must_use]
pub fn class(status: u32, exceptions: &Exceptions) -> Class {
    if status == OK {
        return Class::Taken;
    }
    if exceptions.permanent.contains(&status) {
        return Class::Permanent;
    }
    if exceptions.throttled.contains(&status) {
        return Class::Throttled;
    }
    if exceptions.retry.contains(&status) {
        return Class::Retry;
    }
    match status {
        // Sender, receiver, or the receiving side says no for good.
        0x0A | 0x0B | 0x66 => Class::Permanent,
        QUEUE_FULL | THROTTLED => Class::Throttled,
        _ => Class::Retry,
    }
}

/// The standard's name of a status, `ESME_RTHROTTLED`; a vendor's as `0x0452`.
#[must_use]
pub fn name(status: u32) -> std::borrow::Cow<'static, str> {
    let known = match status {
        0x00 => "ESME_ROK",
        0x01 => "ESME_RINVMSGLEN",
        0x02 => "ESME_RINVCMDLEN",
        0x03 => "ESME_RINVCMDID",
        0x04 => "ESME_RINVBNDSTS",
        0x05 => "ESME_RALYBND",
        0x06 => "ESME_RINVPRTFLG",
        0x07 => "ESME_RINVREGDLVFLG",
        0x08 => "ESME_RSYSERR",
        0x0A => "ESME_RINVSRCADR",
        0x0B => "ESME_RINVDSTADR",
        0x0C => "ESME_RINVMSGID",
        0x0D => "ESME_RBINDFAIL",
        0x0E => "ESME_RINVPASWD",
        0x0F => "ESME_RINVSYSID",
        0x11 => "ESME_RCANCELFAIL",
        0x13 => "ESME_RREPLACEFAIL",
        0x14 => "ESME_RMSGQFUL",
        0x15 => "ESME_RINVSERTYP",
        0x33 => "ESME_RINVNUMDESTS",
        0x34 => "ESME_RINVDLNAME",
        0x40 => "ESME_RINVDESTFLAG",
        0x42 => "ESME_RINVSUBREP",
        0x43 => "ESME_RINVESMCLASS",
        0x44 => "ESME_RCNTSUBDL",
        0x45 => "ESME_RSUBMITFAIL",
        0x48 => "ESME_RINVSRCTON",
        0x49 => "ESME_RINVSRCNPI",
        0x50 => "ESME_RINVDSTTON",
        0x51 => "ESME_RINVDSTNPI",
        0x53 => "ESME_RINVSYSTYP",
        0x54 => "ESME_RINVREPFLAG",
        0x55 => "ESME_RINVNUMMSGS",
        0x58 => "ESME_RTHROTTLED",
        0x61 => "ESME_RINVSCHED",
        0x62 => "ESME_RINVEXPIRY",
        0x63 => "ESME_RINVDFTMSGID",
        0x64 => "ESME_RX_T_APPN",
        0x65 => "ESME_RX_P_APPN",
        0x66 => "ESME_RX_R_APPN",
        0x67 => "ESME_RQUERYFAIL",
        0xC0 => "ESME_RINVOPTPARSTREAM",
        0xC1 => "ESME_ROPTPARNOTALLWD",
        0xC2 => "ESME_RINVPARLEN",
        0xC3 => "ESME_RMISSINGOPTPARAM",
        0xC4 => "ESME_RINVOPTPARAMVAL",
        0xFE => "ESME_RDELIVERYFAILURE",
        0xFF => "ESME_RUNKNOWNERR",
        _ => return format!("0x{status:04X}").into(),
    };
    known.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_final_slow_down_or_worth_another_attempt() {
        let standard = Exceptions::default();
        for (status, expected) in [
            (0x00, Class::Taken),
            (0x0A, Class::Permanent),
            (0x0B, Class::Permanent),
            (0x66, Class::Permanent),
            (0x58, Class::Throttled),
            (0x14, Class::Throttled),
            (0x08, Class::Retry),
            (0x64, Class::Retry),
            (0x0452, Class::Retry),
        ] {
            assert_eq!(class(status, &standard), expected, "{status:#x}");
        }
    }

    #[test]
    fn a_centre_may_mean_something_else_by_a_status() {
        let own = Exceptions {
            permanent: vec![0x0452],
            throttled: vec![0x0400],
            retry: vec![0x0B],
        };
        assert_eq!(class(0x0452, &own), Class::Permanent);
        assert_eq!(class(0x0400, &own), Class::Throttled);
        assert_eq!(class(0x0B, &own), Class::Retry);
        assert_eq!(class(0, &own), Class::Taken);
    }

    #[test]
    fn a_status_has_the_name_of_the_standard_or_its_number() {
        assert_eq!(name(0x58), "ESME_RTHROTTLED");
        assert_eq!(name(0x0452), "0x0452");
    }
}
