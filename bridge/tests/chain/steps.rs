//! kill -9 at each step that a message goes through. A centre and a platform that do not answer, and another connection that holds the store's one
//! place for writing, keep the bridge at the step where it is killed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::pdu::Pdu;
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::centre::{Centre, Peer, receipt};
use crate::support::Chain;

const SENDING: &str = "SELECT count(*) FROM parts WHERE status = 1";
const SUBMITTED: &str = "SELECT count(*) FROM parts WHERE status = 3";
const DELIVERED: &str = "SELECT count(*) FROM parts WHERE status = 5";
const AMBIGUOUS: &str = "bridge_attempts_ambiguous_total";
/// Longer than anything takes that is not kept waiting.
const MOMENT: Duration = Duration::from_millis(700);

/// The next part that the centre is sent: its sequence and text.
pub(crate) async fn submit(peer: &mut Peer) -> (u32, String) {
    loop {
        let (header, frame) = peer.read().await;
        match codec::decode(&frame).unwrap().1 {
            Pdu::SubmitSm(part) => {
                let text = String::from_utf8(part.text().to_vec()).unwrap();
                return (header.sequence, text);
            }
            Pdu::EnquireLink => peer.write(0, header.sequence, &Pdu::EnquireLinkResp).await,
            other => panic!("{other:?}"),
        }
    }
}

/// Says that a part was delivered; what the bridge answers.
pub(crate) async fn receipt_of(peer: &mut Peer, id: &str) -> u32 {
    deliver(peer, id).await;
    loop {
        let (header, frame) = peer.read().await;
        if codec::decode(&frame).unwrap().1 == Pdu::DeliverSmResp {
            return header.status;
        }
    }
}

async fn deliver(peer: &mut Peer, id: &str) {
    let text = format!("id:{id} stat:DELIVRD err:000");
    let message = Pdu::DeliverSm(receipt(text.as_bytes(), &[]));
    peer.write(0, 77, &message).await;
}

/// Answers the next part, which must have this text, and delivers it.
async fn takes(peer: &mut Peer, text: &str) {
    let (sequence, found) = submit(peer).await;
    assert_eq!(found, text);
    peer.answer(sequence, text).await;
    assert_eq!(receipt_of(peer, text).await, 0);
}

/// Nothing is sent for a while.
async fn sends_nothing(peer: &mut Peer) {
    assert!(timeout(MOMENT, submit(peer)).await.is_err());
}

async fn started(link: &str) -> (Centre, Chain, Peer) {
    let (centre, port) = Centre::start().await;
    let mut chain = Chain::over(&[(port, link)], "").await;
    chain.start().await;
    let peer = centre.bound().await;
    (centre, chain, peer)
}

async fn send(chain: &Chain, text: &str) {
    assert_eq!(chain.client().send(100, &[text.to_owned()]).await, [text]);
}

