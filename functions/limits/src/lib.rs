//! Owns the rate limiter Durable Object: one object per plane or school and identifier.
//!
//! The decisions are in `homeroom_objects::login_guard`; this Worker has no public route.

#[cfg(target_arch = "wasm32")]
mod durable;

#[cfg(target_arch = "wasm32")]
use worker::{Context, Env, Request, Response, Result, event};

/// Nothing is served here: the areas reach the objects through their own binding.
#[cfg(target_arch = "wasm32")]
#[event(fetch)]
async fn fetch(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::error("not found", 404)
}
