//! One set of tests over both stores, and what only one of them can show.
#![allow(
    clippy::disallowed_methods,
    clippy::doc_markdown,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    clippy::wildcard_imports,
    reason = "tests fail by panicking, tell a story in one piece, and measure how long things take"
)]

mod acceptance;
#[allow(dead_code, reason = "the links' tests use more of it")]
#[path = "../smpp/authority.rs"]
mod authority;
mod away;
#[allow(dead_code, reason = "the tests of the whole chain use more of it")]
mod cluster;
mod deep;
mod inbound;
mod kill;
mod leases;
mod model;
mod outbox;
mod place;
#[path = "../peers/ports.rs"]
mod ports;
mod postgres_only;
mod receipts;
mod sqlite_only;
mod suite;
mod switches;
mod tls;
mod unanswered;

use place::Place;

macro_rules! over_both {
    ($($module:ident :: $name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$module::$name(super::Place::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(place) = super::Place::postgres().await {
                    super::$module::$name(place).await;
                }
            })*
        }
    };
}

over_both! {
    acceptance::an_accepted_message_is_found_by_its_app_only,
    acceptance::a_repetition_is_answered_and_other_content_refused,
    acceptance::of_many_repetitions_at_once_one_is_new,
    acceptance::a_full_queue_takes_nothing_new_but_answers_repetitions,
    acceptance::what_leaves_or_enters_the_queue_is_counted_against_its_limit,
    suite::no_part_is_given_to_two_claimers,
    suite::urgent_parts_go_first_and_none_before_its_time,
    suite::an_attempt_that_never_left_keeps_its_place,
    suite::a_refusal_for_good_is_final_and_says_why,
    suite::an_answer_that_never_came_is_resent_or_held_as_the_link_says,
    suite::an_answer_after_all_takes_the_part_out_of_the_queue,
    suite::a_message_is_cancelled_or_claimed_but_never_both,
    suite::what_is_past_its_time_expires_and_the_platform_hears_of_it,
    suite::what_has_expired_stays_so_by_a_clock_that_was_put_back,
    suite::recover_resends_or_holds_and_counts,
    unanswered::a_part_that_is_never_answered_is_sent_ever_later_and_then_held,
    unanswered::being_throttled_counts_as_no_refusal,
    unanswered::what_is_decided_about_missing_answers_can_change,
    unanswered::a_claim_that_nobody_heard_of_is_recovered_after_an_hour,
    suite::finished_messages_are_kept_for_their_time_only,
    suite::the_history_tells_what_happened_without_text_or_number,
    suite::the_text_is_kept_no_longer_than_it_is_needed,
    receipts::states_only_move_forward_in_whatever_order_receipts_come,
    receipts::a_receipt_before_its_response_is_joined_with_it,
    receipts::a_receipt_for_one_part_says_nothing_of_the_others,
    receipts::a_repeated_receipt_is_no_news,
    receipts::an_id_given_again_means_the_newer_part,
    receipts::an_older_attempt_can_still_be_delivered_but_not_fail,
    receipts::ids_of_other_centres_are_other_ids,
    receipts::what_has_no_receipt_can_be_asked_for,
    receipts::receipts_that_nobody_claims_are_dropped_after_their_time,
    outbox::events_of_a_message_come_one_after_the_other,
    outbox::an_event_that_nobody_has_seen_is_replaced_by_the_newer_state,
    outbox::an_event_is_given_out_again_after_its_lease,
    outbox::events_that_were_out_when_the_bridge_ended_are_due_at_its_next_start,
    outbox::a_dead_letter_lets_the_next_one_pass_and_can_be_replayed,
    outbox::what_waits_for_the_platform_is_due_soon_once_it_is_back,
    outbox::only_the_newest_announcement_of_a_topic_is_kept,
    inbound::parts_from_a_phone_are_joined_in_their_order,
    inbound::a_part_that_is_sent_twice_counts_once,
    inbound::what_never_became_whole_is_handed_on_after_an_hour,
    inbound::two_equal_messages_are_two,
    switches::what_is_switched_off_is_kept_until_something_later_is_said,
    deep::a_hundred_thousand_messages_do_not_slow_the_start_or_the_claim,
    kill::nothing_that_was_answered_is_lost_when_the_bridge_is_killed,
}
