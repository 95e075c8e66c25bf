//! How often a PIN may be wrong.

use homeroom_api_tests::{
    Reply, error_of,
    samples::{Family, Scene},
};

use super::{bot, by_number, results, wrong};

#[test]
fn the_sixth_wrong_pin_of_a_student_or_a_phone_number_waits_and_the_right_one_too() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    // A right PIN counts nothing.
    for _ in 0..10 {
        by_number(&bot, &family, &family.pin).expect(200);
    }
    let other = scene.family(2);
    let by_phone =
        |family: &Family, pin: &str| results(&bot, &format!("phone={}&pin={pin}", family.phone));
    for (n, ask) in [
        &by_phone as &dyn Fn(&Family, &str) -> Reply,
        &|family, pin| by_number(&bot, family, pin),
    ]
    .into_iter()
    .enumerate()
    {
        for _ in 0..5 {
            assert_eq!(
                error_of(&ask(&family, &wrong(&family))),
                (403, "wrong_pin".into())
            );
        }
        let refused = ask(&family, &family.pin);
        assert_eq!(error_of(&refused), (429, "too_many_attempts".into()), "{n}");
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait}");
        // By whichever way: the student is the same. Others are not concerned.
        assert_eq!(by_number(&bot, &family, &family.pin).status, 429);
        ask(&other, &other.pin).expect(200);
        scene.app.pass_seconds(wait);
        ask(&family, &family.pin).expect(200);
        scene.app.pass_seconds(900);
    }
}

#[test]
fn who_tries_one_pin_on_everybody_waits_after_fifty() {
    let scene = Scene::new();
    let family = scene.family(1);
    let (one, another) = (
        bot(&scene, &["chatbot.view_result"]),
        bot(&scene, &["chatbot.view_result"]),
    );
    for n in 0..50 {
        let query = format!("student_id=N-{n}&pin=000000");
        assert_eq!(error_of(&results(&one, &query)), (403, "wrong_pin".into()));
    }
    assert_eq!(by_number(&one, &family, &family.pin).status, 429);
    by_number(&another, &family, &family.pin).expect(200);
}

#[test]
fn parallel_tries_do_not_outrun_the_count() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let path = format!(
        "results/?student_id={}&pin={}",
        family.number,
        wrong(&family)
    );
    let request = || bot.request(&http::Method::GET, &path, None);
    let replies = scene.app.run_together((0..20).map(|_| request()).collect());
    let wrong = replies.iter().filter(|reply| reply.status == 403).count();
    assert_eq!(wrong, 5);
}

#[test]
fn without_the_limiter_no_pin_is_compared() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    scene.app.break_login_guard(true);
    let reply = by_number(&bot, &family, &family.pin);
    assert_eq!(error_of(&reply), (503, "unavailable".into()));
    scene.app.break_login_guard(false);
    by_number(&bot, &family, &family.pin).expect(200);
}

#[test]
fn right_pins_that_come_at_once_do_not_count_as_wrong_ones_of_their_caller() {
    let scene = Scene::new();
    let families: Vec<Family> = (1..=6).map(|n| scene.family(n)).collect();
    let bot = bot(&scene, &["chatbot.view_result"]);
    for n in 0..48 {
        let query = format!("student_id=N-{n}&pin=000000");
        assert_eq!(error_of(&results(&bot, &query)), (403, "wrong_pin".into()));
    }
    let request = |family: &Family| {
        let path = format!("results/?student_id={}&pin={}", family.number, family.pin);
        bot.request(&http::Method::GET, &path, None)
    };
    let replies = scene
        .app
        .run_together(families.iter().map(request).collect());
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200; 6]);
}

#[test]
fn who_tries_pins_from_one_phone_number_stops_nobody_else() {
    let scene = Scene::new();
    let (family, other) = (scene.family(1), scene.family(2));
    let bot = bot(&scene, &["chatbot.view_result"]);
    let from_other = |number: &str| {
        let query = format!("phone={}&student_id={number}&pin=000000", other.phone);
        results(&bot, &query)
    };
    for n in 0..5 {
        let tried = from_other(&family.number);
        assert_eq!(error_of(&tried), (403, "wrong_pin".into()), "{n}");
    }
    for n in 0..60 {
        assert_eq!(from_other(&format!("N-{n}")).status, 429, "{n}");
    }
    assert_eq!(from_other(&family.number).status, 429);
    let asked = format!("student_id={}&pin={}", family.number, family.pin);
    results(&bot, &asked).expect(200);
    results(&bot, &format!("phone={}&{asked}", family.phone)).expect(200);
}

#[test]
fn wrong_pins_of_a_student_from_the_own_phone_number_count_for_both() {
    let scene = Scene::new();
    let family = scene.family(1);
    let bot = bot(&scene, &["chatbot.view_result"]);
    let both = format!("phone={}&student_id={}", family.phone, family.number);
    for _ in 0..5 {
        let tried = results(&bot, &format!("{both}&pin={}", wrong(&family)));
        assert_eq!(error_of(&tried), (403, "wrong_pin".into()));
    }
    for way in [
        both,
        format!("phone={}", family.phone),
        format!("student_id={}", family.number),
    ] {
        let refused = results(&bot, &format!("{way}&pin={}", family.pin));
        assert_eq!(
            error_of(&refused),
            (429, "too_many_attempts".into()),
            "{way}"
        );
    }
}
