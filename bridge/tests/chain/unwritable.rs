//! A store that can be read and no longer written.

use serde_json::json;

use crate::centre::Centre;
use crate::refusals::message_of;
use crate::rest::call;
use crate::steps::{receipt_of, submit};
use crate::support::Chain;

/// As on a disk that the system has made read-only. (A real one cannot be made so while a file on it is open; a limit on the process refuses the
/// same writes, and `SQLite` does not tell the two apart.)
#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_can_be_written_any_more_nothing_is_accepted_and_the_centre_keeps_its_receipts()
 {
    let (centre, port) = Centre::start().await;
    let mut chain = Chain::over(&[(port, "")], "").await;
    chain.start_without_the_signal_of_a_limit().await;
    let mut peer = centre.bound().await;
    let before = call(
        chain.rest,
        "/api/v1/sms/send",
        Some(message_of("before", 1)),
    )
    .await;
    assert_eq!(before.status, 200);
    let id = before.json()["message_id"].clone();
    let (sequence, _) = submit(&mut peer).await;
    peer.answer(sequence, "c-1").await;
    chain
        .wait_count("SELECT count(*) FROM parts WHERE status = 3", 1)
        .await;

    chain.limit_writes("0");
    let refused = call(
        chain.rest,
        "/api/v1/sms/send",
        Some(message_of("refused", 2)),
    )
    .await;
    assert_eq!(refused.status, 503);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(call(chain.rest, "/ready", None).await.status, 503);
    assert_eq!(call(chain.rest, "/healthy", None).await.status, 200);
    assert_eq!(
        receipt_of(&mut peer, "c-1").await,
        0x64,
        "the centre keeps it"
    );
    // It still reads, and a repetition needs no room.
    let asked = json!({ "esme": 100, "message_id": id });
    let info = call(chain.rest, "/api/v1/sms/info", Some(asked)).await;
    assert_eq!(info.json()["status"], "SUBMITTED");
    let again = call(
        chain.rest,
        "/api/v1/sms/send",
        Some(message_of("before", 1)),
    )
    .await;
    assert_eq!(again.json()["message_id"], id);

    chain.limit_writes("unlimited");
    assert_eq!(receipt_of(&mut peer, "c-1").await, 0);
    chain.wait_delivered(1).await;
    let later = call(chain.rest, "/api/v1/sms/send", Some(message_of("later", 3))).await;
    assert_eq!(later.status, 200);
    assert_eq!(submit(&mut peer).await.1, "later");
    chain.kill();
    assert_eq!(chain.rows("messages"), 2);
}
