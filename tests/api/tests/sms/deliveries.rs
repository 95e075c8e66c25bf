//! Callbacks that are not taken at once: when they come again, and when no more.

use homeroom_api_tests::{Fault, Moment, Post, SmsUser, TestApp};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::callbacks::{becomes, teller};
use crate::signatures::signed;

const URL: &str = "https://hooks.example.org/sms";

/// A message of which an app is to be told.
fn ended(app: &TestApp, user: &SmsUser) -> String {
    let id = user.sent("Hello");
    app.work_queue();
    becomes(app, user, &id, 1, "DELIVERED");
    id
}

fn deliveries(user: &SmsUser, query: &str) -> Vec<Value> {
    let path = format!("sms/callbacks/deliveries{query}");
    let reply = user.client.get(&path).status(200);
    reply.json["results"].as_array().unwrap().clone()
}

#[test]
fn what_is_not_taken_comes_again_in_ever_longer_pauses_and_is_dead_after_a_day() {
    let app = TestApp::new();
    let (user, secret) = teller(&app, &json!({"status_url": URL}));
    app.outside_answers(URL, Some(500));
    ended(&app, &user);
    let began = app.now().seconds();
    let mut tried: Vec<(i64, Fate)> = Vec::new();
    let mut ids: Vec<Value> = Vec::new();
    // As the queue and the sweep would, the clock moving on ten seconds at a time.
    for _ in 0..=24 * 360 + 1 {
        app.sweep().unwrap();
        for fate in app.work_callbacks() {
            for post in app.take_posts() {
                assert_eq!(post.headers["webhook-signature"], signed(&secret, &post));
                ids.push(post.json());
                tried.push((app.now().seconds() - began, fate));
            }
        }
        app.pass_seconds(10);
    }
    let soon = |seconds| Fate::Retry { seconds };
    let expected = [
        (0, soon(30)),
        (30, soon(30)),
        (60, soon(30)),
        (90, soon(60)),
        (150, soon(120)),
        (270, soon(240)),
        (510, Fate::Done),
        (990, Fate::Done),
        (1_950, Fate::Done),
        (3_870, Fate::Done),
        (7_710, Fate::Done),
        (15_390, Fate::Done),
        (30_750, Fate::Done),
        (61_470, Fate::Done),
        (86_400, Fate::Done),
    ];
    assert_eq!(tried, expected);
    ids.dedup();
    assert_eq!(ids.len(), 1, "a repetition has the same id and body");
    let user = user.signed_in_again();
    let dead = deliveries(&user, "?status=dead");
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (
            &dead[0]["attempts"],
            &dead[0]["answered"],
            &dead[0]["next_at"]
        ),
        (&json!(15), &json!(500), &json!(0))
    );
}

#[test]
fn handing_messages_over_tells_nobody_and_telling_hands_nothing_over() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    for _ in 0..2 {
        ended(&app, &user);
    }
    let _ = app.take_submissions();
    let _ = user.sent("Hello again");
    assert!(app.work_callbacks().iter().all(|fate| *fate == Fate::Done));
    assert_eq!(app.take_posts().len(), 2);
    assert_eq!(app.take_submissions().len(), 0);
    ended(&app, &user);
    assert_eq!(app.take_submissions().concat().len(), 2);
    assert_eq!(app.take_posts(), []);
}

#[test]
fn only_a_2xx_takes_a_callback() {
    for (answer, taken) in [
        (Some(200), true),
        (Some(204), true),
        (Some(299), true),
        (Some(199), false),
        (Some(301), false),
        (Some(302), false),
        (Some(404), false),
        (Some(410), false),
        (Some(503), false),
        (None, false),
    ] {
        let app = TestApp::new();
        let (user, _) = teller(&app, &json!({"status_url": URL}));
        app.outside_answers(URL, answer);
        let id = ended(&app, &user);
        let at = app.now().seconds();
        app.work_callbacks();
        let callback = app.take_posts()[0].json()["id"].clone();
        let (status, next_at) = if taken {
            ("delivered", 0)
        } else {
            ("waiting", at + 30)
        };
        assert_eq!(
            deliveries(&user, ""),
            [json!({
                "id": callback, "type": "message.status", "message_id": id, "inbound_id": "", "message_status": "DELIVERED",
                "at": 1_768_464_100, "status": status, "attempts": 1, "tried_at": at, "next_at": next_at,
                "answered": answer.unwrap_or(0),
            })],
            "{answer:?}"
        );
        app.outside_answers(URL, Some(200));
        app.pass_seconds(30);
        app.sweep().unwrap();
        app.work_callbacks();
        assert_eq!(app.take_posts().len(), usize::from(!taken), "{answer:?}");
    }
}

