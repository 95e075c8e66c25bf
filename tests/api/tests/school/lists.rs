use std::collections::BTreeSet;

use homeroom_api_tests::{School, TestApp};
use serde_json::json;

use super::{greenwood, person, refused};

/// A school with so many users besides the administrator and the teacher.
fn crowd(count: usize) -> (TestApp, School) {
    let (app, school) = greenwood();
    for n in 0..count {
        let mut body = person(&format!("user-{n:02}@greenwood.example"));
        body["last_name"] = json!(format!("Name {}", n % 3));
        body["is_active"] = json!(n % 2 == 0);
        school.admin.post("users/", &body).expect(201);
    }
    (app, school)
}

#[test]
fn a_list_has_count_next_previous_and_results() {
    let (_, school) = crowd(3);
    let first = school
        .admin
        .get("users/?page_size=2&ordering=email&search=USER-")
        .status(200);
    assert_eq!(
        (&first.json["count"], first.results().len()),
        (&json!(3), 2)
    );
    assert_eq!(first.json["previous"], json!(null));
    let next = first.str("next");
    assert_eq!(
        next,
        "https://greenwood.homeroom.example/api/v1/school/users/?page_size=2&ordering=email&search=USER-&page=2"
    );
    let second = school
        .admin
        .get(
            next.strip_prefix("https://greenwood.homeroom.example")
                .unwrap(),
        )
        .status(200);
    assert_eq!(second.column("email"), ["user-02@greenwood.example"]);
    assert_eq!(second.json["next"], json!(null));
    let back = second.str("previous");
    let back = school
        .admin
        .get(
            back.strip_prefix("https://greenwood.homeroom.example")
                .unwrap(),
        )
        .status(200);
    assert_eq!(back.json, first.json);
}

#[test]
fn links_keep_odd_characters_of_the_query() {
    let (_, school) = crowd(3);
    for n in 0..3 {
        let mut body = person(&format!("odd-{n}@greenwood.example"));
        body["first_name"] = json!("A&B=C+ é");
        school.admin.post("users/", &body).expect(201);
    }
    let first = school
        .admin
        .get("users?search=a%26b%3Dc%2B+%C3%A9&page_size=2")
        .status(200);
    assert_eq!(first.json["count"], 3);
    let next = first
        .str("next")
        .replace("https://greenwood.homeroom.example", "");
    let second = school.admin.get(&next).status(200);
    assert_eq!(
        (&second.json["count"], second.results().len()),
        (&json!(3), 1)
    );
}

#[test]
fn pages_are_whole_numbers_from_1_and_end_with_invalid_page() {
    let (_, school) = crowd(3);
    for page in [
        "0",
        "-1",
        "one",
        "1.5",
        "",
        "1e3",
        "0x1",
        "99999999999999999999x",
    ] {
        assert_eq!(
            school.admin.get(&format!("users/?page={page}")).fields(),
            ["page"],
            "{page}"
        );
    }
    for page in [
        "2",
        "1000000",
        "1000001",
        "4294967295",
        "4294967296",
        "99999999999999999999999999",
    ] {
        let reply = school.admin.get(&format!("users/?page={page}"));
        refused(&reply, 404, "invalid_page");
        assert_eq!(reply.str("detail"), "Invalid page.");
    }
    let empty = school.admin.get("users/?search=nobody-at-all").status(200);
    assert_eq!(
        empty.json,
        json!({"count": 0, "next": null, "previous": null, "results": []})
    );
    refused(
        &school.admin.get("users/?search=nobody-at-all&page=2"),
        404,
        "invalid_page",
    );
}

#[test]
fn a_page_has_25_rows_or_as_many_as_asked_up_to_100() {
    let (app, school) = greenwood();
    app.with_db(&school.slot, |db| {
        for n in 0..120 {
            let sql = "insert into users (id, email, first_name, last_name, password_hash, created_at, updated_at) \
                       values (?1, ?2, 'A', 'B', 'x', 1, 1)";
            let id = format!("01900000-0000-7000-8000-{n:012}");
            db.execute(sql, [&id, &format!("bulk-{n}@greenwood.example")]).unwrap();
        }
    });
    let rows = |query: &str| {
        school
            .admin
            .get(&format!("users/?{query}"))
            .status(200)
            .results()
            .len()
    };
    assert_eq!(rows(""), 25);
    assert_eq!(rows("page_size=1"), 1);
    assert_eq!(rows("page_size=100"), 100);
    assert_eq!(rows("page_size=101"), 100);
    assert_eq!(rows("page_size=4294967296"), 100);
    assert_eq!(rows("page_size=99999999999999999999999"), 100);
    for size in ["0", "-5", "many", "2.5"] {
        assert_eq!(
            school
                .admin
                .get(&format!("users/?page_size={size}"))
                .fields(),
            ["page_size"],
            "{size}"
        );
    }
    // Rows that are equal in the ordering appear once each.
    let mut seen = BTreeSet::new();
    for page in 1..=5 {
        let reply = school
            .admin
            .get(&format!("users/?ordering=first_name&page={page}"))
            .status(200);
        seen.extend(reply.column("id"));
    }
    assert_eq!(seen.len(), 122);
}

