use std::io::Read;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Name, Object};
use homeroom_api_tests::{Client, Reply, School, samples::logo};
use homeroom_domain::files::picture;
use http::Method;
use zip::ZipArchive;

use super::{greenwood, publication::publish, refused, report_cards::golden, someone};

const JPEG: &str = include_str!("../../../../functions/documents/src/samples/jpeg.txt");
/// 1025 pixels wide.
const LONG: &str = include_str!("../../../../functions/documents/src/samples/long.txt");

fn bytes(base64: &str) -> Vec<u8> {
    picture::decode(base64.trim()).unwrap()
}

fn put(client: &Client, content_type: &str, body: &[u8]) -> Reply {
    client.raw(&Method::PUT, "logo/", Some(content_type), body)
}

/// The width in pixels of each picture that each page draws.
fn pictures(pdf: &[u8]) -> Vec<Vec<i32>> {
    let pdf = Pdf::new(pdf.to_vec()).expect("a PDF");
    let of_page = |page: &hayro_syntax::page::Page<'_>| {
        let mut widths = Vec::new();
        let mut operations = page.operations();
        while let Some(operation) = operations.next() {
            if &**operation.operator == b"Do" {
                let name: Option<Object<'_>> = operation.operands().next().cloned();
                let name: Name<'_> = name.and_then(Object::into_name).expect("a name");
                let drawn = page.resources().get_x_object(&name).expect("an object");
                widths.push(drawn.dict().get::<i32>("Width").expect("a width"));
            }
        }
        widths
    };
    pdf.pages().iter().map(of_page).collect()
}

#[test]
fn a_logo_is_given_back_as_it_was_sent_until_it_is_replaced_or_removed() {
    let (app, school) = greenwood();
    let admin = &school.admin;
    refused(&admin.get("logo/"), 404, "not_found");
    refused(&admin.delete("logo/"), 404, "not_found");
    let png = bytes(&logo(0x0a_0b0c));
    let sent = put(admin, "image/png", &png).status(200);
    assert_eq!(sent.json["content_type"], "image/png");
    assert_eq!(sent.json["size"], png.len());

    let (pupil, _) = someone(&school, "pupil@greenwood.example", &["Student"]);
    let found = pupil.get("logo/").status(200);
    assert_eq!(found.bytes, png);
    let tag = format!("\"{}\"", sent.str("digest"));
    for (header, value) in [
        ("content-type", "image/png"),
        ("etag", &tag),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(found.header(header), value, "{header}");
    }
    for known in [tag.clone(), format!("\"x\", W/{tag}")] {
        let known = pupil.with("if-none-match", &known).get("logo/").status(304);
        assert!(known.bytes.is_empty());
        assert_eq!(known.header("etag"), tag);
    }
    refused(&put(&pupil, "image/png", &png), 403, "permission_denied");

    let form = [
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.svg\"\r\n\r\n"
            .to_vec(),
        bytes(JPEG),
        b"\r\n--b--".to_vec(),
    ];
    put(admin, "multipart/form-data; boundary=b", &form.concat()).expect(200);
    let found = pupil.with("if-none-match", &tag).get("logo/").status(200);
    assert_eq!(
        (found.header("content-type"), &found.bytes),
        ("image/jpeg", &bytes(JPEG))
    );
    admin.delete("logo/").expect(204);
    refused(&pupil.get("logo/"), 404, "not_found");
    let log = admin.get("audit-logs/?table_name=logos").status(200);
    assert_eq!(log.column("action"), ["DELETE", "UPDATE", "CREATE"]);
    assert_eq!(app.count(&school.slot, "select count(*) from logos"), 0);
}

#[test]
fn what_is_no_small_picture_is_refused_and_the_logo_stays() {
    let (app, school) = greenwood();
    let admin = &school.admin;
    let png = bytes(&logo(7));
    put(admin, "image/png", &png).expect(200);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let mut large = png.clone();
    large.resize(200 * 1024 + 1, 0);
    for (what, body, why) in [
        ("nothing", &b""[..], "neither a PNG nor a JPEG"),
        (
            "an SVG that is called a PNG",
            svg,
            "neither a PNG nor a JPEG",
        ),
        ("half a PNG", &png[..png.len() / 2], "The picture"),
        ("half a JPEG", &bytes(JPEG)[..264], "is damaged"),
        ("one byte too many", &large, "larger than 204800 bytes"),
        ("one pixel too many", &bytes(LONG), "more than 1024 pixels"),
    ] {
        let reply = put(admin, "image/png", body);
        assert_eq!(reply.fields(), ["file"], "{what}");
        assert!(reply.text.contains(why), "{what}: {}", reply.text);
    }
    for kind in ["image/svg+xml", "text/html", "application/json", "text/csv"] {
        refused(&put(admin, kind, svg), 415, "unsupported_media_type");
    }
    large.resize(1_048_577, 0);
    refused(&put(admin, "image/png", &large), 413, "payload_too_large");
    app.break_documents(true);
    refused(&put(admin, "image/png", &bytes(JPEG)), 503, "unavailable");
    assert_eq!(admin.get("logo/").status(200).bytes, png);
}

