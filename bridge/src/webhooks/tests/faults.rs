//! What goes wrong between the bridge and the platform.

use homeroom_kernel::Timestamp;

use super::*;

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::with(&[]);
    let target = elsewhere.listen().await;
    let redirect: &'static str = Box::leak(
        format!("307 Temporary Redirect\r\nlocation: {target}/api/v1/sms/dlr").into_boxed_str(),
    );
    let events = Arc::new(Events::default());
    events.add("e1", "/api/v1/sms/dlr", "m1");
    let receiver = Receiver::with(&[Does::Answers(redirect)]);
    deliver(&events, &receiver, quick()).await;
    assert_eq!(elsewhere.seen().len(), 0);
    assert_eq!(events.state("e1"), (State::Delivered, 1));
}

#[tokio::test]
async fn a_platform_that_asks_for_silence_gets_it_for_everything() {
    let events = Arc::new(Events::default());
    events.add("e1", "/api/v1/sms/dlr", "m1");
    let receiver = Receiver::with(&[Does::Answers("429 Too Many Requests\r\nretry-after: 3")]);
    let later = events.clone();
    let started = tokio::time::Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        later.add("e2", "/api/v1/sms/dlr", "m2");
    });
    let client = PlatformClient::new(&receiver.listen().await, None).unwrap();
    let secret = Secret::from(SECRET.to_owned());
    let webhooks = Webhooks::new(
        events.clone(),
        client,
        secret,
        Arc::new(SystemClock),
        quick(),
    );
    let stop = CancellationToken::new();
    let running = tokio::spawn(webhooks.run(stop.clone()));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(receiver.seen().len(), 1);
    events.settled().await;
    assert!(started.elapsed() >= Duration::from_secs(3));
    stop.cancel();
    running.await.unwrap();
}

#[test]
fn only_answers_about_the_events_give_them_up_and_only_a_rate_silences_the_others() {
    for (status, refused, silent) in [
        (200, false, None),
        (204, false, None),
        (307, false, None),
        (400, true, None),
        (401, false, None),
        (404, false, None),
        (405, false, None),
        (413, true, None),
        (422, true, None),
        (429, false, Some(7)),
        (500, false, None),
        (503, false, None),
    ] {
        let verdict = judge(StatusCode::from_u16(status).unwrap(), Some(7));
        assert_eq!(matches!(verdict, Verdict::Refused(_)), refused, "{status}");
        let asked = match verdict {
            Verdict::Later(_, asked) => asked,
            _ => None,
        };
        assert_eq!(asked, silent, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_in_drops_is_given_up_in_time() {
    let events = Arc::new(Events::default());
    events.add("e1", "/api/v1/sms/dlr", "m1");
    let receiver = Receiver::with(&[Does::Drips]);
    let started = tokio::time::Instant::now();
    deliver(&events, &receiver, quick()).await;
    // All of the drops would take 20 s.
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(events.state("e1"), (State::Delivered, 1));
    let seen = receiver.seen();
    assert_eq!((seen.len(), &seen[0].id), (2, &seen[1].id));
}

#[test]
fn an_event_on_its_way_is_nobody_else_s_for_longer_than_an_answer_may_take() {
    let longest = crate::platform_client::CONNECT + crate::platform_client::ANSWER;
    assert!(Schedule::default().lease > longest);
}

#[tokio::test]
async fn no_more_requests_are_out_than_the_configuration_allows() {
    let events = Arc::new(Events::default());
    for n in 0..12 {
        events.add(
            &format!("e{n}"),
            &format!("/api/v1/sms/{n}"),
            &format!("m{n}"),
        );
    }
    let receiver = Receiver::with(&vec![Does::Pauses; 12]);
    let schedule = Schedule {
        concurrency: 3,
        ..quick()
    };
    deliver(&events, &receiver, schedule).await;
    assert_eq!(*receiver.busy.lock().unwrap(), (0, 3));
}

/// The operator's file says where the platform is, and nothing else does: neither a redirect nor a path leads to another host.
#[tokio::test]
async fn an_event_goes_to_the_configured_host_whatever_its_path_says() {
    let elsewhere = Receiver::with(&[]);
    let other = elsewhere.listen().await;
    let other = other.trim_start_matches("http://");
    let events = Arc::new(Events::default());
    let paths = [
        format!("@{other}/"),
        format!("//{other}/"),
        format!("/@{other}/"),
    ];
    for (n, path) in paths.iter().enumerate() {
        events.add(&format!("e{n}"), path, &format!("m{n}"));
    }
    let receiver = Receiver::with(&[]);
    let short = Schedule {
        give_up: Duration::from_millis(200),
        ..quick()
    };
    deliver(&events, &receiver, short).await;
    assert_eq!(elsewhere.seen().len(), 0);
    // What is no path goes nowhere; the others went to the platform.
    assert!(matches!(events.state("e0").0, State::Dead(_)));
    assert_eq!(receiver.seen().len(), 2);
}

/// Stands where it is put.
struct Standing(AtomicI64);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn local(&self, _: Timestamp, _: &str) -> Option<String> {
        None
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_holds_events_back_until_it_is_put_right() {
    let events = Arc::new(Events::default());
    events.add("e1", "/api/v1/sms/dlr", "m1");
    let receiver = Receiver::with(&vec![Does::Checks; 1_000]);
    let right = SystemClock.now().millis();
    let clock = Arc::new(Standing(AtomicI64::new(right - 400_000)));
    let (url, running) = (receiver.listen().await, Arc::clone(&clock));
    let (waiting, schedule) = (Arc::clone(&events), quick());
    let delivery = tokio::spawn(async move { deliver_by(running, &url, &waiting, schedule).await });
    while receiver.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(events.state("e1").0, State::Due(_)));
    clock.0.store(right, Ordering::Relaxed);
    delivery.await.unwrap();
    assert_eq!(events.state("e1").0, State::Delivered);
    let signed: Vec<bool> = receiver.seen().iter().map(|one| one.signed).collect();
    // Each try is signed anew, or the last one would be as old as the first.
    assert!(!signed[0] && signed[signed.len() - 1], "{signed:?}");
}
