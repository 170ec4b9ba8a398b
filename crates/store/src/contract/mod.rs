//! The test suite that every home has to pass.
//!
//! A home's own tests give [`contract_tests!`](crate::contract_tests) a way to make an empty [`Home`], and get one
//! test for each promise:
//!
//! ```
//! use latimer_store::contract::Home;
//!
//! async fn memory() -> Home {
//!     Home::with_clock(|clock| latimer_store::Store::memory_with_clock(clock))
//! }
//!
//! latimer_store::contract_tests!(memory);
//! # fn main() {}
//! ```
//!
//! All cases panic when the home breaks the promise that they are named for.
#![allow(clippy::unwrap_used, reason = "a test suite, which panics to report")]

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::{Clock, ManualClock, Store};

pub mod batch;
pub mod bus;
pub mod index;
pub mod kv;
pub mod kv_model;
pub mod log;
pub mod log_model;
pub mod race;

/// An empty store, and the clock that judges its deadlines.
#[derive(Clone, Debug)]
pub struct Home {
    /// The store under test, shared with nothing else.
    pub store: Store,
    /// The clock that was given to it.
    pub clock: ManualClock,
}

impl Home {
    /// A home whose store `make` makes with the clock that it is given.
    pub fn with_clock(make: impl FnOnce(Arc<dyn Clock>) -> Store) -> Self {
        let clock = ManualClock::new();
        Self { store: make(Arc::new(clock.clone())), clock }
    }
}

/// Runs one case against a home made by `make`, on several threads.
pub fn check<C: Future<Output = ()>>(make: impl AsyncFn() -> Home, case: impl FnOnce(Home) -> C) {
    runtime().block_on(async { case(make().await).await });
}

/// Several threads, so that races are real.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// Declares one `#[test]` for each promise of the contract. The argument is an async function or closure that
/// makes an empty [`Home`]; it is called once for each test, and many times by the property tests.
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests! { @cases $make;
            kv::an_absent_entry_reads_as_none,
            kv::what_was_put_is_read,
            kv::a_put_replaces_value_and_deadline,
            kv::keys_differ_by_partition_and_by_name,
            kv::put_if_absent_writes_once_and_shows_what_stands_there,
            kv::compare_and_swap_writes_only_over_the_expected_version,
            kv::a_version_never_returns,
            kv::delete_returns_what_it_removed_once,
            kv::an_entry_is_absent_from_its_deadline_on,
            kv::an_expired_entry_loses_every_condition_on_it,
            kv::touch_extends_and_shortens_but_does_not_change_the_version,
            kv::a_fixed_ttl_counts_from_creation,
            kv::keep_leaves_the_deadline,
            kv::a_counter_counts_and_starts_again_after_its_window,
            kv::a_counter_refuses_what_is_no_number_and_what_does_not_fit,
            kv::nothing_happens_before_the_first_poll,
            index::a_full_index_refuses_and_writes_nothing,
            index::the_first_full_index_is_named,
            index::an_existing_entry_is_reported_before_a_full_index,
            index::deletion_makes_room,
            index::expired_members_do_not_count,
            index::many_expired_members_make_room_for_as_many,
            index::a_member_that_expired_after_many_others_makes_room,
            index::a_touched_member_stays,
            index::membership_survives_overwriting_and_ends_with_the_entry,
            index::an_index_named_twice_counts_once_with_the_smaller_cap,
            index::a_scan_pages_in_the_order_of_names,
            index::indexes_belong_to_their_partition,
            batch::all_writes_are_done_in_order,
            batch::a_lost_condition_undoes_everything,
            batch::a_full_index_undoes_everything,
            batch::creations_in_one_batch_count_towards_the_cap,
            batch::an_entry_is_created_anew_in_another_index,
            batch::a_requirement_writes_nothing,
            batch::an_empty_batch_is_applied,
            log::positions_start_at_one_and_increase,
            log::a_page_holds_what_comes_after_the_position,
            log::the_oldest_entries_go_when_there_are_too_many,
            log::the_oldest_entries_go_when_there_are_too_many_bytes,
            log::the_newest_entry_is_always_kept,
            log::an_entry_larger_than_the_stream_is_refused,
            log::a_reader_left_behind_is_told,
            log::a_trimmed_stream_goes_on_counting,
            log::a_reader_of_a_stream_that_is_gone_is_told,
            log::a_stream_expires_unless_appended_to_or_touched,
            log::streams_differ_by_partition_and_by_name,
            bus::a_message_reaches_all_subscribers_of_its_topic,
            bus::messages_arrive_in_order,
            bus::publishing_to_nobody_succeeds,
            bus::what_was_published_before_is_not_heard,
            bus::a_slow_subscriber_is_told_that_it_lost_messages,
            bus::a_waiting_subscriber_is_woken,
            bus::dropping_one_subscription_leaves_the_others,
            race::put_if_absent_has_one_winner,
            race::compare_and_swap_loses_no_update,
            race::increments_are_all_counted,
            race::an_entry_is_deleted_by_one,
            race::a_cap_is_never_exceeded,
            race::a_batch_is_seen_whole,
            race::appended_positions_are_unique_and_without_gaps,
        }
        $crate::contract_tests! { @properties $make;
            kv_model::entries_agree_with_a_simple_model,
            log_model::streams_agree_with_a_simple_model,
        }
    };
    (@cases $make:expr; $($module:ident::$case:ident,)*) => {
        $(#[test] fn $case() { $crate::contract::check($make, $crate::contract::$module::$case); })*
    };
    (@properties $make:expr; $($module:ident::$case:ident,)*) => {
        $(#[test] fn $case() { $crate::contract::$module::$case($make); })*
    };
}
