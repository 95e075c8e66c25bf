//! Whom a batch goes to, as it is asked for.

use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::sms::school::audience::Audience;
use serde_json::Value;
use utoipa::ToSchema;

/// Classes, forms, students or guardians of one batch.
const MAX_IDS: usize = 2_000;

const KINDS: &[&str] = &["everyone", "classes", "forms", "students", "guardians"];

/// Whom a batch goes to: guardians of students, or guardians.
#[derive(ToSchema)]
#[schema(as = AudienceIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AudienceIn reads it"
)]
pub(crate) struct AudienceBody {
    /// `everyone`: the guardians of all students who are at the school; `classes`, `forms`, `students`: the guardians of the students of these
    /// classes of a session, of these forms, or of these; `guardians`: these.
    #[schema(example = "everyone")]
    kind: String,
    /// The ids of the classes, forms, students or guardians; none for `everyone`.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, max_items = 2_000)]
    ids: Option<Vec<String>>,
}

/// Whom a batch goes to.
pub(crate) struct AudienceIn(pub(crate) Audience);

impl Input for AudienceIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let kind = fields.required("kind", |value: &Value| {
            let known = value.as_str().filter(|kind| KINDS.contains(kind));
            known
                .map(str::to_owned)
                .ok_or_else(|| format!("One of {}.", KINDS.join(", ")))
        });
        let ids = fields.nullable("ids", rules::list(MAX_IDS, rules::id::<()>));
        let kind = kind?;
        let ids: Vec<Id<()>> = ids?.flatten().unwrap_or_default();
        if (kind == "everyone") != ids.is_empty() {
            let message = if ids.is_empty() {
                "Name at least one."
            } else {
                "Everyone is everyone: name nobody here."
            };
            fields.fail("ids", message);
            return None;
        }
        Some(Self(match kind.as_str() {
            "classes" => Audience::Classes(ids),
            "forms" => Audience::Forms(ids),
            "students" => Audience::Students(ids),
            "guardians" => Audience::Guardians(ids),
            _ => Audience::Everyone,
        }))
    }
}
