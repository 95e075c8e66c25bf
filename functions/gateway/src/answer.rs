//! What the gateway says itself. Areas speak for themselves.

use serde_json::json;

use crate::request_id;

/// Nothing in a JSON answer is there to be run or framed.
const CSP_JSON: &str = "default-src 'none'; frame-ancestors 'none'";
/// The documentation page brings everything it needs. Its style sheets are set by script, some
/// pages search in a worker made from a blob, and it tries requests on its own host only.
const CSP_PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; \
    manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Pages and documents change with a deployment: their `etag` is asked for each time.
const REVALIDATE: &str = "public, no-cache";
/// What a page consists of may be a few minutes old.
const BRIEFLY: &str = "public, max-age=300";

/// A header of an answer.
pub type Header = (&'static str, String);

/// A request that ends at the gateway without having reached what it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The path leads nowhere.
    NotFound,
    /// The path is served, but not for this method.
    MethodNotAllowed,
    /// The body is declared larger than what is let through.
    TooLarge,
    /// The area was reached and gave no answer.
    NoAnswer,
    /// The area cannot be reached.
    Unavailable,
}

impl Problem {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.parts().0
    }

    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.parts().1
    }

    /// The answer's body.
    #[must_use]
    pub fn body(self, plain: bool) -> String {
        let (_, code, detail) = self.parts();
        if plain {
            json!({"error": detail}).to_string()
        } else {
            json!({"detail": detail, "code": code}).to_string()
        }
    }

    /// The answer's headers.
    #[must_use]
    pub fn headers(self, request_id: &str, is_https: bool) -> Vec<Header> {
        let mut headers = common(request_id, is_https, CSP_JSON);
        headers.push(("content-type", "application/json".into()));
        headers.push(("cache-control", "no-store".into()));
        headers.push(("x-error-code", self.code().into()));
        match self {
            Self::MethodNotAllowed => headers.push(("allow", "GET, HEAD".into())),
            Self::Unavailable => headers.push(("retry-after", "5".into())),
            Self::NotFound | Self::TooLarge | Self::NoAnswer => {}
        }
        headers
    }

    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NotFound => (404, "not_found", "Not found."),
            Self::MethodNotAllowed => (405, "method_not_allowed", "Method not allowed."),
            Self::TooLarge => (
                413,
                "payload_too_large",
                "The request body is larger than 1 MB; a file, than 4 MB.",
            ),
            Self::NoAnswer => (502, "bad_gateway", "The service gave no answer."),
            Self::Unavailable => (
                503,
                "unavailable",
                "The service is not available at the moment.",
            ),
        }
    }
}

/// The headers of a static file, besides those that describe its content. They follow from the
/// path alone, because a `304` repeats them without a content type and the browser keeps the last.
#[must_use]
pub fn file_headers(path: &str, request_id: &str, is_https: bool) -> Vec<Header> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (csp, caching) = match name.rsplit_once('.').map(|(_, extension)| extension) {
        None | Some("html") => (CSP_PAGE, REVALIDATE),
        Some("json") => (CSP_JSON, REVALIDATE),
        Some(_) => (CSP_JSON, BRIEFLY),
    };
    let mut headers = common(request_id, is_https, csp);
    headers.push(("cache-control", caching.into()));
    headers
}

/// The headers of a redirect to another path of the same host.
#[must_use]
pub fn redirect_headers(location: &str, request_id: &str, is_https: bool) -> Vec<Header> {
    let mut headers = common(request_id, is_https, CSP_JSON);
    headers.push(("location", location.into()));
    headers.push(("cache-control", BRIEFLY.into()));
    headers
}

fn common(request_id: &str, is_https: bool, csp: &str) -> Vec<Header> {
    let mut headers = vec![
        (request_id::HEADER, request_id.into()),
        ("content-security-policy", csp.into()),
        ("x-content-type-options", "nosniff".into()),
        ("referrer-policy", "no-referrer".into()),
    ];
    if is_https {
        headers.push(("strict-transport-security", "max-age=31536000".into()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
        let mut values = headers.iter().filter(|(n, _)| *n == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }

    #[test]
    fn a_problem_speaks_the_dialect_and_names_its_code_and_request() {
        for (problem, status, body) in [
            (
                Problem::NotFound,
                404,
                r#"{"code":"not_found","detail":"Not found."}"#,
            ),
            (
                Problem::MethodNotAllowed,
                405,
                r#"{"code":"method_not_allowed","detail":"Method not allowed."}"#,
            ),
            (
                Problem::TooLarge,
                413,
                r#"{"code":"payload_too_large","detail":"The request body is larger than 1 MB; a file, than 4 MB."}"#,
            ),
            (
                Problem::NoAnswer,
                502,
                r#"{"code":"bad_gateway","detail":"The service gave no answer."}"#,
            ),
            (
                Problem::Unavailable,
                503,
                r#"{"code":"unavailable","detail":"The service is not available at the moment."}"#,
            ),
        ] {
            assert_eq!(
                (problem.status(), problem.body(false).as_str()),
                (status, body)
            );
            let plain = problem.body(true);
            assert!(plain.starts_with(r#"{"error":""#), "{plain}");
            let headers = problem.headers("id-1", false);
            assert_eq!(value(&headers, "x-request-id"), Some("id-1"));
            assert_eq!(value(&headers, "x-error-code"), Some(problem.code()));
            assert_eq!(value(&headers, "content-type"), Some("application/json"));
            assert_eq!(value(&headers, "cache-control"), Some("no-store"));
        }
    }

    #[test]
    fn a_method_that_is_not_served_is_told_which_are() {
        let headers = Problem::MethodNotAllowed.headers("id-1", false);
        assert_eq!(value(&headers, "allow"), Some("GET, HEAD"));
    }

    #[test]
    fn every_answer_forbids_sniffing_and_framing_and_asks_for_https_where_it_came_by_it() {
        for is_https in [true, false] {
            for headers in [
                Problem::NotFound.headers("id-1", is_https),
                file_headers("/docs/", "id-1", is_https),
                file_headers("/schema/school.json", "id-1", is_https),
                redirect_headers("/api/docs/", "id-1", is_https),
            ] {
                assert_eq!(value(&headers, "x-content-type-options"), Some("nosniff"));
                assert_eq!(value(&headers, "referrer-policy"), Some("no-referrer"));
                let csp = value(&headers, "content-security-policy").unwrap();
                assert!(csp.starts_with("default-src 'none'; "), "{csp}");
                assert!(csp.ends_with("frame-ancestors 'none'"), "{csp}");
                let hsts = value(&headers, "strict-transport-security");
                assert_eq!(hsts.is_some(), is_https);
            }
        }
    }

    #[test]
    fn only_a_page_may_run_scripts_and_only_its_parts_are_kept_unasked() {
        for (path, scripts, caching) in [
            ("/docs/", true, "public, no-cache"),
            ("/docs/more.html", true, "public, no-cache"),
            ("/schema/openapi.json", false, "public, no-cache"),
            ("/docs/page.js", false, "public, max-age=300"),
            ("/docs/fonts/a.woff2", false, "public, max-age=300"),
        ] {
            let headers = file_headers(path, "id-1", false);
            let csp = value(&headers, "content-security-policy").unwrap();
            assert_eq!(csp.contains("script-src 'self'"), scripts);
            assert_eq!(value(&headers, "cache-control"), Some(caching));
        }
    }
}