#[test]
fn of_two_deliverers_one_tells() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    ended(&app, &user);
    assert_eq!(app.queued_callbacks().len(), 1);
    // The first one dies between taking it and telling.
    app.inject(Some(Fault {
        nth: 2,
        moment: Moment::Before,
    }));
    assert!(matches!(app.work_callbacks()[..], [Fate::Retry { .. }]));
    app.inject(None);
    app.work_callbacks();
    assert_eq!(
        app.take_posts(),
        [],
        "it is the first one's for two minutes"
    );
    app.pass_seconds(119);
    app.sweep().unwrap();
    assert_eq!(app.queued_callbacks(), []);
    app.pass_seconds(1);
    app.sweep().unwrap();
    app.work_callbacks();
    assert_eq!(app.take_posts().len(), 1);
}

#[test]
fn what_is_lost_at_any_step_of_telling_is_made_good_and_at_worst_told_twice_with_one_id() {
    for nth in 1..=4 {
        for moment in [Moment::Before, Moment::After] {
            let app = TestApp::new();
            let (user, _) = teller(&app, &json!({"status_url": URL}));
            ended(&app, &user);
            app.inject(Some(Fault { nth, moment }));
            let _ = app.work_callbacks();
            app.inject(None);
            for _ in 0..3 {
                app.pass_seconds(60);
                app.sweep().unwrap();
                app.work_callbacks();
            }
            let mut posts: Vec<String> =
                app.take_posts().into_iter().map(|post| post.body).collect();
            assert!((1..=2).contains(&posts.len()), "{nth} {moment:?}");
            posts.dedup();
            assert_eq!(posts.len(), 1, "{nth} {moment:?}");
            assert_eq!(
                deliveries(&user, "?status=delivered").len(),
                1,
                "{nth} {moment:?}"
            );
        }
    }
}

#[test]
fn a_callback_is_delivered_again_when_its_app_asks_and_is_nobody_elses() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    let bob = app.public_sms_user("bob");
    ended(&app, &user);
    app.work_callbacks();
    let first = app.take_posts().remove(0).json();
    let retry = format!(
        "sms/callbacks/deliveries/{}/retry",
        first["id"].as_str().unwrap()
    );
    assert_eq!(bob.client.act(&retry).status(404).code(), "not_found");
    assert_eq!(deliveries(&bob, ""), [] as [Value; 0]);
    bob.client
        .act("sms/callbacks/deliveries/nonsense/retry")
        .expect(404);
    assert_eq!(app.queued_callbacks(), []);
    let reply = user.client.act(&retry).status(200);
    assert_eq!(
        (&reply.json["status"], &reply.json["attempts"]),
        (&json!("waiting"), &json!(0))
    );
    app.work_callbacks();
    assert_eq!(app.take_posts()[0].json(), first);
    // What was dead has another day.
    app.execute(
        "CONTROL",
        "update sms_callbacks set state = 'dead', attempts = 15, since = 0",
    );
    app.outside_answers(URL, None);
    user.client.act(&retry).expect(200);
    assert_eq!(app.work_callbacks(), [Fate::Retry { seconds: 30 }]);
    assert_eq!(deliveries(&user, "")[0]["status"], "waiting");
}

#[test]
fn what_was_never_tried_goes_before_what_was_and_many_go_in_several_jobs() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    app.outside_answers(URL, None);
    let old = ended(&app, &user);
    app.work_callbacks();
    let _ = app.take_posts();
    app.pass_seconds(600);
    let recipients: Vec<Value> = (0..40)
        .map(|n| json!({"destination": format!("+2637712{n:05}")}))
        .collect();
    let batch =
        json!({"esme": 100, "source": "Greenwood", "message": "x", "recipients": recipients});
    super::set(&app, &user, "rate_per_second = 1000, burst = 1000");
    let user = user.signed_in_again();
    let batch = user
        .client
        .post("sms/send-batch", &batch)
        .status(200)
        .str("batch_id");
    app.work_queue();
    app.pass_seconds(60);
    app.outside_answers(URL, Some(200));
    app.execute(
        "CONTROL",
        &format!("update sms_messages set status = 'EXPIRED' where batch_id = '{batch}'"),
    );
    app.sweep().unwrap();
    let mut posts: Vec<Post> = Vec::new();
    let mut jobs = Vec::new();
    while !app.queued_callbacks().is_empty() {
        app.work_callbacks();
        let some = app.take_posts();
        jobs.push(some.len());
        posts.extend(some);
    }
    assert_eq!(jobs, [24, 17]);
    let of_old = |post: &Post| post.json()["data"]["message_id"] == *old;
    assert!(posts.iter().position(of_old) >= Some(24), "in the last job");
    let page = user
        .client
        .get("sms/callbacks/deliveries?limit=40")
        .status(200);
    let next = page.str("next");
    let last = deliveries(&user, &format!("?limit=40&after={next}"));
    assert_eq!(last.len(), 1);
    assert_eq!(last[0]["message_id"], *old);
    for wrong in ["?status=lost", "?limit=0"] {
        let path = format!("sms/callbacks/deliveries{wrong}");
        user.client.get(&path).expect(400);
    }
}

