//! Copying the classes of a year into the next.

use std::collections::HashMap;

use axum::response::Response;
use homeroom_domain::permissions::school::ChangeSessionSetup;
use homeroom_edge::{ApiError, At, Post, SchoolArea};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::{
    Stamp,
    school::promotion::{self as store, Copied, Missing},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::previous_session;

/// What copying did.
#[derive(Serialize, ToSchema)]
pub(crate) struct StructureCopyOut {
    /// Classes of the new session.
    academic_classes: CopyCountOut,
    /// Who teaches which subject to them.
    subject_teachers: CopyCountOut,
}

/// What copying did with one kind of record.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct CopyCountOut {
    /// Made now.
    created: u32,
    /// There already.
    existing: u32,
    /// Not copied: the class or the subject is not active, or the teacher has left.
    left_out: u32,
}

/// What is copied.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; CopyIn reads it"
)]
pub(crate) struct StructureCopyBody {
    /// Whether the subject teachers are copied too; no where absent.
    #[schema(nullable = false)]
    subject_teachers: Option<bool>,
}

pub(crate) struct CopyIn {
    subject_teachers: bool,
}

impl Input for CopyIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let subject_teachers = fields.optional("subject_teachers", rules::boolean)?;
        Some(Self {
            subject_teachers: subject_teachers.unwrap_or(false),
        })
    }
}

/// Copy the classes of the previous session into the new one
///
/// What the new session has already stays as it is, so that copying twice changes nothing.
#[utoipa::path(post, path = "/api/v1/school/session-setup/{id}/copy-structure/", tag = "promotion",
    params(("id" = uuid::Uuid, Path)), request_body = StructureCopyBody,
    responses((status = 200, body = StructureCopyOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn copy_structure(
    id: At<()>,
    post: Post<SchoolArea, ChangeSessionSetup, CopyIn>,
) -> Result<Response, ApiError> {
    let (setup, classes, teachers) = store::missing(&post.db, &id.0.to_string()).await?;
    previous_session(&setup)?;
    let stamp = post.stamp();
    let mut of_classes = CopyCountOut::default();
    let mut of_teachers = CopyCountOut::default();
    let mut places: HashMap<&str, String> = HashMap::new();
    let mut new_classes = Vec::new();
    for class in &classes {
        let place = if class.exists != 0 {
            of_classes.existing += 1;
            class.academic_class.clone()
        } else if class.is_active == 0 {
            of_classes.left_out += 1;
            None
        } else {
            of_classes.created += 1;
            let new = copied(&stamp, class, None);
            new_classes.push(new.clone());
            Some(new.id)
        };
        if let Some(place) = place {
            places.insert(&class.class, place);
        }
    }
    let mut new_teachers = Vec::new();
    let wanted = if post.input.subject_teachers {
        teachers.as_slice()
    } else {
        &[]
    };
    for row in wanted {
        match places.get(row.class.as_str()) {
            _ if row.exists != 0 => of_teachers.existing += 1,
            Some(place) if row.is_active != 0 && row.teacher.is_some() => {
                of_teachers.created += 1;
                new_teachers.push(copied(&stamp, row, Some(place.clone())));
            }
            _ => of_teachers.left_out += 1,
        }
    }
    let batch = store::copy(&stamp, &setup, &new_classes, &new_teachers)?;
    let answer = StructureCopyOut {
        academic_classes: of_classes,
        subject_teachers: of_teachers,
    };
    post.done(batch, &answer).await
}

fn copied(stamp: &Stamp<'_>, row: &Missing, academic_class: Option<String>) -> Copied {
    Copied {
        id: stamp.ids.next::<()>().to_string(),
        academic_class,
        class: Some(row.class.clone()),
        subject: row.subject.clone(),
        teacher: row.teacher.clone(),
        capacity: row.capacity,
    }
}
