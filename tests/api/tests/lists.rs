//! What every list promises: pages, order, filters, and a 4xx for what it does not have.

use homeroom_api_tests::{
    Client, TestApp,
    document::{Operation, operations},
    error_of, new_school,
    samples::{Scene, user_body},
};
use serde_json::{Value, json};

/// Every list that has pages, with somebody who may see it; more than one row in each.
fn lists(scene: &Scene) -> Vec<(Operation, Client)> {
    let all = operations();
    for operation in all
        .iter()
        .filter(|operation| operation.id.starts_with("create_"))
    {
        for _ in 0..3 {
            scene.prepare(operation).send().expect(201);
        }
    }
    let paged = all.into_iter().filter(|operation| {
        operation.id.starts_with("list_") && operation.id != "list_permissions"
    });
    paged
        .map(|mut operation| {
            let sample = scene.prepare(&operation);
            operation.path = sample.path;
            (operation, sample.client)
        })
        .collect()
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let scene = Scene::new();
    let lists = lists(&scene);
    assert!(lists.len() >= 9, "{} lists", lists.len());
    for (operation, client) in &lists {
        let name = operation.name();
        let whole = client
            .get(&format!("{}?page_size=100", operation.path))
            .status(200);
        let (mut whole_ids, mut next) = (whole.column("id"), whole.json["next"].clone());
        while let Some(address) = next.as_str() {
            let path = address
                .split_once(client_host(&whole.json, address))
                .unwrap()
                .1;
            let more = client.get(path).status(200);
            whole_ids.extend(more.column("id"));
            next = more.json["next"].clone();
        }
        let (mut ids, mut address) = (Vec::new(), format!("{}?page_size=2", operation.path));
        for page in 1.. {
            let reply = client.get(&address).status(200);
            assert_eq!(reply.json["count"], whole.json["count"], "{name}");
            assert_eq!(reply.json["previous"].is_null(), page == 1, "{name}");
            ids.extend(reply.column("id"));
            match reply.json["next"].as_str() {
                None => break,
                Some(next) => {
                    let path = next.split_once(client_host(&reply.json, next)).unwrap().1;
                    path.clone_into(&mut address);
                }
            }
        }
        assert_eq!(ids, whole_ids, "{name}");
    }
}

/// The host in a link.
fn client_host<'a>(_: &Value, link: &'a str) -> &'a str {
    link.trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap()
}

#[test]
fn links_keep_the_host_and_the_question() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for n in 0..5 {
        school.admin.post("users/", &user_body(n)).expect(201);
    }
    let reply = school
        .admin
        .get("users/?search=Moyo&page=2&page_size=2&ordering=-last_name&is_active=true")
        .status(200);
    let rest = "search=Moyo&page_size=2&ordering=-last_name&is_active=true";
    let base = "https://greenwood.homeroom.example/api/v1/school/users/";
    assert_eq!(reply.str("next"), format!("{base}?{rest}&page=3"));
    assert_eq!(reply.str("previous"), format!("{base}?{rest}&page=1"));
}

#[test]
fn wrong_pages_sizes_orderings_and_filters_are_400_on_their_names() {
    let scene = Scene::new();
    for (operation, client) in lists(&scene) {
        let wrong = |query: &str| client.get(&format!("{}?{query}", operation.path)).fields();
        let name = operation.name();
        for page in ["0", "-1", "x", "1.5", "", "1e3", "%00", "0x1"] {
            assert_eq!(wrong(&format!("page={page}")), ["page"], "{name}: {page}");
        }
        for size in ["0", "-1", "many", "", "1.5"] {
            assert_eq!(
                wrong(&format!("page_size={size}")),
                ["page_size"],
                "{name}: {size}"
            );
        }
        for ordering in [
            "password_hash",
            "id",
            "name;drop%20table%20users",
            "-",
            ",",
            "created_at,,",
            "--created_at",
            "1",
        ] {
            assert_eq!(
                wrong(&format!("ordering={ordering}")),
                ["ordering"],
                "{name}: {ordering}"
            );
        }
        assert_eq!(wrong("colour=red"), ["colour"], "{name}");
        assert_eq!(
            wrong("password_hash=x&page=0&ordering=x"),
            ["ordering", "page", "password_hash"],
            "{name}"
        );
        if operation.query.contains(&"search".to_owned()) {
            assert_eq!(
                wrong(&format!("search={}", "x".repeat(101))),
                ["search"],
                "{name}"
            );
            assert_eq!(wrong("search=%00"), ["search"], "{name}");
            // The most that a search can ask of a statement: its letters are counted as parameters.
            let letters = ('А'..='я').chain('Ա'..='Ֆ').take(100);
            let letters: String = letters
                .flat_map(|letter| letter.to_string().into_bytes())
                .map(|byte| format!("%{byte:02X}"))
                .collect();
            let found = client.get(&format!("{}?search={letters}", operation.path));
            assert_eq!(found.status, 200, "{name}: {} {}", found.text, found.log);
        } else {
            assert_eq!(wrong("search=x"), ["search"], "{name}");
        }
    }
}

