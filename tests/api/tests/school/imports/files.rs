//! What is read of a body, and what is refused.

use http::Method;

use super::{Year, counts, import, wrong};
use crate::school::refused;

const MOST: usize = 4 * 1_048_576;
const HEAD: &str = "student_id,first_name,last_name,admission_year";

fn multipart(name: &str, file: &str) -> String {
    format!(
        "--line\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--line\r\n\
         Content-Disposition: form-data; name=\"{name}\"; filename=\"students.csv\"\r\nContent-Type: text/csv\r\n\r\n\
         {file}\r\n--line--\r\n"
    )
}

#[test]
fn a_file_comes_as_it_is_or_in_a_form() {
    let year = Year::new();
    let client = &year.school.admin;
    let send = |kind: &str, body: &str| {
        client.raw(
            &Method::POST,
            "imports/students/",
            Some(kind),
            body.as_bytes(),
        )
    };
    for (n, kind) in ["text/csv", "text/csv; charset=utf-8", "Text/CSV"]
        .iter()
        .enumerate()
    {
        assert_eq!(
            counts(&send(kind, &format!("{HEAD}\nT{n},A,{n},2026\n")).status(202)),
            [1, 0, 0, 0]
        );
    }
    let form = "multipart/form-data; boundary=line";
    let file = format!("\u{feff}{HEAD}\r\nM1,Žofie,Nováková,2026\r\n");
    assert_eq!(
        counts(&send(form, &multipart("file", &file)).status(202)),
        [1, 0, 0, 0]
    );
    assert_eq!(
        client
            .get("admissions/?student_id=M1")
            .status(200)
            .str("results/0/first_name"),
        "Žofie"
    );
    assert_eq!(send(form, &multipart("files", &file)).fields(), ["file"]);
    assert_eq!(send(form, "nothing of the kind").fields(), ["file"]);
    assert_eq!(
        send("multipart/form-data", &multipart("file", &file)).fields(),
        ["file"]
    );
    for kind in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "",
    ] {
        refused(&send(kind, &file), 415, "unsupported_media_type");
    }
    refused(
        &client.raw(&Method::POST, "imports/students/", None, file.as_bytes()),
        415,
        "unsupported_media_type",
    );
}

#[test]
fn a_head_names_columns_that_exist_and_all_that_are_needed() {
    let year = Year::new();
    let fields = |name: &str, file: &str| {
        let reply = year.school.admin.file(&format!("imports/{name}/"), file);
        let fields = reply.fields();
        fields.join(" ")
    };
    assert_eq!(
        fields("students", "first_name,last_name,colour,user\nA,B,red,x\n"),
        "admission_year colour user"
    );
    assert_eq!(
        fields("students", &format!("{HEAD},first_name\nA,B,C,2026,D\n")),
        "first_name"
    );
    assert_eq!(
        fields("students", &format!("{HEAD},\nA,B,C,2026,D\n")),
        "file"
    );
    assert_eq!(
        fields("guardians", "first_name,last_name\nA,B\n"),
        "non_field_errors"
    );
    assert_eq!(fields("staff", "title\nMr\n"), "staff_number");
    assert_eq!(fields("classes", "name\n1A\n"), "form");
    assert_eq!(fields("registrations", "class\n1A\n"), "session student_id");
    for empty in ["", "\n\n", "\u{feff}", HEAD, &format!("{HEAD}\n\n , ,\n")] {
        assert_eq!(fields("students", empty), "file", "{empty:?}");
    }
    assert_eq!(year.rows("imports"), 0);
    let reply = import(
        &year.school.admin,
        "students",
        " Student_ID , First_Name,LAST_NAME,admission_year\nA1, A , B ,2026\n",
    );
    assert_eq!(counts(&reply), [1, 0, 0, 0]);
}

