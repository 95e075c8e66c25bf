//! Every conflict of state by its code, with what is in the way and what to do.

use crate::error::ApiError;

macro_rules! conflicts {
    ($($(#[doc = $about:literal])+ $name:ident = $code:literal: $detail:literal,)*) => {
        /// The state of a record forbids a request. A code may stand for several reasons; where the database refuses by it, the
        /// first is meant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Conflict {
            $($(#[doc = $about])+ $name,)*
        }

        impl Conflict {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code: of most the name of the constraint that refuses.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// What is in the way, and what to do.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self {
                    $(Self::$name => $detail,)*
                }
            }
        }
    };
}

conflicts! {
    // Everywhere.
    /// Nobody would be left to administer.
    LastAdministrator = "last_administrator": "This would leave nobody who can administer. Make somebody else an administrator first.",
    /// The record is not what the request was decided on.
    ChangedMeanwhile = "changed_meanwhile": "The record was changed by somebody else meanwhile. Read it again and repeat.",
    /// A foreign key refuses.
    InUse = "in_use": "Other records refer to this one, or one that it refers to is gone. Change or delete those first.",
    /// Taking oneself out of action.
    OwnAccount = "own_account": "You cannot deactivate or delete the account that you are signed in with. Ask somebody else to.",
    /// Making oneself family.
    OwnFamily = "own_account": "You cannot make yourself a student or a guardian, nor give yourself students. Ask somebody else to.",
    /// The administrators' role.
    BuiltinRole = "builtin_role": "This role belongs to the platform and stays as it is. Make another role instead.",
    // Schools.
    /// An API key that was revoked.
    KeyRevoked = "key_revoked": "This key was revoked. Create a new one.",
    /// A school that was deleted.
    SchoolDeleted = "school_deleted": "This school is deleted. Restore it first.",
    /// A school whose creation was cut short.
    NotProvisioned = "not_provisioned": "The creation of this school was cut short. Finish it first: POST provision/.",
    /// A school that was deleted long ago.
    DeletedLongAgo = "too_late": "This school was deleted more than 30 days ago and cannot be restored. Create another one.",
    /// A webhook that would not be told of it now.
    NotSubscribed = "not_subscribed": "The webhook is not active, or is not told of this event of this school any more. Change it first.",
    // Classes.
    /// More students than places.
    ClassFull = "class_full": "The class is full, or has more students than that: raise its capacity, or choose another class.",
    /// A student with marks in no class.
    MarksInClass = "marks_in_class": "The student has marks in this session, which a class must show: move the student to another class, or delete the marks first.",
    // People.
    /// Erasing who has not left.
    StudentEnrolled = "student_enrolled": "The student has not left: set enrolment to transferred, graduated or dropped_out, and end the registration in the active session first.",
    /// Filling an erased record again.
    StudentErased = "student_erased": "This student was erased, and the record stays as it is. Admit the person anew instead.",
    /// Rows that wait may name the person.
    ImportRunning = "import_running": "A file is being imported that may name the student. Wait until it is done.",
    // Applications.
    /// A step from a state in which it does not begin.
    ApplicationNotFromHere = "not_from_here": "The application is not in a state in which this step begins. offer/ and reject/ take a received, examined or waitlisted one, waitlist/ a received or examined one, decline/ and enrol/ an offered one, withdraw/ any of these, and reopen/ a rejected or waitlisted one.",
    /// Changing what is over.
    ApplicationEnded = "application_ended": "The application has ended and stays as it is. Reopen it where it was rejected; otherwise enter a new one.",
    /// Deleting what is decided on, or became a student.
    ApplicationKept = "application_kept": "The application is being decided on, or a student came of it. Withdraw it first; of a student it goes when the student is erased.",
    // Attendance.
    /// A holiday was announced, or the lesson cancelled.
    AttendanceClosed = "attendance_closed": "This day is a holiday by now, or the lesson is cancelled on it, so no attendance is entered. Choose another day, or change the holiday or the substitution.",
    /// The leave has an answer.
    LeaveDecided = "leave_decided": "The leave was decided already. Withdraw it where it was approved; for another decision, enter a new one.",
    // Exams and marks.
    /// A step from a state in which it does not begin.
    NotFromHere = "not_from_here": "The exam session is not in a state in which this step begins. submit/ takes a draft, return/ one in review, lock/ a published one, and unlock/ a locked one.",
    /// The state was changed by somebody else.
    ExamStateChanged = "exam_state_changed": "The state of the exam session has changed meanwhile. Read it again, and repeat what is still to be done.",
    /// The exam session does not take changes.
    ExamSessionClosed = "exam_session_closed": "The exam session is published or locked. Withdraw it first.",
    /// Exams or marks of what is worked out.
    ExamsInParts = "exams_in_parts": "The results of this exam session are worked out from its parts: make exams and enter marks there.",
    /// Working out what is entered.
    ExamSessionHasExams = "exam_session_has_exams": "The exam session has exams of its own. Delete them first, or make another exam session for the combined results.",
    /// Parts of parts.
    PartsNested = "parts_nested": "An exam session that others are worked out from has no parts itself. Choose exam sessions with exams.",
    /// Publishing before the parts.
    PartsNotPublished = "parts_not_published": "Some exam sessions that the results are worked out from are not published, not for all of these classes, or were corrected since. Publish them first.",
    /// Withdrawing a part.
    CountsInPublished = "counts_in_published": "Published results are worked out from this exam session. Withdraw those first.",
    /// Marks would be lost.
    ExamHasMarks = "exam_has_marks": "Marks were entered already. Delete them first.",
    /// Publishing what is locked.
    ExamLocked = "exam_locked": "The exam session is locked. Unlock it first.",
    /// A comment on a locked card.
    CommentLocked = "exam_locked": "The exam session is locked: give a reason for the comment.",
    /// The marks are no draft.
    MarksClosed = "marks_closed": "The marks are in review, published or locked. Somebody with the permission school.manage_mark corrects them, with a reason once they are published.",
    /// The marks are being reviewed, for somebody who teaches.
    MarksInReview = "marks_closed": "The marks are being reviewed: you can no longer change them. Ask somebody with the permission school.manage_mark.",
    /// The marks are published, for somebody who teaches.
    MarksOut = "marks_closed": "The marks are published: you can no longer change them. Ask somebody with the permission school.manage_mark.",
    /// The marks are locked, for somebody who teaches.
    MarksLocked = "marks_closed": "The marks are locked: you can no longer change them. Ask somebody with the permission school.manage_mark.",
    /// The marks are published, for somebody who corrects.
    MarksPublished = "marks_closed": "The marks are published: give a reason for the correction.",
    /// The exam session is switched off.
    MarksInactive = "marks_closed": "The exam session is not active, so its marks are not entered now. Ask for it to be made active.",
    /// Deleting what is no draft.
    MarksKept = "marks_closed": "Marks are deleted as long as they are a draft only: change this one instead.",
    /// The last day is over.
    MarksOverdue = "marks_overdue": "The last day for entering these marks is over. Ask for another one.",
    /// Own subjects of somebody who has none.
    NoStaffRecord = "no_staff_record": "You have no staff record, and so no subjects of your own. Ask the office for one.",
    // Report cards.
    /// One class out of a draft.
    MarksNotSubmitted = "marks_not_submitted": "Marks are still entered. Submit the exam session for review first, or publish all classes.",
    /// No cards.
    NothingToPublish = "nothing_to_publish": "There are no report cards: no student is registered in these classes. Register students first.",
    /// Withdrawing what is not published.
    NotPublished = "not_published": "Only published report cards can be withdrawn; locked ones are unlocked first.",
    /// Releasing what is not withheld.
    NotWithheld = "not_withheld": "The report card is not withheld, so there is nothing to release.",
    /// The documents Worker cannot print the logo.
    LogoUnusable = "logo_unusable": "The school's logo cannot be printed. Replace it with a PNG or JPEG of at most 200 kB and 1024 pixels a side.",
    /// Marks that no grade of the scale stands for, or two.
    ScaleIncomplete = "scale_incomplete": "A grading scale leaves marks without a grade, or gives some two. Mend it first.",
    /// A level without grades.
    ScaleMissing = "scale_incomplete": "A level has no grading scale. Give it one, or accept cards without grades with accept_incomplete.",
    /// Marks that are not entered.
    CardsIncomplete = "cards_incomplete": "Marks are missing. Enter them, or publish all the same with accept_incomplete.",
    // Promotion.
    /// Students without a decision.
    PromotionPending = "promotion_pending": "Some students are not decided on. Decide, or leave them out with skip_pending.",
    /// Decisions that the students' lives have overtaken.
    PromotionBlocked = "promotion_blocked": "Some students left, are registered in the new session, or were moved on by another set-up since. Change or delete these decisions.",
    /// Undoing what others build on.
    RegistrationsUsed = "registrations_used": "The new registrations are used already. Remove first what was entered for them.",
    /// The set-up was carried out.
    PromotionExecuted = "promotion_executed": "The promotion was executed already. Undo it first.",
    /// The execution was taken back.
    PromotionUndone = "promotion_undone": "The promotion was undone already. Execute the set-up again to carry it out.",
    /// No decisions.
    PromotionEmpty = "promotion_empty": "There is no decision to carry out: propose or decide first.",
    /// The set-up leads from nowhere.
    SetupIncomplete = "setup_incomplete": "The set-up is not of an academic session, or does not name the session that ends. Change the set-up first.",
    // Imports.
    /// Two carried it on at once.
    ImportAdvanced = "import_advanced": "The import was carried on by somebody else. Ask for it again.",
    // Text messages.
    /// Everybody is left out.
    NoReceivers = "no_receivers": "There is nobody to write to: everybody is left out, each for the reason that `rejected` gives.",
    /// No link to send by.
    SmsNotSetUp = "sms_not_set_up": "Choose the link that sends in the settings of text messages first.",
    /// No link of this name.
    LinkUnknown = "unknown_esme": "The link of this school's text messages does not exist. Choose another one in their settings.",
    /// The link is off.
    LinkDisabled = "link_disabled": "The platform's administrators have switched this link off. Choose another one in the settings of text messages.",
    /// Withdrawing what has left.
    MessageLeft = "too_late": "It is too late: the message has left.",
    /// Withdrawing what is leaving.
    MessageLeaving = "in_progress": "The message is on its way to the bridge. Try again shortly.",
    /// A notice for somebody else.
    NotForGuardians = "not_for_guardians": "This notice is not for guardians, who are the only ones that get text messages. Address it to them first.",
    /// A notice that is over.
    NoticeExpired = "notice_expired": "This notice is not shown any more. Give it a later end first.",
    /// A notice of many parts.
    NoticeTooLong = "notice_too_long": "This notice takes more than 10 parts as a text message. Write a shorter one.",
}

impl Conflict {
    /// The conflict that a constraint of this name means.
    pub(crate) fn of(constraint: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|conflict| conflict.code() == constraint)
    }
}

impl From<Conflict> for ApiError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}