#[test]
fn an_app_with_many_callbacks_holds_up_no_other() {
    const SLOW: &str = "https://slow.example.org/sms";
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": SLOW}));
    app.outside_hangs(SLOW);
    super::set(&app, &user, "rate_per_second = 1000, burst = 1000");
    let user = user.signed_in_again();
    for _ in 0..30 {
        let _ = user.sent("Hello");
    }
    app.work_queue();
    let other = app.public_sms_user("bob");
    let settings = json!({"status_url": URL});
    other.client.put("sms/callbacks", &settings).expect(200);
    for _ in 0..8 {
        let _ = other.sent("Hello");
    }
    app.work_queue();
    app.execute("CONTROL", "update sms_messages set status = 'EXPIRED'");
    app.sweep().unwrap();
    app.work_callbacks();
    let urls: Vec<String> = app.take_posts().into_iter().map(|post| post.url).collect();
    assert_eq!(urls.iter().filter(|url| *url == SLOW).count(), 16);
    assert_eq!(urls.iter().filter(|url| *url == URL).count(), 8);
    // They wait for no answer of the slow one, which has three of the connections meanwhile.
    let last = urls.iter().rposition(|url| url == URL).unwrap();
    assert_eq!(urls[..last].iter().filter(|url| *url == SLOW).count(), 3);
}

#[test]
fn an_app_that_is_switched_off_is_told_when_it_is_on_again_however_long_that_takes() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    ended(&app, &user);
    super::set(&app, &user, "is_active = 0");
    assert_eq!(app.work_callbacks(), [Fate::Done]);
    for _ in 0..30 {
        app.pass_seconds(3_600);
        app.sweep().unwrap();
        app.work_callbacks();
    }
    assert_eq!(app.take_posts(), []);
    super::set(&app, &user, "is_active = 1");
    app.outside_answers(URL, Some(500));
    app.pass_seconds(3_600);
    app.sweep().unwrap();
    assert_eq!(app.work_callbacks(), [Fate::Retry { seconds: 30 }]);
    assert_eq!(app.take_posts().len(), 1);
    let user = user.signed_in_again();
    assert_eq!(deliveries(&user, "?status=waiting")[0]["attempts"], 1);
}

#[test]
fn what_is_being_told_is_not_begun_anew() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    ended(&app, &user);
    // The deliverer dies between taking it and telling.
    let fault = Fault {
        nth: 2,
        moment: Moment::Before,
    };
    app.inject(Some(fault));
    app.work_callbacks();
    app.inject(None);
    let waits = deliveries(&user, "").remove(0);
    let retry = format!(
        "sms/callbacks/deliveries/{}/retry",
        waits["id"].as_str().unwrap()
    );
    let reply = user.client.act(&retry).status(200);
    assert_eq!(reply.json, waits);
    app.work_callbacks();
    assert_eq!(app.take_posts(), []);
    app.pass_seconds(120);
    app.sweep().unwrap();
    app.work_callbacks();
    assert_eq!(app.take_posts().len(), 1);
}

#[test]
fn callbacks_are_forgotten_after_thirty_days() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    ended(&app, &user);
    app.work_callbacks();
    let count = || app.rows("CONTROL", "select count(*) from sms_callbacks")[0][0].clone();
    app.pass_seconds(30 * 24 * 3_600 - 1_000);
    app.sweep().unwrap();
    assert_eq!(count(), 1);
    app.pass_seconds(2_000);
    app.sweep().unwrap();
    assert_eq!(count(), 0);
}

#[test]
fn a_wrong_address_is_put_right_for_what_waits() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    ended(&app, &user);
    app.outside_answers(URL, Some(404));
    app.work_callbacks();
    let _ = app.take_posts();
    let right = json!({"status_url": "https://hooks.example.org/right"});
    user.client.put("sms/callbacks", &right).expect(200);
    app.pass_seconds(30);
    app.work_callbacks();
    assert_eq!(app.take_posts()[0].url, "https://hooks.example.org/right");
}

#[test]
fn what_is_told_of_a_message_goes_when_the_message_does() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    ended(&app, &user);
    app.execute("CONTROL", "delete from sms_messages");
    assert_eq!(
        app.count("CONTROL", "select count(*) from sms_callbacks"),
        0
    );
}