#[test]
fn hostile_files_are_refused_or_their_rows_are() {
    let year = Year::new();
    let send = |body: &[u8]| {
        year.school
            .admin
            .raw(&Method::POST, "imports/students/", Some("text/csv"), body)
    };
    let zeros = vec![0; 1_000_000];
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(HEAD.bytes().flat_map(|byte| [byte, 0]))
        .collect();
    let columns = format!("{HEAD}{}\n", ",x".repeat(10_000));
    let quotes = "\"".repeat(1_000_001);
    for (case, body) in [
        (
            "invalid UTF-8",
            &b"student_id,first_name\nA1,\xff\xfe\n"[..],
        ),
        ("UTF-16", &utf16),
        (
            "a quote that is never closed",
            b"student_id,first_name,last_name,admission_year\nA1,\"A,B,2026\nA2,A,B,2026\n",
        ),
        ("10,000 columns", columns.as_bytes()),
        ("a million quotes", quotes.as_bytes()),
    ] {
        assert_eq!(send(body).fields(), ["file"], "{case}");
    }
    assert_eq!(send(&zeros).status, 400);
    assert_eq!((year.rows("imports"), year.rows("students")), (0, 0));
    let long = "x".repeat(1_000_000);
    let many = "x,".repeat(10_000);
    let file = format!(
        "{HEAD}\nA1,{long},B,2026\nA2,nul\0nul,B,2026\nA3,{many}\nA4,A,B,2026\nA5,A,B,99999999999999999999\n\"A\"6,A\"B,\"C\"\"D\",2026\n"
    );
    let reply = send(file.as_bytes()).status(202);
    assert_eq!(counts(&reply), [2, 0, 0, 4]);
    let rows: Vec<u64> = wrong(&reply).into_iter().map(|(row, _)| row).collect();
    assert_eq!(rows, [2, 3, 4, 6]);
    assert_eq!(
        reply
            .json
            .pointer("/errors/0/messages/first_name/0")
            .unwrap(),
        "Ensure this cell has no more than 10000 characters."
    );
    assert_eq!(
        year.school
            .admin
            .get("admissions/?student_id=A6")
            .status(200)
            .str("results/0/last_name"),
        "C\"D"
    );
    year.app.assert_sound();
}

#[test]
fn a_file_may_have_4_mb_and_any_other_body_1_mb() {
    let year = Year::new();
    let (app, client) = (&year.app, &year.school.admin);
    let padded = |bytes: usize| {
        let head = format!("{HEAD}\nA1,A,B,2026\n");
        let mut file = head.clone();
        file.push_str(&"\n".repeat(bytes - head.len()));
        file
    };
    for path in ["imports/students/", "imports/students"] {
        client.file(path, &padded(MOST)).expect(202);
        refused(
            &client.file(path, &padded(MOST + 1)),
            413,
            "payload_too_large",
        );
    }
    drop(app.take_batches());
    let declared = client
        .with("content-length", "4194305")
        .file("imports/students/", "x");
    refused(&declared, 413, "payload_too_large");
    refused(
        &client
            .with("content-length", "1048577")
            .file("admissions/", "x"),
        413,
        "payload_too_large",
    );
    assert!(app.take_batches().is_empty());
    refused(
        &client.file("admissions/", &padded(1_048_577)),
        413,
        "payload_too_large",
    );
}

#[test]
fn nobody_imports_without_every_permission() {
    let year = Year::new();
    let file = format!("{HEAD}\nA1,A,B,2026\n");
    let path = "imports/students/";
    refused(
        &year.school.anonymous().file(path, &file),
        401,
        "not_authenticated",
    );
    refused(
        &year.school.teacher.file(path, "\u{0}"),
        403,
        "permission_denied",
    );
    let held = ["school.add_import", "school.add_admission"];
    refused(
        &year.school.user_who_may(&held).file(path, &file),
        403,
        "permission_denied",
    );
    let held = [
        "school.add_import",
        "school.add_admission",
        "school.change_admission",
    ];
    let clerk = year.school.user_who_may(&held);
    clerk.file(path, &file).expect(202);
    refused(
        &clerk.file("imports/guardians/", "first_name,last_name,email\n"),
        403,
        "permission_denied",
    );
    refused(
        &clerk.file("imports/dragons/", &file),
        405,
        "method_not_allowed",
    );
    refused(&clerk.get("imports/"), 403, "permission_denied");
}

#[test]
fn a_key_stands_for_the_file_and_the_question() {
    let year = Year::new();
    let file = format!("{HEAD}\n,A,B,2026\n");
    let client = year.school.admin.key("one");
    let first = client
        .file("imports/students/?dry_run=true", &file)
        .status(202);
    let again = client
        .file("imports/students/?dry_run=true", &file)
        .status(202);
    assert_eq!(
        (&again.text, again.header("idempotent-replayed")),
        (&first.text, "true")
    );
    refused(
        &client.file("imports/students/", &file),
        422,
        "idempotency_key_reused",
    );
    let client = year.school.admin.key("two");
    let first = client.file("imports/students/", &file).status(202);
    let again = client.file("imports/students/", &file).status(202);
    assert_eq!((first.text, year.rows("students")), (again.text, 1));
}
