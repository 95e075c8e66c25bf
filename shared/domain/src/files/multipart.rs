//! The part of a form (RFC 7578) that is a file.

const NOT_A_FORM: &str = "The form cannot be read: its parts do not follow its boundary.";
const NO_SUCH_PART: &str = "This field is required.";
/// Longest boundary, after RFC 2046.
const MAX_BOUNDARY: usize = 70;

/// The content of the first part of this name.
pub fn part<'a>(content_type: &str, body: &'a [u8], name: &str) -> Result<&'a [u8], &'static str> {
    let boundary = parameter(content_type, "boundary")
        .filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()))
        .ok_or(NOT_A_FORM)?;
    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let (before, mut rest) = split(body, first.as_bytes()).ok_or(NOT_A_FORM)?;
    if !before.is_empty() && !before.ends_with(b"\r\n") {
        return Err(NOT_A_FORM);
    }
    loop {
        if rest.starts_with(b"--") {
            return Err(NO_SUCH_PART);
        }
        // Spaces may stand behind a boundary.
        let (_, part) = split(rest, b"\r\n").ok_or(NOT_A_FORM)?;
        let (head, content) = if let Some(content) = part.strip_prefix(b"\r\n") {
            (&b""[..], content)
        } else {
            split(part, b"\r\n\r\n").ok_or(NOT_A_FORM)?
        };
        let (content, after) = split(content, next.as_bytes()).ok_or(NOT_A_FORM)?;
        if is_named(head, name) {
            return Ok(content);
        }
        rest = after;
    }
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    let (before, rest) = bytes.split_at(at);
    Some((before, rest.strip_prefix(mark)?))
}

fn is_named(head: &[u8], name: &str) -> bool {
    let head = String::from_utf8_lossy(head);
    head.lines().any(|line| {
        line.split_once(':').is_some_and(|(header, value)| {
            header.trim().eq_ignore_ascii_case("content-disposition")
                && parameter(value, "name") == Some(name)
        })
    })
}

/// A parameter of a header's value, quoted or not; one with escapes is none that is looked for here.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (given, after) = rest.split_once('=')?;
        let (text, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if given.trim().eq_ignore_ascii_case(name) {
            return Some(text.trim());
        }
        rest = next.split_once(';')?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; charset=utf-8; boundary=\"a b\"";

    fn file(body: &str) -> Result<&[u8], &'static str> {
        part(TYPE, body.as_bytes(), "file")
    }

    #[test]
    fn the_part_of_the_name_is_the_file() {
        let body = "--a b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nfile\r\n--a b  \r\n\
                    content-type: text/csv\r\ncontent-disposition: form-data; filename=\"a;b.csv\"; name=file\r\n\r\n\
                    x,y\r\n--a\r\n1,2\r\n--a b--\r\n";
        assert_eq!(file(body), Ok(&b"x,y\r\n--a\r\n1,2"[..]));
        let preamble = format!("ignored\r\n{body}");
        assert_eq!(file(&preamble), Ok(&b"x,y\r\n--a\r\n1,2"[..]));
        let empty = "--a b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\r\n--a b--";
        assert_eq!(file(empty), Ok(&b""[..]));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in [
            "",
            "x,y",
            "--a b",
            "--a b\r\n",
            "--a b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nnever ended",
            "x--a b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n1\r\n--a b--",
        ] {
            assert_eq!(file(body), Err(NOT_A_FORM), "{body}");
        }
        for body in [
            "--a b--",
            "--a b\r\n\r\n1\r\n--a b--",
            "--a b\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\n1\r\n--a b--",
        ] {
            assert_eq!(file(body), Err(NO_SUCH_PART), "{body}");
        }
        for kind in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"x",
        ] {
            assert_eq!(part(kind, b"--\r\n", "file"), Err(NOT_A_FORM), "{kind}");
        }
    }
}
