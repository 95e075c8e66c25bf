//! Where a path leads.

use std::borrow::Cow;

/// The largest body that is let through, by its declared length. Areas enforce the same on what
/// they read, so that a body without a declared length gains nothing.
pub const MAX_BODY_BYTES: u64 = 1_024 * 1_024;
/// The same for the paths that take a file.
pub const MAX_FILE_BYTES: u64 = 4 * MAX_BODY_BYTES;
const FILES: &str = "/api/v1/school/imports/";

/// The documentation page.
pub const DOCS: &str = "/api/docs/";
const SCHEMA: &str = "/api/schema/";

/// Every area: the prefix of its paths, and the service binding of its Worker.
const AREAS: &[(&str, &str)] = &[
    ("/api/v1/system/", "SYSTEM"),
    ("/api/v1/school/", "SCHOOL"),
    ("/api/v1/chatbot/", "CHATBOT"),
    ("/api/v1/school/sms/", SMS),
    ("/api/v1/sms/", SMS),
    ("/api/v1/auth/", SMS),
    ("/api/v1/admin/", SMS),
    ("/dashboard/", SMS),
];
const SMS: &str = "SMS";

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route<'path> {
    /// To an area, by the name of its service binding.
    Area(&'static str),
    /// To a static file, by its path among the assets.
    File(Cow<'path, str>),
    /// To another path of the same host.
    Redirect(&'static str),
    /// Nowhere.
    Nowhere,
}

/// The route of a path; of several prefixes that match, the longest counts.
#[must_use]
pub fn of(path: &str) -> Route<'_> {
    let area = AREAS
        .iter()
        .filter(|(prefix, _)| path.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len());
    if let Some((_, binding)) = area {
        return Route::Area(binding);
    }
    match path {
        "/healthy" | "/healthy/" | "/metrics" | "/metrics/" => Route::Area(SMS),
        "/" | "/api/docs" => Route::Redirect(DOCS),
        "/api/schema" | SCHEMA => Route::File(Cow::Borrowed("/schema/openapi.json")),
        _ => document(path).map_or(Route::Nowhere, Route::File),
    }
}

fn document(path: &str) -> Option<Cow<'_, str>> {
    if path.starts_with(DOCS) {
        return path.strip_prefix("/api").map(Cow::Borrowed);
    }
    let area = path.strip_prefix(SCHEMA)?;
    let area = area.strip_suffix('/').unwrap_or(area);
    let is_name = !area.is_empty() && area.bytes().all(|b| b.is_ascii_lowercase());
    is_name.then(|| Cow::Owned(format!("/schema/{area}.json")))
}

/// Whether errors on a path are `{"error"}`, as its area tells its own (`Dialect` of the edge).
#[must_use]
pub fn is_plain(path: &str) -> bool {
    let own = ["/api/v1/school/", "/api/v1/system/", "/api/v1/chatbot/"];
    matches!(of(path), Route::Area(_)) && !own.iter().any(|area| path.starts_with(area))
}

/// The path of an absolute URL, without the query.
#[must_use]
pub fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