#[test]
fn a_page_beyond_the_end_is_404() {
    let scene = Scene::new();
    for (operation, client) in lists(&scene) {
        for page in [
            "9999",
            "1000000",
            "4294967295",
            "4294967296",
            "99999999999999999999",
        ] {
            let reply = client.get(&format!("{}?page={page}", operation.path));
            assert_eq!(
                error_of(&reply),
                (404, "invalid_page".into()),
                "{}: {page} {}",
                operation.name(),
                reply.text
            );
            assert_eq!(reply.json["detail"], "Invalid page.");
        }
        let count = client.get(&operation.path).status(200).json["count"]
            .as_u64()
            .unwrap();
        let beyond = format!(
            "{}?page={}&page_size=100",
            operation.path,
            count.max(1).div_ceil(100) + 1
        );
        assert_eq!(client.get(&beyond).status, 404, "{}", operation.name());
    }
}

#[test]
fn the_first_page_of_an_empty_list_is_empty_and_not_404() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let reply = school.admin.get("staff/?page=1").status(200);
    assert_eq!(
        reply.json,
        json!({"count": 0, "next": null, "previous": null, "results": []})
    );
}

#[test]
fn a_page_size_over_the_cap_is_capped() {
    let app = TestApp::with_slots(2);
    let school = app.school("greenwood");
    for n in 0..110 {
        school
            .admin
            .post("staff/", &json!({"staff_number": format!("T-{n:03}")}))
            .expect(201);
    }
    for size in [
        "101",
        "1000",
        "4294967295",
        "4294967296",
        "99999999999999999999",
    ] {
        let reply = school
            .admin
            .get(&format!("staff/?page_size={size}"))
            .status(200);
        assert_eq!(
            (reply.results().len(), &reply.json["count"]),
            (100, &json!(110)),
            "{size}"
        );
    }
    assert_eq!(school.admin.get("staff/").status(200).results().len(), 25);
    let last = school.admin.get("staff/?page=5").status(200);
    assert_eq!(
        (last.results().len(), &last.json["next"]),
        (10, &json!(null))
    );
    let reply = school
        .admin
        .get("staff/?ordering=-staff_number&page_size=1")
        .status(200);
    assert_eq!(reply.column("staff_number"), ["T-109"]);
}

#[test]
fn every_documented_filter_works_on_every_list() {
    let scene = Scene::new();
    for (operation, client) in lists(&scene) {
        let rows = client
            .get(&format!("{}?page_size=100", operation.path))
            .status(200);
        for filter in operation
            .query
            .iter()
            .filter(|name| !["page", "page_size", "ordering", "search"].contains(&name.as_str()))
        {
            let found = rows
                .results()
                .iter()
                .find_map(|row| filter_value(row, filter));
            let Some((value, field)) = found else {
                continue;
            };
            let reply = client
                .get(&format!(
                    "{}?{filter}={value}&page_size=100",
                    operation.path
                ))
                .status(200);
            assert!(
                !reply.results().is_empty(),
                "{}: {filter}={value} finds nothing",
                operation.name()
            );
            for row in reply.results() {
                if let Some(field) = &field {
                    let shown = row[field]
                        .as_str()
                        .map_or_else(|| row[field].to_string(), str::to_owned);
                    assert_eq!(
                        shown.replace('+', "%2B").replace(' ', "%20"),
                        value,
                        "{}: {filter}",
                        operation.name()
                    );
                }
            }
        }
    }
}

