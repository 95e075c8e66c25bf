//! `/api/v1/system/webhooks/`: what is told to whom, signed, until it is taken.

use homeroom_api_tests::{Client, Post, Reply, School, TestApp, error_of};
use serde_json::{Value, json};

use crate::signatures::signed;

pub(super) const URL: &str = "https://hooks.example.org/homeroom";

pub(super) struct Hooks {
    pub(super) app: TestApp,
    pub(super) school: School,
}

impl Hooks {
    pub(super) fn new() -> Self {
        let app = TestApp::new();
        Self {
            school: app.school("greenwood"),
            app,
        }
    }

    /// The platform's administrator, signed in anew: time passes in these tests.
    pub(super) fn platform(&self) -> Client {
        self.app.forget_platform_token();
        self.app.platform()
    }

    fn create(&self, more: &Value) -> Reply {
        let mut body = json!({"url": URL, "events": ["results.published", "promotion.undone"]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.platform().post("webhooks/", &body)
    }

    /// The path of a new webhook, and its secret.
    pub(super) fn webhook(&self, more: &Value) -> (String, String) {
        let created = self.create(more).status(201);
        (format!("webhooks/{}/", created.id()), created.str("secret"))
    }

    /// Something happens in a school, as its outbox has it.
    pub(super) fn happens(&self, school: &School, event: &str, data: &Value) {
        let payload = json!({"event": event, "data": data});
        self.app.pass_millis(1);
        let now = self.app.now().millis();
        let sql = format!(
            "insert into outbox (kind, payload, created_at) values ('event', '{payload}', {now})"
        );
        self.app.execute(&school.slot, &sql);
        self.app.visit_schools();
    }

    pub(super) fn published(&self) {
        self.happens(&self.school, "results.published", &json!({"version": 1}));
    }

    /// What is told now.
    pub(super) fn told(&self) -> Vec<Post> {
        self.app.tell_webhooks().unwrap();
        self.app.take_posts()
    }

    pub(super) fn deliveries(&self, path: &str, query: &str) -> Vec<Value> {
        let list = self.platform().get(&format!("{path}deliveries/{query}"));
        list.status(200).results().clone()
    }
}

#[test]
fn a_webhook_is_told_of_an_event_with_ids_and_figures_and_a_signature() {
    let hooks = Hooks::new();
    let (path, secret) = hooks.webhook(&json!({"description": "Parents"}));
    hooks.published();
    let at = hooks.app.now().to_rfc3339();
    let posts = hooks.told();
    assert_eq!(posts.len(), 1);
    let post = &posts[0];
    assert_eq!(post.url, URL);
    assert_eq!(post.headers["content-type"], "application/json");
    assert_eq!(
        post.json(),
        json!({
            "type": "results.published", "id": post.headers["webhook-id"], "at": at,
            "school": {"id": hooks.school.id, "schema_name": "greenwood"}, "data": {"version": 1},
        })
    );
    let now = hooks.app.now().seconds().to_string();
    assert_eq!(post.headers["webhook-timestamp"], now);
    assert_eq!(post.headers["webhook-signature"], signed(&secret, post));
    let delivery = hooks.deliveries(&path, "").remove(0);
    assert_eq!(delivery["id"], post.headers["webhook-id"]);
    assert_eq!(
        (
            &delivery["state"],
            &delivery["attempts"],
            &delivery["answered"],
            &delivery["schema_name"],
            &delivery["data"]
        ),
        (
            &json!("delivered"),
            &json!(1),
            &json!(204),
            &json!("greenwood"),
            &json!({"version": 1})
        )
    );
    assert!(hooks.told().is_empty(), "once");
    let shown = hooks.platform().get(&path).status(200);
    assert!(shown.json.get("secret").is_none(), "{}", shown.text);
    let stored = hooks.app.value("CONTROL", "select secret from webhooks");
    assert!(!stored.to_string().contains("whsec_"), "{stored}");
}

#[test]
fn a_webhook_hears_of_its_events_and_its_school_alone_and_only_while_it_is_active() {
    let hooks = Hooks::new();
    let other = hooks.app.school("riverside");
    let (every, _) = hooks.webhook(&json!({}));
    let (own, _) = hooks.webhook(&json!({"client": hooks.school.id}));
    let (off, _) = hooks.webhook(&json!({"is_active": false}));
    hooks.happens(&other, "results.published", &json!({}));
    hooks.happens(&hooks.school, "promotion.undone", &json!({}));
    hooks.happens(&hooks.school, "attendance.recorded", &json!({}));
    let heard = |path: &str| {
        let told = hooks.deliveries(path, "?ordering=at");
        let line = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            format!("{} {}", text("schema_name"), text("event"))
        };
        told.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        heard(&every),
        ["riverside results.published", "greenwood promotion.undone"]
    );
    assert_eq!(heard(&own), ["greenwood promotion.undone"]);
    assert!(heard(&off).is_empty());
    for (query, count) in [
        ("?schema_name=greenwood", 1),
        ("?event=results.published", 1),
        ("?state=waiting", 2),
        ("?state=dead", 0),
        ("?state=waiting&schema_name=riverside", 1),
    ] {
        assert_eq!(hooks.deliveries(&every, query).len(), count, "{query}");
    }
}

#[test]
fn an_effect_that_is_carried_out_twice_is_told_once() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    let last = hooks.app.value(
        &hooks.school.slot,
        "select seq from sqlite_sequence where name = 'outbox'",
    );
    let again = format!(
        "insert into outbox (seq, kind, payload, created_at) values ({last}, 'event', \
         '{{\"event\":\"results.published\",\"data\":{{}}}}', 1)"
    );
    hooks.app.execute(&hooks.school.slot, &again);
    hooks.app.visit_schools();
    let waiting = hooks
        .app
        .count(&hooks.school.slot, "select count(*) from outbox");
    assert_eq!(waiting, 0);
    assert_eq!(hooks.deliveries(&path, "").len(), 1);
    assert_eq!(hooks.told().len(), 1);
    hooks.published();
    assert_eq!(hooks.told().len(), 1, "the next one is another");
}