#[test]
fn the_largest_picture_is_taken_and_given_back() {
    let (_, school) = greenwood();
    let mut png = bytes(&logo(7));
    png.resize(200 * 1024, 0);
    put(&school.admin, "image/png", &png).expect(200);
    assert_eq!(school.admin.get("logo/").status(200).bytes, png);
}

#[test]
fn every_printed_card_and_broadsheet_has_the_schools_own_logo() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let admin = &school.admin;
    put(&app.school("riverside").admin, "image/jpeg", &bytes(JPEG)).expect(200);
    refused(&admin.get("logo/"), 404, "not_found");
    publish(&school, &golden).expect(200);
    let class = format!("?academic_class={}", golden.a);
    let path = golden.form.path();
    let files = |school: &School| -> Vec<Vec<Vec<i32>>> {
        let get = |path: &str| school.admin.get(path).status(200).bytes;
        let zip = get(&format!("{path}report-cards/pdf/{class}&separate=true"));
        let mut zip = ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
        let mut all: Vec<Vec<u8>> = (0..zip.len())
            .map(|n| {
                let mut file = Vec::new();
                zip.by_index(n).unwrap().read_to_end(&mut file).unwrap();
                file
            })
            .collect();
        all.push(get(&format!("{path}report-cards/pdf/{class}")));
        all.push(get(&format!("{path}broadsheet/{class}&format=pdf")));
        all.push(golden.card_in(school, 0, "?format=pdf").status(200).bytes);
        all.iter().map(|file| pictures(file)).collect()
    };
    let none = files(&school);
    assert!(
        none.iter().flatten().all(Vec::is_empty),
        "another school's: {none:?}"
    );
    put(admin, "image/png", &bytes(&logo(7))).expect(200);
    let with = files(&school);
    assert_eq!(with.len(), 5 + 3);
    // One pixel wide, once on every page: all of them have one page a sheet.
    assert!(with.iter().flatten().all(|page| page == &[1]), "{with:?}");
    assert_eq!(with[5].len(), 5, "a page for each of the class");
}

#[test]
fn a_page_carries_the_logo_once_and_tables_do_not_read_it() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let admin = &school.admin;
    let class = format!("?academic_class={}", golden.a);
    let path = golden.form.path();
    let page = |path: &str| admin.get(path).status(200);
    let html = format!("{path}report-cards/html/{class}");
    assert!(!page(&html).text.contains("<svg"));
    for (base64, kind) in [
        (logo(7), "image/png"),
        (JPEG.trim().to_owned(), "image/jpeg"),
    ] {
        put(admin, kind, &bytes(&base64)).expect(200);
        for (path, sheets) in [
            (html.clone(), 5),
            (format!("{path}broadsheet/{class}&format=html"), 1),
        ] {
            let page = page(&path);
            let data = format!("href=\"data:{kind};base64,{base64}\"");
            assert_eq!(page.text.matches(&data).count(), 1, "{path}");
            assert_eq!(page.text.matches("<use href=\"#logo\"/>").count(), sheets);
            let policy = page.header("content-security-policy");
            assert!(policy.contains("img-src data:;"), "{policy}");
        }
    }
    let _ = app.take_batches();
    for path in [
        format!("{path}report-cards/"),
        format!("{path}report-cards/{}/", golden.students[0]),
        format!("{path}report-cards/{}/?format=csv", golden.students[0]),
        format!("{path}broadsheet/{class}"),
        format!("{path}broadsheet/{class}&format=csv"),
    ] {
        let _ = page(&path);
        for batch in app.take_batches() {
            let reads = batch.statements.iter().any(|text| text.contains("logos"));
            assert!(!reads, "{path}: {:?}", batch.statements);
        }
    }
}
