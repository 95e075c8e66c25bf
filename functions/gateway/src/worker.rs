//! The Worker: reads as little of a request as its route needs, and passes the rest on.

use ::worker::wasm_bindgen::JsCast;
use ::worker::wasm_bindgen_futures::JsFuture;
use ::worker::web_sys::{Headers, Request, RequestInit, RequestRedirect, Response, ResponseInit};
use ::worker::{Context, Date, Env, Result, console_error, event, worker_sys};
use serde_json::json;

use crate::answer::{self, Header, Problem};
use crate::request_id;
use crate::route::{self, Route};

const ASSETS: &str = "ASSETS";

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let url = request.url();
    let headers = request.headers();
    let given_id = headers.get(request_id::HEADER)?;
    let given_id = given_id.filter(|id| request_id::is_fit(id));
    let length = headers.get("content-length")?;

    let is_given = given_id.is_some();
    let door = Door {
        env,
        id: given_id.unwrap_or_else(new_id),
        is_https: url.starts_with("https:"),
        is_plain: route::is_plain(route::path_of(&url)),
    };
    if length.is_some_and(|length| route::is_too_large(route::path_of(&url), &length)) {
        return door.refuse(Problem::TooLarge);
    }
    match route::of(route::path_of(&url)) {
        Route::Area(binding) if is_given => door.forward(binding, &request).await,
        Route::Area(binding) => {
            // The headers of a request that came in cannot be set; those of a copy can.
            let copy = Request::new_with_request(&request)?;
            copy.headers().set(request_id::HEADER, &door.id)?;
            door.forward(binding, &copy).await
        }
        Route::Nowhere => door.turn_away(Problem::NotFound, &request).await,
        Route::File(_) | Route::Redirect(_) if !is_read(&request) => {
            door.turn_away(Problem::MethodNotAllowed, &request).await
        }
        Route::File(path) => door.file(&path, &request).await,
        Route::Redirect(location) => {
            let headers = answer::redirect_headers(location, &door.id, door.is_https);
            respond(302, headers, None)
        }
    }
}

/// What every answer to one request needs.
struct Door {
    env: Env,
    id: String,
    is_https: bool,
    /// How its path's area tells errors.
    is_plain: bool,
}

impl Door {
    async fn forward(&self, binding: &str, request: &Request) -> Result<Response> {
        match self.ask(binding, request).await {
            Ok(response) => Ok(response),
            Err(problem) => self.refuse(problem),
        }
    }

    async fn file(&self, path: &str, request: &Request) -> Result<Response> {
        let init = RequestInit::new();
        init.set_method(&request.method());
        init.set_redirect(RequestRedirect::Manual);
        let wanted = Headers::new()?;
        for name in ["if-none-match", "accept-encoding"] {
            if let Some(value) = request.headers().get(name)? {
                wanted.set(name, &value)?;
            }
        }
        init.set_headers(&wanted);
        let request = Request::new_with_str_and_init(&format!("https://assets{path}"), &init)?;

        let file = match self.ask(ASSETS, &request).await {
            Ok(file) => file,
            Err(problem) => return self.refuse(problem),
        };
        match file.status() {
            200 | 304 => {}
            500.. => return self.refuse(Problem::NoAnswer),
            _ => return self.refuse(Problem::NotFound),
        }
        let headers = Headers::new_with_headers(&file.headers())?;
        for (name, value) in answer::file_headers(path, &self.id, self.is_https) {
            headers.set(name, &value)?;
        }
        let init = ResponseInit::new();
        init.set_status(file.status());
        init.set_headers(&headers);
        let body = file.body();
        Ok(Response::new_with_opt_readable_stream_and_init(
            body.as_ref(),
            &init,
        )?)
    }

    /// Asks another Worker. A request that came in has the redirect mode `manual`, which its copy
    /// keeps, so that a redirect goes to the client.
    async fn ask(&self, binding: &str, request: &Request) -> Result<Response, Problem> {
        let service = self.env.service(binding).map_err(|error| {
            self.log(binding, &error);
            Problem::Unavailable
        })?;
        let answered = async {
            let promise = service.into_rpc::<worker_sys::Fetcher>().fetch(request)?;
            JsFuture::from(promise).await?.dyn_into::<Response>()
        };
        answered.await.map_err(|error| {
            self.log(binding, &error.into());
            Problem::NoAnswer
        })
    }

    /// Refuses after taking in a body that is known to be small: a connection with something unread
    /// on it is closed unannounced, and the client's next request on it fails.
    async fn turn_away(&self, problem: Problem, request: &Request) -> Result<Response> {
        if request.headers().has("content-length")? {
            // A client that went away in the middle is no reason for another answer.
            let _ = JsFuture::from(request.array_buffer()?).await;
        }
        self.refuse(problem)
    }

    fn refuse(&self, problem: Problem) -> Result<Response> {
        let headers = problem.headers(&self.id, self.is_https);
        respond(
            problem.status(),
            headers,
            Some(&problem.body(self.is_plain)),
        )
    }

    fn log(&self, binding: &str, error: &::worker::Error) {
        let error = error.to_string();
        let line = json!({"request_id": self.id, "binding": binding, "error": error});
        console_error!("{line}");
    }
}

fn is_read(request: &Request) -> bool {
    matches!(request.method().as_str(), "GET" | "HEAD")
}

fn respond(status: u16, headers: Vec<Header>, body: Option<&str>) -> Result<Response> {
    let js_headers = Headers::new()?;
    for (name, value) in headers {
        js_headers.set(name, &value)?;
    }
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(&js_headers);
    Ok(Response::new_with_opt_str_and_init(body, &init)?)
}

fn new_id() -> String {
    let mut entropy = [0; 10];
    if let Err(error) = getrandom::fill(&mut entropy) {
        // An id of the time alone is still good enough to find a log line by.
        console_error!("no entropy for a request id: {error}");
    }
    request_id::make(Date::now().as_millis(), entropy)
}