#[test]
fn what_is_not_taken_comes_again_with_the_same_id_until_its_day_is_over() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.app.outside_answers(URL, Some(500));
    hooks.published();
    let first = hooks.told().remove(0);
    let mut pauses = Vec::new();
    while hooks.deliveries(&path, "?state=waiting").len() == 1 {
        let mut pause = 0;
        let again = loop {
            hooks.app.pass_seconds(30);
            pause += 30;
            if let Some(post) = hooks.told().pop() {
                break post;
            }
        };
        assert_eq!((again.url, &again.body), (URL.to_owned(), &first.body));
        assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
        pauses.push(pause);
    }
    assert_eq!(pauses[..6], [30, 30, 30, 60, 120, 240]);
    assert!(
        (86_400..86_500).contains(&pauses.iter().sum::<i32>()),
        "{pauses:?}"
    );
    let dead = hooks.deliveries(&path, "?state=dead").remove(0);
    assert_eq!(
        (&dead["answered"], &dead["next_at"]),
        (&json!(500), &json!(null))
    );
    // Somebody sees to it.
    hooks.app.outside_answers(URL, Some(200));
    let retry = format!("{path}deliveries/{}/retry/", dead["id"].as_str().unwrap());
    let reply = hooks.platform().act(&retry).status(200);
    assert_eq!(
        (reply.str("state"), &reply.json["attempts"]),
        ("waiting".into(), &json!(0))
    );
    let posts = hooks.app.take_posts();
    assert_eq!(posts.len(), 1, "right after the answer");
    assert_eq!(posts[0].body, first.body);
    assert_eq!(hooks.deliveries(&path, "?state=delivered").len(), 1);
    let other = hooks.webhook(&json!({})).0;
    let foreign = retry.replace(&path, &other);
    assert_eq!(
        error_of(&hooks.platform().act(&foreign)),
        (404, "not_found".into())
    );
}

#[test]
fn no_answer_and_redirections_are_failures() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    for (answer, noted) in [(Some(302), 302), (None, 0)] {
        hooks.app.outside_answers(URL, answer);
        hooks.published();
        assert_eq!(hooks.told().len(), 1);
        let row = hooks.deliveries(&path, "").remove(0);
        assert_eq!(
            (&row["state"], &row["answered"]),
            (&json!("waiting"), &json!(noted))
        );
        hooks
            .app
            .execute("CONTROL", "delete from webhook_deliveries");
    }
}

#[test]
fn a_ping_says_at_once_whether_a_webhook_works_also_before_it_is_active() {
    let hooks = Hooks::new();
    let (path, secret) = hooks.webhook(&json!({"is_active": false}));
    let reply = hooks.platform().act(&format!("{path}test/")).status(200);
    assert_eq!(reply.str("event"), "ping");
    let posts = hooks.app.take_posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(
        posts[0].headers["webhook-signature"],
        signed(&secret, &posts[0])
    );
    assert_eq!(posts[0].json()["type"], "ping");
    assert_eq!(posts[0].json()["school"], json!(null));
    assert_eq!(posts[0].json()["id"], reply.id());
    let row = hooks.deliveries(&path, "?event=ping").remove(0);
    assert_eq!(
        (&row["state"], &row["id"]),
        (&json!("delivered"), &json!(reply.id()))
    );
}

#[test]
fn what_waits_for_a_webhook_that_is_switched_off_is_held_and_its_day_begins_when_it_is_on_again() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    let switch = |is_active: bool| {
        let body = json!({"is_active": is_active});
        hooks.platform().patch(&path, &body).expect(200);
    };
    switch(false);
    for _ in 0..50 {
        assert!(hooks.told().is_empty());
        hooks.app.pass_seconds(3_600);
    }
    switch(true);
    assert_eq!(hooks.told().len(), 1);
    let row = hooks.deliveries(&path, "").remove(0);
    assert_eq!(
        (&row["state"], &row["attempts"]),
        (&json!("delivered"), &json!(1))
    );
}

