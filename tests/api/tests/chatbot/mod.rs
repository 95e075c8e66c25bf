//! What the chatbot looks up for families, and the PINs that open it.

mod notices;
mod pins;
mod results;
mod wrong_pins;

use homeroom_api_tests::{
    Client, Reply,
    samples::{Family, Scene},
};
use serde_json::json;

const BASE: &str = "/api/v1/chatbot/";

/// An API key of the school with these scopes, at the chatbot's address.
fn bot(scene: &Scene, scopes: &[&str]) -> Client {
    let body = json!({"name": "Chatbot", "client": scene.school.id, "scopes": scopes});
    let key = scene.app.platform().post("api-keys/", &body).status(201);
    scene.school.anonymous().api_key(&key.str("key")).base(BASE)
}

fn results(client: &Client, query: &str) -> Reply {
    client.get(&format!("results/?{query}"))
}

fn by_number(client: &Client, family: &Family, pin: &str) -> Reply {
    results(client, &format!("student_id={}&pin={pin}", family.number))
}

/// A PIN that is not the family's.
fn wrong(family: &Family) -> String {
    let number: u32 = family.pin.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
