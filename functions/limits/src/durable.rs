//! The shell of the rate limiter: storage and alarm around what an object keeps.

use std::cell::RefCell;

use homeroom_objects::{
    kept::{Kept, StoredError},
    login_guard::LoginGuard,
    sms_quota::SmsQuota,
    tries::Tries,
};
use worker::{Date, DurableObject, Env, Request, Response, Result, State, console_error};

/// Serialises the attempts on one identifier, what one app sends, or one subject's failures: an object keeps what it is first asked for.
#[worker::durable_object(alarm)]
pub struct RateLimiter {
    state: State,
    guard: Memory<LoginGuard>,
    quota: Memory<SmsQuota>,
    tries: Memory<Tries>,
}

/// What is stored, once it was read. Never borrowed across an await.
type Memory<T> = RefCell<Option<T>>;

impl DurableObject for RateLimiter {
    fn new(state: State, _env: Env) -> Self {
        Self {
            state,
            guard: RefCell::default(),
            quota: RefCell::default(),
            tries: RefCell::default(),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match request.inner().url().as_str() {
            SmsQuota::URL => self.serve(&self.quota, request).await,
            Tries::URL => self.serve(&self.tries, request).await,
            _ => self.serve(&self.guard, request).await,
        }
    }

    async fn alarm(&self) -> Result<Response> {
        let ends = [
            self.expires_at(&self.guard).await?,
            self.expires_at(&self.quota).await?,
            self.expires_at(&self.tries).await?,
        ];
        let left = ends.into_iter().fold(0, i64::max).saturating_sub(now());
        if left > 0 {
            self.state.storage().set_alarm(left).await?;
        } else {
            self.state.storage().delete_all().await?;
        }
        Response::empty()
    }
}

impl RateLimiter {
    async fn serve<T: Kept>(&self, memory: &Memory<T>, mut request: Request) -> Result<Response> {
        let Ok(request) = serde_json::from_slice(&request.bytes().await?) else {
            return Response::error("malformed request", 400);
        };
        self.read_once(memory).await?;
        // After a failure memory may be ahead of storage: read again next time.
        let reply = self.answer(memory, &request).await;
        let reply = reply.inspect_err(|_| drop(memory.take()))?;
        Response::from_json(&reply)
    }

    /// When the alarm may delete it. Memory is emptied, so that nothing outlives what is deleted.
    async fn expires_at<T: Kept>(&self, memory: &Memory<T>) -> Result<i64> {
        self.read_once(memory).await?;
        Ok(memory.take().unwrap_or_default().expires_at())
    }

    async fn read_once<T: Kept>(&self, memory: &Memory<T>) -> Result<()> {
        if memory.borrow().is_none() {
            let stored: Option<String> = self.state.storage().get(T::NAME).await?;
            let kept = stored.as_deref().map(T::from_stored).transpose();
            // What cannot be read must not lock its owner out for ever.
            let kept = kept.inspect_err(|error| console_error!("{error}"));
            let kept = kept.ok().flatten().unwrap_or_default();
            memory.borrow_mut().get_or_insert(kept);
        }
        Ok(())
    }

    /// Decides and starts the write with no await between, so that no request overtakes another.
    async fn answer<T: Kept>(&self, memory: &Memory<T>, request: &T::Request) -> Result<T::Reply> {
        let mut kept = memory.take().unwrap_or_default();
        let reply = kept.answer(request, now());
        let stored = kept.to_stored();
        let left = kept.expires_at().saturating_sub(now()).max(0);
        memory.replace(Some(kept));
        let stored = stored.map_err(|error: StoredError| error.to_string())?;
        let storage = self.state.storage();
        storage.put_raw(T::NAME, stored).await?;
        if storage.get_alarm().await?.is_none() {
            storage.set_alarm(left).await?;
        }
        Ok(reply)
    }
}

fn now() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX)
}
