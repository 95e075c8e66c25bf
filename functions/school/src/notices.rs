//! Notices: whoever manages them sees all; others see what is published and concerns them.

use futures_util::future::BoxFuture;
use homeroom_domain::{
    permissions::{Permission, school::ChangeNotice},
    records::{self, Record},
};
use homeroom_edge::{ApiError, Permitted, SchoolArea};
use homeroom_kernel::{FieldErrors, PageRequest};
use homeroom_store::{records::Scope, school::notices as tables};
use serde_json::json;

use crate::records::{ALONE, Hooks, Resource, Write};

/// Every resource of plain records about notices.
pub(crate) static RESOURCES: &[&Resource] = &[&NOTICES];

struct NoticeRules;
impl Hooks for NoticeRules {
    fn check(&self, notice: &Record, errors: &mut FieldErrors) {
        for (audience, field) in [("form", "form"), ("class", "academic_class")] {
            let is_named = !records::text(notice, field).is_empty();
            match (records::text(notice, "audience") == audience, is_named) {
                (true, false) => errors.add(field, "This field is required for the audience."),
                (false, true) => errors.add(field, "The audience is another."),
                _ => {}
            }
        }
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async {
            let Some(notice) = write.after.as_mut() else {
                return Ok(());
            };
            if records::text(notice, "publish_at").is_empty() {
                notice.insert("publish_at".to_owned(), json!(write.caller.context.now));
            }
            let expires = records::moment(notice, "expires_at");
            if expires.is_some() && expires <= records::moment(notice, "publish_at") {
                let message = "A notice must be shown before it expires.";
                return Err(ApiError::field("expires_at", message));
            }
            Ok(())
        })
    }

    fn sees(&self, caller: &Permitted<SchoolArea>) -> Option<Scope> {
        let manages = caller.actor.permissions.allows(ChangeNotice::CODENAME);
        (!manages).then(|| tables::seen_by(caller.actor.user, caller.context.now))
    }

    fn narrow(&self, caller: &Permitted<SchoolArea>, request: &mut PageRequest) {
        tables::at(request, caller.context.now);
    }
}

static NOTICES: Resource = Resource {
    table: &tables::NOTICES,
    noun: "notice",
    plural: "notices",
    title: "a notice",
    path: "/api/v1/school/notices/",
    tag: "notices",
    hooks: &NoticeRules,
    ..ALONE
};