/// Whether a request to a path with this `content-length` is refused before its body is read.
#[must_use]
pub fn is_too_large(path: &str, content_length: &str) -> bool {
    let cap = if path.starts_with(FILES) {
        MAX_FILE_BYTES
    } else {
        MAX_BODY_BYTES
    };
    // A length that does not fit the number is as much too large as one that exceeds the cap.
    content_length
        .trim()
        .parse::<u64>()
        .map_or(true, |length| length > cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_area_its_file_or_nowhere() {
        let file = |path: &'static str| Route::File(Cow::Borrowed(path));
        for (path, route) in [
            ("/api/v1/system/", Route::Area("SYSTEM")),
            ("/api/v1/system/schools/", Route::Area("SYSTEM")),
            ("/api/v1/system//", Route::Area("SYSTEM")),
            ("/api/v1/school/auth/login/", Route::Area("SCHOOL")),
            ("/api/v1/school/sms/messages/", Route::Area("SMS")),
            ("/api/v1/school/smses/", Route::Area("SCHOOL")),
            ("/api/v1/chatbot/results/", Route::Area("CHATBOT")),
            ("/api/v1/chatbots/", Route::Nowhere),
            ("/api/v1/sms/send", Route::Area("SMS")),
            ("/api/v1/auth/login", Route::Area("SMS")),
            ("/api/v1/admin/links", Route::Area("SMS")),
            ("/dashboard/stats", Route::Area("SMS")),
            ("/healthy", Route::Area("SMS")),
            ("/metrics/", Route::Area("SMS")),
            ("/metrics/x", Route::Nowhere),
            ("/healthyx", Route::Nowhere),
            ("/api/v1/schools/", Route::Nowhere),
            ("/api/v1/school", Route::Nowhere),
            ("/api/v1/", Route::Nowhere),
            ("/API/V1/SCHOOL/", Route::Nowhere),
            ("//api/v1/school/", Route::Nowhere),
            ("/x/api/v1/school/", Route::Nowhere),
            ("/", Route::Redirect("/api/docs/")),
            ("/api/docs", Route::Redirect("/api/docs/")),
            ("/api/docs/", file("/docs/")),
            ("/api/docs/page.js", file("/docs/page.js")),
            ("/api/docs/fonts/a.woff2", file("/docs/fonts/a.woff2")),
            ("/api/schema", file("/schema/openapi.json")),
            ("/api/schema/", file("/schema/openapi.json")),
            ("/api/schema/system/", file("/schema/system.json")),
            ("/api/schema/school", file("/schema/school.json")),
            ("/api/schema/sms/", file("/schema/sms.json")),
            ("/api/schema/..%2fdocs/", Route::Nowhere),
            ("/api/schema/a/b/", Route::Nowhere),
            ("/api/schema//", Route::Nowhere),
            ("/docs/", Route::Nowhere),
            ("/favicon.ico", Route::Nowhere),
            ("", Route::Nowhere),
        ] {
            assert_eq!(of(path), route, "{path}");
        }
    }

    #[test]
    fn no_area_hides_another() {
        for (prefix, binding) in AREAS {
            assert!(prefix.starts_with('/') && prefix.ends_with('/'), "{prefix}");
            assert_eq!(of(prefix), Route::Area(binding), "{prefix}");
        }
    }

    #[test]
    fn errors_are_told_as_the_area_of_the_path_tells_its_own() {
        for (path, plain) in [
            ("/api/v1/sms/send", true),
            ("/api/v1/auth/login", true),
            ("/healthy", true),
            ("/api/v1/school/users/", false),
            ("/api/v1/chatbot/results/", false),
            ("/api/v1/school/sms/messages/", false),
            ("/api/v1/system/schools/", false),
            ("/api/docs/", false),
            ("/nowhere", false),
        ] {
            assert_eq!(is_plain(path), plain, "{path}");
        }
    }

    #[test]
    fn the_path_of_a_url_is_what_stands_between_host_and_query() {
        for (url, path) in [
            ("https://a.example/x/y?z=/q", "/x/y"),
            ("http://a.localhost:8787/", "/"),
            ("https://a.example", "/"),
            ("https://a.example/x#/y", "/x"),
            ("https://a.example/x?y#z", "/x"),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn a_declared_length_above_one_mebibyte_is_too_large() {
        for (length, too_large) in [
            ("0", false),
            ("1048576", false),
            ("1048577", true),
            ("99999999999999999999999999", true),
            ("-1", true),
            ("many", true),
        ] {
            assert_eq!(
                is_too_large("/api/v1/school/users/", length),
                too_large,
                "{length}"
            );
        }
    }

    #[test]
    fn a_file_may_have_four_mebibytes_where_one_is_taken() {
        for (path, length, too_large) in [
            ("/api/v1/school/imports/students/", "4194304", false),
            ("/api/v1/school/imports/students", "4194304", false),
            ("/api/v1/school/imports/students/", "4194305", true),
            ("/api/v1/school/imports", "1048577", true),
            ("/api/v1/system/imports/students/", "1048577", true),
            ("/x/api/v1/school/imports/students/", "1048577", true),
        ] {
            assert_eq!(is_too_large(path, length), too_large, "{path}: {length}");
        }
    }
}
