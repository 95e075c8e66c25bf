//! A school's own area, `/api/v1/school/`: sign-in, users and roles, and a school year from structure to promotion.

mod attendance;
mod audit_logs;
mod auth;
mod days;
mod exams;
mod exports;
mod grading;
mod import_runs;
mod imports;
mod marks;
mod notice_sms;
mod notices;
mod outbox;
mod password_reset;
mod people;
mod permissions;
mod promotion;
mod records;
mod report_cards;
mod role_assignments;
mod roles;
mod routes;
mod staff;
mod structure;
mod timetable;
mod users;

pub use outbox::visit_schools;
pub use records::{Hooks, Resource, Write};
pub use routes::*;

#[cfg(target_arch = "wasm32")]
mod events {
    use homeroom_edge::worker::{self as edge, Area};
    use serde_json::json;
    use worker::web_sys::{Request, Response};
    use worker::{Context, Env, Result, ScheduleContext, ScheduledEvent, event};

    thread_local! {
        static AREA: Area = const { Area::new() };
    }

    #[event(fetch)]
    async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
        edge::fetch(request, env, context, &AREA, super::router).await
    }

    #[event(scheduled)]
    async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
        edge::scheduled(env, async |app| {
            let line = match super::visit_schools(&app).await {
                Ok(schools) => json!({"level": "info", "event": "outbox", "schools": schools}),
                Err(error) => {
                    json!({"level": "error", "event": "outbox", "error": error.to_string()})
                }
            };
            edge::log_line(&line);
        })
        .await;
    }
}