impl Chain {
    async fn killed_and_started(&mut self, centre: &Centre) -> Peer {
        self.kill();
        self.start().await;
        centre.bound().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_commit_it_has_answered_nothing_and_kept_nothing() {
    let (centre, mut chain, _peer) = started("").await;
    let held = chain.hold_commits();
    let client = chain.client();
    let asked = tokio::spawn(async move { client.send(100, &["early".to_owned()]).await });
    sleep(MOMENT).await;
    assert!(!asked.is_finished(), "answered before it was stored");
    chain.kill();
    assert!(asked.await.unwrap().is_empty());
    drop(held);
    assert_eq!(chain.rows("messages"), 0);
    chain.start().await;
    let mut peer = centre.bound().await;
    sends_nothing(&mut peer).await;
    send(&chain, "early").await;
    takes(&mut peer, "early").await;
    chain.wait_delivered(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_commit_it_sends_what_nobody_was_told_of_and_knows_its_repetition() {
    let (centre, port) = Centre::start().await;
    let mut chain = Chain::over(&[(port, "")], "").await;
    // Nobody answers the bind: what is stored stays where it is.
    chain.start().await;
    let client = chain.client();
    let asked = tokio::spawn(async move { client.send(100, &["stored".to_owned()]).await });
    chain
        .wait_count("SELECT count(*) FROM parts WHERE status = 0", 1)
        .await;
    chain.kill();
    asked.abort();
    drop(centre.connection().await);
    chain.start().await;
    let mut peer = centre.bound().await;
    takes(&mut peer, "stored").await;
    send(&chain, "stored").await;
    sends_nothing(&mut peer).await;
    chain.wait_delivered(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_parts_claimed_of_which_no_byte_has_left_it_sends_them_again() {
    const COUNT: usize = 120;
    // A centre that takes next to nothing off the network.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let listener = socket.listen(8).unwrap();
    let mut chain = Chain::over(&[(port, "")], "").await;
    let links = [(port, "header = \"payload\"\n")];
    chain.configure_with(&links, 200, "[limits]\nsegments = 255\n");
    chain.start().await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut peer = Peer::over(stream);
    peer.accept_bind().await;
    let texts: Vec<String> = (0..COUNT)
        .map(|n| format!("{n:>4}{}", "x".repeat(38_000)))
        .collect();
    for few in texts.chunks(5) {
        assert_eq!(chain.client().send(100, few).await.len(), few.len());
    }
    chain.wait_count(SENDING, COUNT).await;
    chain.kill();
    // What the network still holds arrives.
    let mut first = 0;
    while let Some((_, frame)) = peer.next().await {
        assert!(matches!(codec::decode(&frame).unwrap().1, Pdu::SubmitSm(_)));
        first += 1;
    }
    assert!(first < COUNT, "all of them left");
    assert_eq!(chain.count(SENDING), COUNT);
    chain.start().await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut peer = Peer::over(stream);
    peer.accept_bind().await;
    let mut again = Vec::new();
    for _ in 0..COUNT {
        let (sequence, text) = submit(&mut peer).await;
        peer.answer(sequence, text[..4].trim()).await;
        again.push(text);
    }
    again.sort();
    assert_eq!(
        again, texts,
        "each once, {first} of them for the second time"
    );
    println!("{COUNT} claimed, {first} had left");
    let unsure = u64::try_from(COUNT).unwrap();
    chain.wait_metric(AMBIGUOUS, |count| count == unsure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_bytes_sent_it_sends_them_again_or_never_as_the_link_says() {
    for (link, again) in [("", true), ("on_ambiguous = \"hold\"\n", false)] {
        let (centre, mut chain, mut peer) = started(link).await;
        send(&chain, "sent").await;
        assert_eq!(submit(&mut peer).await.1, "sent");
        let mut peer = chain.killed_and_started(&centre).await;
        if again {
            takes(&mut peer, "sent").await;
            chain.wait_delivered(1).await;
        } else {
            sends_nothing(&mut peer).await;
            chain.wait_heard("sent", "UNKNOWN").await;
        }
        chain.wait_metric(AMBIGUOUS, |count| count == 1).await;
    }
}

/// Both steps at once, for what the store shows is the same: the answer is read, and what it says cannot be committed.
#[tokio::test(flavor = "multi_thread")]
async fn killed_with_the_answer_read_and_not_committed_it_counts_the_part_as_ambiguous() {
    let (centre, mut chain, mut peer) = started("").await;
    send(&chain, "answered").await;
    let (sequence, _) = submit(&mut peer).await;
    let held = chain.hold_commits();
    peer.answer(sequence, "first").await;
    // Its answer comes after it has read ours.
    peer.lives().await;
    sleep(MOMENT).await;
    chain.kill();
    drop(held);
    assert_eq!(chain.count(SENDING), 1);
    chain.start().await;
    let mut peer = centre.bound().await;
    takes(&mut peer, "answered").await;
    chain.wait_delivered(1).await;
    chain.wait_metric(AMBIGUOUS, |count| count == 1).await;
    // The receipt of the first attempt is of a message that is known no more, and taken all the same.
    assert_eq!(receipt_of(&mut peer, "first").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_a_receipt_is_committed_it_has_not_acknowledged_it() {
    let (centre, mut chain, mut peer) = started("").await;
    send(&chain, "receipted").await;
    let (sequence, _) = submit(&mut peer).await;
    peer.answer(sequence, "c-1").await;
    chain.wait_count(SUBMITTED, 1).await;
    let held = chain.hold_commits();
    deliver(&mut peer, "c-1").await;
    let silent = timeout(MOMENT, peer.read()).await;
    assert!(silent.is_err(), "acknowledged before it was stored");
    chain.kill();
    drop(held);
    assert_eq!(chain.count(SUBMITTED), 1);
    chain.start().await;
    let mut peer = centre.bound().await;
    assert_eq!(receipt_of(&mut peer, "c-1").await, 0);
    chain.wait_delivered(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_a_receipt_committed_and_not_acknowledged_it_takes_its_repetition_for_no_news()
{
    let (centre, mut chain, mut peer) = started("").await;
    send(&chain, "receipted").await;
    let (sequence, _) = submit(&mut peer).await;
    peer.answer(sequence, "c-1").await;
    chain.wait_count(SUBMITTED, 1).await;
    // The centre looks at nothing that the bridge says of it.
    deliver(&mut peer, "c-1").await;
    chain.wait_count(DELIVERED, 1).await;
    let mut peer = chain.killed_and_started(&centre).await;
    assert_eq!(receipt_of(&mut peer, "c-1").await, 0);
    assert_eq!(chain.count(DELIVERED), 1);
    chain.a_minute_passes_without_it();
    chain.start().await;
    chain.wait_delivered(1).await;
    sleep(MOMENT).await;
    let mut told = chain.heard.ids("receipted", "DELIVERED");
    told.dedup();
    assert_eq!(told.len(), 1, "one event, however often it came: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_an_event_sent_and_not_marked_it_sends_the_same_event_again() {
    for answered in [false, true] {
        let (_centre, mut chain, mut peer) = started("").await;
        chain.heard.silent.store(true, Ordering::Relaxed);
        send(&chain, "told").await;
        let (sequence, _) = submit(&mut peer).await;
        peer.answer(sequence, "c-1").await;
        chain.wait_heard("told", "SUBMITTED").await;
        let held = answered.then(|| chain.hold_commits());
        if answered {
            // The bridge has its 200 and cannot note it.
            chain.heard.silent.store(false, Ordering::Relaxed);
            sleep(MOMENT).await;
        }
        chain.kill();
        drop(held);
        chain.heard.silent.store(false, Ordering::Relaxed);
        let first = chain.heard.ids("told", "SUBMITTED");
        let waiting = "SELECT count(*) FROM events WHERE topic = 'message:told'";
        assert_eq!((first.len(), chain.count(waiting)), (1, 1));
        chain.a_minute_passes_without_it();
        chain.start().await;
        chain.wait_count(waiting, 0).await;
        let both = chain.heard.ids("told", "SUBMITTED");
        assert_eq!(both, [first[0].clone(), first[0].clone()]);
    }
}
