//! Samples of grading scales, report settings and report cards.

use data_encoding::BASE64;
use http::Method;
use serde_json::{Map, Value, json};

use super::{Sample, Scene, records::PathIds, user_body};
use crate::{academics::Form, document::Operation, people::sign_in};

pub(super) fn adjust(_: &Scene, noun: &str, body: &mut Map<String, Value>, n: u32, _: &PathIds) {
    if noun == "academic_setting" {
        body.insert("level".to_owned(), json!(format!("Level {n}")));
    }
}

/// A form with a student who has a mark and a card.
pub(crate) struct Carded {
    /// The form.
    pub(crate) form: Form,
    /// The class.
    pub(crate) class: String,
    /// The student's registration, which is the card's id.
    pub(crate) student: String,
    /// The student.
    pub(crate) person: String,
}

impl Scene {
    /// Gives the school a logo.
    pub(crate) fn put_logo(&self, n: u32) {
        let logo = Sample {
            client: self.school.admin.clone(),
            method: Method::PUT,
            path: "logo/".to_owned(),
            body: Some(json!(logo(n))),
        };
        logo.send().expect(200);
    }

    pub(crate) fn carded(&self, n: u32, user: Option<&str>) -> Carded {
        let level = format!("Level of cards {n}");
        let form = Form::new(&self.app, &self.school, &format!("C{n}"), &level);
        form.scale(&level, &[("A", 50.0, 100.0), ("U", 0.0, 49.0)]);
        let class = form.class("1A", None);
        let maths = form.subject("Mathematics", 1.0, true);
        let exam = form.exam(&class, &maths, None);
        let person = form.person("Tariro Moyo", user);
        let student = form.register(&person, &class);
        form.mark(&exam, &student, "57.5");
        Carded {
            form,
            class,
            student,
            person,
        }
    }
}

/// One pixel of a colour of its own, in base64.
#[must_use]
pub fn logo(n: u32) -> String {
    let [_, red, green, blue] = n.to_be_bytes();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0][..]),
        (b"IDAT", &deflated(&[0, red, green, blue])),
        (b"IEND", &[]),
    ] {
        let length = u32::try_from(data.len()).expect("a short chunk");
        file.extend(length.to_be_bytes());
        let chunk = [&kind[..], data].concat();
        file.extend(&chunk);
        file.extend(crc32(&chunk).to_be_bytes());
    }
    BASE64.encode(&file)
}

/// As zlib stores what it does not compress.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("one block");
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(bytes);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

fn crc32(bytes: &[u8]) -> u32 {
    let fold = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(u32::MAX, fold)
}

fn scale_body(n: u32) -> Value {
    json!({"level": format!("Scale {n}"), "bands": [
        {"grade": "A", "rank": 1, "min_mark": 50, "max_mark": 100, "description": "Good", "comment": ""},
        {"grade": "U", "rank": 2, "min_mark": 0, "max_mark": 49.5},
    ]})
}

pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let admin = &scene.school.admin;
    let sample = |path: String, body: Option<Value>| Sample {
        client: admin.clone(),
        method: operation.method.clone(),
        path,
        body,
    };
    if operation.writes() && operation.path.contains("/report-settings/") {
        // One row for the whole school: it is there before and after.
        admin.act("report-settings/reset/").expect(200);
    }
    let settings = json!({"o_level": ["Total marks"], "a_level": ["Symbol"], "min_subjects_passed": n % 100, "min_average": 45.5});
    Some(match operation.id.as_str() {
        "check_scales" | "find_report_settings" | "reset_report_settings" => {
            sample(operation.path.clone(), None)
        }
        "replace_scale" => sample(operation.path.clone(), Some(scale_body(n))),
        "replace_report_settings" => sample(operation.path.clone(), Some(settings)),
        "update_report_settings" => sample(
            operation.path.clone(),
            Some(json!({"min_subjects_passed": n % 100})),
        ),
        "find_logo" | "delete_logo" => {
            scene.put_logo(n);
            sample(operation.path.clone(), None)
        }
        "replace_logo" => {
            let _ = admin.delete("logo/");
            sample(operation.path.clone(), Some(json!(logo(n))))
        }
        "list_own_report_cards" | "find_own_report_card" | "find_own_transcript" => {
            own(scene, operation, n)
        }
        _ if operation.tag != "report-cards" => return None,
        _ => of_exam_session(scene, operation, n),
    })
}

fn of_exam_session(scene: &Scene, operation: &Operation, n: u32) -> Sample {
    let Carded {
        form,
        class,
        student,
        person,
    } = scene.carded(n, None);
    let admin = &scene.school.admin;
    let own = if operation.path.contains("{exam_session}") {
        &student
    } else {
        &form.exam_session
    };
    let mut path = operation
        .path
        .replace("{session}", &form.session)
        .replace("{exam_session}", &form.exam_session)
        .replace("{student}", &person)
        .replace("{id}", own);
    if [
        "print_report_cards",
        "render_report_cards",
        "find_broadsheet",
    ]
    .contains(&operation.id.as_str())
    {
        path = format!("{path}?academic_class={class}");
    }
    let card = format!("{}report-cards/{student}/", form.path());
    let body = match operation.id.as_str() {
        "replace_report_card_comments" => Some(json!({"class_teacher": format!("Noted {n}")})),
        "withhold_report_card" => Some(json!({"reason": format!("Fees {n}")})),
        "compute_report_cards" => Some(json!({"academic_class": class})),
        "publish_exam_session" => {
            admin.act(&format!("{}submit/", form.path())).expect(200);
            Some(json!({"academic_class": class, "accept_incomplete": true}))
        }
        "release_report_card" => {
            let reason = json!({"reason": "Fees"});
            admin.post(&format!("{card}withhold/"), &reason).expect(200);
            None
        }
        "unpublish_exam_session" | "find_transcript" => {
            admin.act(&format!("{}publish/", form.path())).expect(200);
            None
        }
        _ => None,
    };
    assert!(
        body.is_some() || operation.body.is_null(),
        "{}",
        operation.id
    );
    Sample {
        client: admin.clone(),
        method: operation.method.clone(),
        path,
        body,
    }
}

/// A student with a published card, who is signed in.
fn own(scene: &Scene, operation: &Operation, n: u32) -> Sample {
    let admin = &scene.school.admin;
    let user = user_body(n + 300_000);
    let id = admin.post("users/", &user).status(201).id();
    let first = scene.carded(n, Some(&id));
    admin
        .act(&format!("{}publish/", first.form.path()))
        .expect(200);
    let email = user["email"].as_str().expect("an email");
    let client = sign_in(&scene.school.anonymous(), email);
    let cards = client.get("my/report-cards/").status(200);
    let own = if operation.id == "find_own_transcript" {
        first.person
    } else {
        cards.str("results/0/id")
    };
    Sample {
        client,
        method: Method::GET,
        path: operation.path.replace("{id}", &own),
        body: None,
    }
}