/// A filter's value that finds the row, and the field that shows it.
fn filter_value(row: &Value, filter: &str) -> Option<(String, Option<String>)> {
    match (filter, &row[filter]) {
        ("role", Value::Null) => Some((row["roles"].get(0)?["id"].as_str()?.to_owned(), None)),
        ("is_revoked", _) => Some(("false".to_owned(), None)),
        (_, Value::String(text)) => {
            let value = text.replace('+', "%2B").replace(' ', "%20");
            Some((value, Some(filter.to_owned())))
        }
        (_, Value::Number(number)) => Some((number.to_string(), Some(filter.to_owned()))),
        (_, Value::Bool(truth)) => Some((truth.to_string(), Some(filter.to_owned()))),
        _ => None,
    }
}

#[test]
fn filters_with_values_of_another_kind_are_400() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for (path, query, field) in [
        ("users/", "is_active=perhaps", "is_active"),
        ("users/", "role=7", "role"),
        ("users/", "role=", "role"),
        ("staff/", "user=null", "user"),
        ("roles/", "parent_role=x", "parent_role"),
        ("user-role-assignments/", "user=%00", "user"),
    ] {
        assert_eq!(
            school.admin.get(&format!("{path}?{query}")).fields(),
            [field],
            "{query}"
        );
    }
    let long = format!("users/?email={}", "x".repeat(256));
    assert_eq!(school.admin.get(&long).fields(), ["email"]);
}

#[test]
fn a_question_that_is_asked_a_hundred_times_over_is_no_500() {
    let scene = Scene::new();
    for (operation, client) in lists(&scene) {
        for name in operation
            .query
            .iter()
            .filter(|name| name.as_str() != "page")
        {
            let value = match name.as_str() {
                "ordering" => "created_at",
                "page_size" => "5",
                "is_active" | "is_revoked" => "true",
                "role" | "user" | "client" | "parent_role" => {
                    "01890000-0000-7000-8000-000000000000"
                }
                _ => "x",
            };
            let query = vec![format!("{name}={value}"); 200].join("&");
            let reply = client.get(&format!("{}?{query}", operation.path));
            assert!(
                reply.status < 500,
                "{}: {name} × 200: {} {}",
                operation.name(),
                reply.status,
                reply.log
            );
        }
        let ordering = vec!["created_at"; 200].join(",");
        let reply = client.get(&format!("{}?ordering={ordering}", operation.path));
        assert!(reply.status < 500, "{}: {}", operation.name(), reply.log);
    }
}

#[test]
fn odd_query_strings_are_read_or_refused() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for (query, status) in [
        ("", 200),
        ("&&&", 200),
        ("search=", 200),
        ("search=%F0%9F%98%80", 200),
        ("search=%FF%FE", 200),
        ("search=%27%20or%201=1--", 200),
        ("ordering=", 200),
        ("=x", 400),
        ("page", 400),
        ("%70age=1", 200),
        ("page=1%20", 400),
        ("search=a+b", 200),
    ] {
        assert_eq!(
            school.admin.get(&format!("users/?{query}")).status,
            status,
            "{query}"
        );
    }
}

#[test]
fn the_order_is_stable_where_the_ordering_leaves_it_open() {
    let app = TestApp::new();
    for n in 0..9 {
        app.platform()
            .post("schools/", &new_school(&format!("school-{n}")))
            .expect(201);
    }
    let whole = app
        .platform()
        .get("schools/?ordering=setup_progress&page_size=100")
        .status(200)
        .column("id");
    let mut paged = Vec::new();
    for page in 1..=3 {
        paged.extend(
            app.platform()
                .get(&format!(
                    "schools/?ordering=setup_progress&page_size=3&page={page}"
                ))
                .status(200)
                .column("id"),
        );
    }
    assert_eq!(paged, whole);
    let mut reversed = app
        .platform()
        .get("schools/?ordering=-setup_progress&page_size=100")
        .status(200)
        .column("id");
    reversed.reverse();
    assert_eq!(reversed, whole);
}
