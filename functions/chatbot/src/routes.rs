//! Every route of the area.

use crate::{notices, results, sessions, students};

#[cfg(not(target_arch = "wasm32"))]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homeroom: chatbot",
        description = "What a chatbot looks up for families, on the school's host.",
    ),
    components(schemas(homeroom_edge::openapi::ErrorOut, homeroom_edge::openapi::FieldErrorsOut)),
    tags((name = "chatbot", description = "Look-ups by phone number, student number and PIN.")),
)]
struct Document;

homeroom_edge::routes! { Document;
    students::find_students_by_phone,
    results::find_results,
    sessions::list_academic_sessions,
    sessions::list_released_exam_sessions,
    notices::list_family_notices,
}
