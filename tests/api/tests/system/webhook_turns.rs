//! Whose turn it is to be told by a webhook, and what is told no more.

use homeroom_api_tests::{Post, error_of};
use serde_json::json;

use super::webhooks::{Hooks, URL};

#[test]
fn a_webhook_that_hangs_with_much_to_hear_holds_up_no_other() {
    let hooks = Hooks::new();
    let slow = "https://slow.example.org/";
    hooks.app.outside_hangs(slow);
    hooks.webhook(&json!({"url": slow}));
    hooks.webhook(&json!({}));
    for _ in 0..60 {
        hooks.published();
    }
    let posts = hooks.told();
    let of_slow: Vec<bool> = posts.iter().map(|post| post.url == slow).collect();
    let last = of_slow.iter().rposition(|slow| !slow).unwrap();
    let before = of_slow[..last].iter().filter(|slow| **slow).count();
    assert_eq!(before, 3, "the other waits for no answer of it");
    let others = of_slow.iter().filter(|slow| !**slow).count();
    assert_eq!(others, 60, "and hears everything in one visit");
}

#[test]
fn a_webhook_that_hangs_alone_has_all_connections_and_all_of_a_round() {
    let hooks = Hooks::new();
    hooks.app.outside_hangs(URL);
    hooks.webhook(&json!({}));
    for _ in 0..24 {
        hooks.published();
    }
    let began = hooks.app.now();
    assert_eq!(hooks.told().len(), 24);
    assert_eq!(hooks.app.now().seconds() - began.seconds(), 40);
}

#[test]
fn what_is_asked_for_is_told_alone() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    hooks.told();
    hooks.published();
    hooks.published();
    let test = hooks.platform().act(&format!("{path}test/"));
    let posts = hooks.app.take_posts();
    let ids: Vec<&String> = posts
        .iter()
        .map(|post| &post.headers["webhook-id"])
        .collect();
    assert_eq!(ids, [&test.status(200).id()]);
    let told = hooks.deliveries(&path, "?state=delivered&event=results.published");
    let id = told[0]["id"].as_str().unwrap();
    let retry = format!("{path}deliveries/{id}/retry/");
    hooks.platform().act(&retry).expect(200);
    let posts = hooks.app.take_posts();
    let ids: Vec<&str> = posts
        .iter()
        .map(|post| &*post.headers["webhook-id"])
        .collect();
    assert_eq!(ids, [id]);
    // The others have their turn.
    assert_eq!(hooks.told().len(), 2);
}

#[test]
fn what_waits_is_forgotten_once_the_webhook_is_told_of_another_school_or_other_events() {
    let hooks = Hooks::new();
    let riverside = hooks.app.school("riverside");
    let (path, _) = hooks.webhook(&json!({}));
    let platform = hooks.platform();
    let both = || {
        hooks.published();
        hooks.happens(&riverside, "promotion.undone", &json!({}));
    };
    let told = |posts: &[Post]| -> Vec<String> {
        let types = posts.iter().map(|post| post.json()["type"].clone());
        types
            .map(|event| event.as_str().unwrap().to_owned())
            .collect()
    };
    both();
    let _ = hooks.app.take_posts();
    // A ping waits as well: its server did not answer.
    hooks.app.outside_answers(URL, None);
    platform.act(&format!("{path}test/")).expect(200);
    hooks.app.outside_answers(URL, Some(204));
    let _ = hooks.app.take_posts();
    let other = json!({"client": riverside.id});
    platform.patch(&path, &other).expect(200);
    hooks.app.pass_seconds(60);
    let mut heard = told(&hooks.told());
    heard.sort();
    assert_eq!(heard, ["ping", "promotion.undone"]);
    let platform = hooks.platform();
    let all = json!({"client": null});
    platform.patch(&path, &all).expect(200);
    both();
    let results = json!({"events": ["results.published"]});
    platform.patch(&path, &results).expect(200);
    assert_eq!(told(&hooks.told()), ["results.published"]);
}

#[test]
fn what_a_webhook_would_not_be_told_is_not_told_again() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    hooks.told();
    let delivery = hooks.deliveries(&path, "").remove(0);
    let retry = format!(
        "{path}deliveries/{}/retry/",
        delivery["id"].as_str().unwrap()
    );
    let other = hooks.app.school("riverside").id;
    for (change, back) in [
        (json!({"is_active": false}), json!({"is_active": true})),
        (json!({"client": other}), json!({"client": null})),
        (
            json!({"events": ["promotion.undone"]}),
            json!({"events": ["results.published"]}),
        ),
    ] {
        let platform = hooks.platform();
        platform.patch(&path, &change).expect(200);
        let refused = platform.act(&retry);
        assert_eq!(
            error_of(&refused),
            (409, "not_subscribed".into()),
            "{change}"
        );
        assert_eq!(hooks.app.take_posts(), []);
        platform.patch(&path, &back).expect(200);
        platform.act(&retry).expect(200);
        assert_eq!(hooks.app.take_posts().len(), 1);
    }
}

#[test]
fn what_is_held_back_was_not_answered_and_not_tried() {
    let hooks = Hooks::new();
    let (path, _) = hooks.webhook(&json!({}));
    hooks.published();
    let off = json!({"is_active": false});
    hooks.platform().patch(&path, &off).expect(200);
    assert!(hooks.told().is_empty());
    let row = hooks.deliveries(&path, "").remove(0);
    for field in ["answered", "tried_at"] {
        assert_eq!(row[field], json!(null), "{field}");
    }
    assert_eq!(
        (&row["state"], &row["attempts"]),
        (&json!("waiting"), &json!(0))
    );
    // Nobody is telling it: it can be begun anew.
    let platform = hooks.platform();
    platform
        .patch(&path, &json!({"is_active": true}))
        .expect(200);
    let retry = format!("{path}deliveries/{}/retry/", row["id"].as_str().unwrap());
    platform.act(&retry).expect(200);
    assert_eq!(hooks.app.take_posts().len(), 1);
}
