//! What a panic costs: the request that panicked, and no other.
//!
//! On `wasm32-unknown-unknown` a panic aborts, so no code of the request runs after it. The panic hook does, and it tells
//! the Worker's entry script which request is lost. The script answers that request and gives all later ones to a fresh
//! instance, while this instance finishes what it has begun.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::PanicHookInfo;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Once;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Supplied by the Worker's entry script.
    #[wasm_bindgen(js_name = homeroomPanicked)]
    fn report(request: &JsValue, report: &str);
}

thread_local! {
    static CURRENT: Cell<Option<Rc<JsValue>>> = const { Cell::new(None) };
}

/// Runs `future` on behalf of `request`: if it panics, that request is answered with the area's 500.
///
/// Work that outlives the answer is guarded with the same request, so that its panic is not taken for that of another.
pub async fn guarded<F: Future>(request: web_sys::Request, future: F) -> F::Output {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(tell_the_entry_script)));

    let request = Rc::new(JsValue::from(request));
    let mut future = pin!(future);
    poll_fn(|context| {
        let outer = CURRENT.replace(Some(Rc::clone(&request)));
        let state = future.as_mut().poll(context);
        CURRENT.set(outer);
        state
    })
    .await
}

fn tell_the_entry_script(info: &PanicHookInfo<'_>) {
    // Taken, not read: nothing resets it after the trap, and the next panic may be another request's.
    let request = CURRENT.take();
    report(
        request.as_deref().unwrap_or(&JsValue::UNDEFINED),
        &info.to_string(),
    );
}

/// Wakes the queue of tasks of an instance that a trap interrupted; called by the Worker's entry script.
#[wasm_bindgen]
#[expect(
    clippy::unused_async,
    reason = "being queued and polled is all that it is for"
)]
pub async fn nudge() {}