#[test]
fn after_a_new_secret_both_sign_for_a_day() {
    let hooks = Hooks::new();
    let (path, first) = hooks.webhook(&json!({}));
    hooks.app.pass_seconds(60);
    let renew = || {
        let reply = hooks.platform().act(&format!("{path}secret/"));
        reply.status(200).str("secret")
    };
    let lost = renew();
    // The answer got lost: receivers still know the one before.
    let second = renew();
    hooks.published();
    let post = hooks.told().remove(0);
    let both = [signed(&second, &post), signed(&first, &post)].join(" ");
    assert_eq!(post.headers["webhook-signature"], both);
    assert!(!both.contains(&signed(&lost, &post)));
    hooks.app.pass_seconds(24 * 3_600);
    hooks.published();
    let post = hooks.told().remove(0);
    assert_eq!(post.headers["webhook-signature"], signed(&second, &post));
    let audit = hooks.app.rows(
        "CONTROL",
        "select action, changes from audit_logs where table_name = 'webhooks' order by timestamp, id",
    );
    let actions: Vec<_> = audit.iter().map(|row| row[0].clone()).collect();
    assert_eq!(actions, ["CREATE", "UPDATE", "UPDATE"]);
    assert!(!format!("{audit:?}").contains("whsec_"), "{audit:?}");
}

#[test]
fn what_a_webhook_cannot_be_is_refused_field_by_field() {
    let hooks = Hooks::new();
    for url in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://localhost/",
        "https://printer.local/",
        "https://ada:secret@hooks.example.org/",
        "hooks.example.org",
        "",
    ] {
        assert_eq!(
            hooks.create(&json!({"url": url})).fields(),
            ["url"],
            "{url}"
        );
    }
    for events in [
        json!([]),
        json!(["results.*"]),
        json!(["ping"]),
        json!([1]),
        json!(null),
    ] {
        let reply = hooks.create(&json!({"events": events}));
        assert_eq!(reply.fields(), ["events"], "{events}");
    }
    let nobody = json!({"client": "01890000-0000-7000-8000-00000000dead"});
    assert_eq!(hooks.create(&nobody).fields(), ["client"]);
    let (path, _) = hooks.webhook(&json!({"events": ["promotion.undone", "promotion.undone"]}));
    let platform = hooks.platform();
    assert_eq!(
        platform.get(&path).status(200).json["events"],
        json!(["promotion.undone"])
    );
    for (wrong, field) in [
        (json!({"url": "https://10.0.0.1/"}), "url"),
        (json!({"events": []}), "events"),
        (nobody, "client"),
    ] {
        assert_eq!(platform.patch(&path, &wrong).fields(), [field]);
    }
}

#[test]
fn what_waits_goes_where_the_webhook_is_by_then_and_nowhere_once_it_is_deleted() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    let moved = "https://other.example.org/";
    let platform = hooks.platform();
    platform.patch(&path, &json!({"url": moved})).expect(200);
    assert_eq!(hooks.told()[0].url, moved);
    hooks.published();
    platform.delete(&path).expect(204);
    assert!(hooks.told().is_empty());
    let left = hooks
        .app
        .count("CONTROL", "select count(*) from webhook_deliveries");
    assert_eq!(left, 0);
    assert_eq!(platform.get(&path).status, 404);
}

#[test]
fn deliveries_are_kept_for_thirty_days() {
    let hooks = Hooks::new();
    hooks.webhook(&json!({}));
    hooks.published();
    hooks.told();
    let count = || {
        hooks
            .app
            .count("CONTROL", "select count(*) from webhook_deliveries")
    };
    hooks.app.pass_seconds(30 * 24 * 3_600 - 60);
    hooks.told();
    assert_eq!(count(), 1);
    hooks.app.pass_seconds(120);
    hooks.told();
    assert_eq!(count(), 0);
}

#[test]
fn two_deliverers_at_once_tell_each_event_once() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    // One took it and was cut off before it noted anything.
    hooks.app.execute(
        "CONTROL",
        &format!(
            "update webhook_deliveries set attempts = 1, since = {0}, tried_at = {0}, due_at = {0} + 60000",
            hooks.app.now().millis()
        ),
    );
    assert!(hooks.told().is_empty(), "it is somebody's");
    let retry = hooks.deliveries(&path, "").remove(0)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    hooks
        .platform()
        .act(&format!("{path}deliveries/{retry}/retry/"))
        .expect(200);
    assert!(
        hooks.app.take_posts().is_empty(),
        "what is being told goes on"
    );
    hooks.app.pass_seconds(61);
    assert_eq!(hooks.told().len(), 1);
}
