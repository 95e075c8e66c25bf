//! The shell of the rate limiter: storage and alarm around the pure guard.

use std::cell::RefCell;

use homeroom_objects::login_guard::{GuardReply, GuardRequest, LoginGuard};
use worker::{Date, DurableObject, Env, Request, Response, Result, State, console_error};

const KEY: &str = "guard";

/// Serialises the attempts on one identifier.
#[worker::durable_object(alarm)]
pub struct RateLimiter {
    state: State,
    /// What is stored, once it was read. Never borrowed across an await.
    guard: RefCell<Option<LoginGuard>>,
}

impl DurableObject for RateLimiter {
    fn new(state: State, _env: Env) -> Self {
        let guard = RefCell::new(None);
        Self { state, guard }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let Ok(request) = serde_json::from_slice(&request.bytes().await?) else {
            return Response::error("malformed request", 400);
        };
        self.read_once().await?;
        // After a failure memory may be ahead of storage: read again next time.
        let reply = self.answer(&request).await;
        let reply = reply.inspect_err(|_| drop(self.guard.take()))?;
        Response::from_json(&reply)
    }

    async fn alarm(&self) -> Result<Response> {
        self.read_once().await?;
        let guard = self.guard.take().unwrap_or_default();
        let left = guard.expires_at().saturating_sub(now());
        if left > 0 {
            self.state.storage().set_alarm(left).await?;
        } else {
            self.state.storage().delete_all().await?;
        }
        Response::empty()
    }
}

impl RateLimiter {
    async fn read_once(&self) -> Result<()> {
        if self.guard.borrow().is_none() {
            let stored: Option<String> = self.state.storage().get(KEY).await?;
            let guard = stored.as_deref().map(LoginGuard::from_stored).transpose();
            // An unreadable guard must not lock its owner out for ever.
            let guard = guard.inspect_err(|error| console_error!("{error}"));
            let guard = guard.ok().flatten().unwrap_or_default();
            self.guard.borrow_mut().get_or_insert(guard);
        }
        Ok(())
    }

    /// Decides and starts the write with no await between, so that no request overtakes another.
    async fn answer(&self, request: &GuardRequest) -> Result<GuardReply> {
        let mut guard = self.guard.take().unwrap_or_default();
        let reply = guard.answer(request, now());
        let (stored, left) = (guard.to_stored()?, guard.expires_at().saturating_sub(now()));
        self.guard.replace(Some(guard));
        let storage = self.state.storage();
        storage.put_raw(KEY, stored).await?;
        if storage.get_alarm().await?.is_none() {
            storage.set_alarm(left).await?;
        }
        Ok(reply)
    }
}

fn now() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX)
}
