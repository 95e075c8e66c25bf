//! How an error is written: as this platform's areas do, or as those whose clients were there before it.

use axum::{body::Body, response::Response};
use homeroom_kernel::{FieldErrors, fields::NON_FIELD};
use serde_json::{Value, json};

/// The areas that speak this platform's own dialect; a path below one of them, or its own.
const HOUSE: &[&str] = &["/api/v1/school", "/api/v1/system", "/api/v1/chatbot"];

/// The form of an error's body. Status, headers and code are the same in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `{"detail", "code"}`, and `{field: [messages]}`.
    House,
    /// `{"error"}`: one line of words.
    Plain,
}

/// What the plain dialect says of an error: on the answer until its path decides the form.
#[derive(Clone)]
pub(crate) struct Words(pub(crate) String);

impl Dialect {
    /// The dialect of a path.
    pub(crate) fn of(path: &str) -> Self {
        let is_below = |area: &&str| {
            path.strip_prefix(*area)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if HOUSE.iter().any(is_below) {
            Self::House
        } else {
            Self::Plain
        }
    }

    /// The body of an error without fields.
    pub(crate) fn body(self, detail: &str, code: &str) -> Value {
        match self {
            Self::House => json!({"detail": detail, "code": code}),
            Self::Plain => json!({"error": detail}),
        }
    }

    /// The answer in this dialect. Answers that are no error of [`crate::ApiError`] stay as they are.
    pub(crate) fn render(self, mut response: Response) -> Response {
        if let Some(Words(words)) = response.extensions_mut().remove()
            && self == Self::Plain
        {
            *response.body_mut() = Body::from(json!({"error": words}).to_string());
        }
        response
    }
}

/// Mistakes of fields in one line: `email: Enter a valid email address; password: This field is required`.
pub(crate) fn one_line(errors: &FieldErrors) -> String {
    let of_field = |(field, messages): (&String, &Vec<String>)| {
        let said = |message: &String| {
            let words = message.trim_end_matches('.');
            if field == NON_FIELD {
                words.to_owned()
            } else {
                format!("{field}: {words}")
            }
        };
        messages.iter().map(said).collect::<Vec<_>>()
    };
    let lines: Vec<String> = errors.messages().iter().flat_map(of_field).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::*;
    use crate::{ApiError, error::CODE_HEADER};

    fn body_of(response: Response) -> Value {
        let collected = response.into_body().collect().now_or_never();
        let bytes = collected.expect("at once").expect("a body").to_bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn the_path_decides_the_dialect() {
        for (path, dialect) in [
            ("/api/v1/school/users/", Dialect::House),
            ("/api/v1/school/sms/messages/", Dialect::House),
            ("/api/v1/school/", Dialect::House),
            ("/api/v1/school", Dialect::House),
            ("/api/v1/system/schools/", Dialect::House),
            ("/api/v1/chatbot/results/", Dialect::House),
            ("/api/v1/schools/", Dialect::Plain),
            ("/api/v1/sms/send/", Dialect::Plain),
            ("/api/v1/auth/login", Dialect::Plain),
            ("/healthy", Dialect::Plain),
            ("/x/api/v1/school/", Dialect::Plain),
            ("/API/v1/school/", Dialect::Plain),
            ("", Dialect::Plain),
        ] {
            assert_eq!(Dialect::of(path), dialect, "{path}");
        }
    }

    #[test]
    fn every_error_has_both_forms_with_the_same_status_and_headers() {
        let mut fields = FieldErrors::one("email", "Enter a valid email address.");
        fields.add("email", "At most 254 characters.");
        fields.add("app_name", "This field is required.");
        fields.add(NON_FIELD, "They do not match.");
        for (make, words) in [
            (
                Box::new(move || fields.clone().into()) as Box<dyn Fn() -> ApiError>,
                "app_name: This field is required; email: Enter a valid email address; \
                 email: At most 254 characters; They do not match",
            ),
            (
                Box::new(|| ApiError::Malformed("invalid X-App-ID")),
                "invalid X-App-ID",
            ),
            (
                Box::new(|| ApiError::NotSignedIn("authorization header required")),
                "authorization header required",
            ),
            (Box::new(|| ApiError::NotFound), "Not found."),
            (
                Box::new(|| ApiError::OverLimit {
                    code: "daily_quota",
                    detail: "daily quota exceeded",
                    retry_after: 60,
                }),
                "daily quota exceeded",
            ),
            (
                Box::new(|| ApiError::Unavailable("a secret note".into())),
                "The service is not available at the moment. Try again shortly.",
            ),
        ] {
            let (house, plain) = (
                Dialect::House.render(make().into_response()),
                Dialect::Plain.render(make().into_response()),
            );
            assert_eq!(house.status(), plain.status());
            assert_eq!(house.headers(), plain.headers());
            assert!(plain.headers().contains_key(CODE_HEADER));
            let house = body_of(house);
            assert!(house.get("error").is_none(), "{house}");
            assert_eq!(body_of(plain), json!({"error": words}));
        }
    }

    #[test]
    fn an_answer_that_is_no_error_is_left_alone() {
        let answer = || {
            json!({"success": true, "error": ""})
                .to_string()
                .into_response()
        };
        for dialect in [Dialect::House, Dialect::Plain] {
            let rendered = body_of(dialect.render(answer()));
            assert_eq!(rendered, json!({"success": true, "error": ""}));
        }
    }
}