#[test]
fn ordering_takes_several_fields_and_a_minus() {
    let (_, school) = crowd(6);
    let emails = |ordering: &str| {
        school
            .admin
            .get(&format!("users/?search=user-&ordering={ordering}"))
            .status(200)
            .column("email")
    };
    let short = |list: Vec<String>| {
        list.iter()
            .map(|email| email[5..7].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(short(emails("email")), ["00", "01", "02", "03", "04", "05"]);
    assert_eq!(
        short(emails("-email")),
        ["05", "04", "03", "02", "01", "00"]
    );
    assert_eq!(
        short(emails("last_name,-email")),
        ["03", "00", "04", "01", "05", "02"]
    );
    assert_eq!(
        short(emails("-last_name,email")),
        ["02", "05", "01", "04", "00", "03"]
    );
    assert_eq!(short(emails("")), ["05", "04", "03", "02", "01", "00"]);
    let reply = school.admin.get("users/?ordering=email,password_hash");
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "ordering": [
        "Order by one or more of: first_name, last_name, email, is_active, last_login_at, created_at, updated_at."
      ]
    }
    "#);
    for bad in ["password_hash", "--email", "email;drop", "email,,", "id"] {
        assert_eq!(
            school.admin.get(&format!("users/?ordering={bad}")).fields(),
            ["ordering"],
            "{bad}"
        );
    }
}

#[test]
fn search_finds_parts_of_names_email_and_phone_in_any_case() {
    let (_, school) = greenwood();
    let mut body = person("eva@greenwood.example");
    body["first_name"] = json!("Éva");
    body["last_name"] = json!("O'Brien %_");
    body["phone_number"] = json!("+263772123456");
    school.admin.post("users/", &body).expect(201);
    for text in [
        "%C3%89va",
        "o%27brien",
        "%25_",
        "EVA@",
        "77212",
        "%2B26377",
        "+O%27BRIEN+",
    ] {
        let found = school
            .admin
            .get(&format!("users/?search={text}"))
            .status(200);
        assert_eq!(found.json["count"], 1, "{text}");
    }
    assert_eq!(
        school
            .admin
            .get("users/?search=%27%20or%201=1--")
            .status(200)
            .json["count"],
        0
    );
    assert_eq!(
        school.admin.get("users/?search=").status(200).json["count"],
        3
    );
    assert_eq!(
        school
            .admin
            .get(&format!("users/?search={}", "x".repeat(101)))
            .fields(),
        ["search"]
    );
    assert_eq!(school.admin.get("users/?search=%00").fields(), ["search"]);
}

#[test]
fn filters_narrow_the_list_together() {
    let (_, school) = crowd(6);
    let count = |query: &str| {
        school
            .admin
            .get(&format!("users/?{query}"))
            .status(200)
            .json["count"]
            .clone()
    };
    assert_eq!(count("is_active=false"), 3);
    assert_eq!(count("is_active=True&search=user-"), 3);
    assert_eq!(count("email=USER-01@greenwood.example"), 1);
    assert_eq!(count("email=USER-01@greenwood.example&is_active=true"), 0);
    assert_eq!(count(&format!("role={}", school.role("Teacher"))), 1);
    assert_eq!(count("role=01900000-0000-7000-8000-00000000dead"), 0);
    assert_eq!(count("phone_number=%2B26377"), 0);
}

#[test]
fn all_mistakes_of_a_query_are_told_at_once() {
    let (_, school) = greenwood();
    let reply = school
        .admin
        .get("users/?page=0&page_size=x&ordering=y&is_active=perhaps&role=1&colour=red");
    insta::assert_json_snapshot!(reply.json, @r#"
    {
      "colour": [
        "This list has no such filter."
      ],
      "is_active": [
        "Must be true or false."
      ],
      "ordering": [
        "Order by one or more of: first_name, last_name, email, is_active, last_login_at, created_at, updated_at."
      ],
      "page": [
        "A page is a whole number from 1."
      ],
      "page_size": [
        "A page size is a whole number from 1 to 100."
      ],
      "role": [
        "Must be a valid UUID."
      ]
    }
    "#);
    assert_eq!(
        reply.fields(),
        [
            "colour",
            "is_active",
            "ordering",
            "page",
            "page_size",
            "role"
        ]
    );
}

#[test]
fn both_slash_forms_are_the_same_list() {
    let (_, school) = crowd(2);
    let with = school.admin.get("users/?ordering=email").status(200);
    let without = school.admin.get("users?ordering=email").status(200);
    assert_eq!(with.json, without.json);
    let paged = school
        .admin
        .get("users?ordering=email&page_size=1")
        .status(200);
    assert!(
        paged.str("next").contains("/school/users"),
        "{}",
        paged.text
    );
}

#[test]
fn deleted_users_are_not_listed() {
    let (_, school) = greenwood();
    let id = school
        .admin
        .post("users/", &person("gone@greenwood.example"))
        .status(201)
        .id();
    school.admin.delete(&format!("users/{id}/")).expect(204);
    assert_eq!(school.admin.get("users/").status(200).json["count"], 2);
    assert_eq!(
        school.admin.get("users/?search=gone").status(200).json["count"],
        0
    );
}

/// How many users a search finds.
fn found(school: &School, text: &str) -> serde_json::Value {
    let query: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let reply = school.admin.get(&format!("users/?search={query}"));
    reply.status(200).json["count"].clone()
}

#[test]
fn a_search_knows_no_case_in_any_script() {
    let (_, school) = greenwood();
    for (n, (first, last, others)) in [
        (
            "Éva",
            "NAGY-ŐRSI",
            vec!["éva", "ÉVA", "nagy-őrsi", "Őrsi", "vA"],
        ),
        ("Иван", "Петров", vec!["иван", "ИВАН", "вАн", "петров"]),
        (
            "ЁЛКА",
            "МакДональд",
            vec!["ёлка", "Ёлка", "макдональд", "МАКДОНАЛЬД"],
        ),
        (
            "Οδυσσεύς",
            "ΕΛΎΤΗΣ",
            vec!["οδυσσεύς", "ΟΔΥΣΣΕΎΣ", "Οδυσσεύσ", "ελύτης", "Ελύτησ"],
        ),
        (
            "Straße",
            "Œuvré",
            vec!["straße", "œuvré", "ŒUVRÉ", "STRAßE"],
        ),
        ("Արամ", "李明", vec!["արամ", "ԱՐԱՄ", "李"]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = person(&format!("user-{n}@people.example"));
        body["first_name"] = json!(first);
        body["last_name"] = json!(last);
        school.admin.post("users/", &body).expect(201);
        for text in others.into_iter().chain([first, last]) {
            assert_eq!(found(&school, text), 1, "{text} for {first} {last}");
        }
    }
    // An accent is another letter, and so is another script.
    for text in ["eva", "Iван", "елка", "ΟΔΥΣΣΕΥΣ", "strasse", "иванн"] {
        assert_eq!(found(&school, text), 0, "{text}");
    }
}

#[test]
fn turkish_letters_without_a_pair_are_found_as_they_are_written() {
    let (_, school) = greenwood();
    for (n, name) in ["Işık", "İpek", "Isla"].into_iter().enumerate() {
        let mut body = person(&format!("user-{n}@people.example"));
        body["first_name"] = json!(name);
        school.admin.post("users/", &body).expect(201);
    }
    // The dotless ı is the small form of I, which is that of i as well; İ has no single small letter.
    for (text, count) in [
        ("ışık", 1),
        ("IŞIK", 0),
        ("ıs", 1),
        ("İpek", 1),
        ("ipek", 0),
        ("isla", 1),
    ] {
        assert_eq!(found(&school, text), count, "{text}");
    }
}

#[test]
fn a_search_for_more_letters_than_a_statement_has_room_for_still_finds_what_is_written_so() {
    let (_, school) = greenwood();
    let mut body = person("long@people.example");
    let name: String = ('А'..='Я')
        .chain('Ա'..='Ֆ')
        .chain('Α'..='Ρ')
        .take(80)
        .collect();
    body["first_name"] = json!(name);
    school.admin.post("users/", &body).expect(201);
    assert_eq!(found(&school, &name), 1);
    let short: String = name.chars().take(30).collect();
    assert_eq!(found(&school, &short.to_lowercase()), 1);
}

#[test]
fn each_word_of_a_search_is_found_in_a_field_of_its_own() {
    let (_, school) = greenwood();
    for (email, first, last) in [
        ("anesu@people.example", "Anesu", "Moyo"),
        ("eva@people.example", "Éva Mária", "Moyo"),
    ] {
        let mut body = person(email);
        body["first_name"] = json!(first);
        body["last_name"] = json!(last);
        school.admin.post("users/", &body).expect(201);
    }
    for (text, count) in [
        ("Anesu Moyo", 1),
        ("moyo  anesu", 1),
        ("moyo", 2),
        ("MÁRIA éva moyo", 1),
        ("anesu éva", 0),
        ("moyo people", 2),
        ("a n e s u m o y", 1),
    ] {
        assert_eq!(found(&school, text), count, "{text}");
    }
}
