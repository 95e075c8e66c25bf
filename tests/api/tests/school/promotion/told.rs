//! What webhooks are told of promotions.

use serde_json::json;

use super::execution::decided;
use crate::school::events;

#[test]
fn an_execution_and_its_undoing_are_told_with_figures() {
    let (year, _) = decided();
    events::listen(&year.app);
    let execution = year.execute(&json!({})).status(201);
    let data = json!({
        "session_setup": year.setup, "execution": execution.id(), "session": year.to, "previous_session": year.from,
        "students": execution.json["summary"],
    });
    assert_eq!(
        events::told(&year.app),
        [("promotion.executed".to_owned(), data.clone())]
    );
    assert_eq!(year.execute(&json!({})).status, 409);
    assert_eq!(events::told(&year.app), []);
    year.undo(&execution.id()).expect(200);
    assert_eq!(
        events::told(&year.app),
        [("promotion.undone".to_owned(), data)]
    );
}
