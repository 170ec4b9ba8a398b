use std::collections::HashSet;

use latimer_protocol::Revision;
use latimer_protocol::wire::ElicitParams;
use proptest::prelude::*;

use super::*;
use crate::context::Client;
use crate::engine::Caller;
use crate::principal::{Peer, Principal};

fn record(revision: Revision) -> Record {
    let caller = Caller {
        revision,
        principal: Principal::named("ada", [""; 0]),
        peer: Peer::Local,
        session: None,
        scope: None,
        client: Client::default(),
        log_level: None,
        trace: None,
    };
    let call = TaskCall::new(&caller, "here", "tool", RawJson::empty_object(), None, None);
    Record::new("user:ada".to_owned(), "chain".to_owned(), call, at(0), 1_000, 100)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn form() -> Question {
    let schema = RawJson::parse(r#"{"type":"object","properties":{}}"#).unwrap();
    Question::Elicit(ElicitParams::Form(latimer_protocol::wire::ElicitForm {
        message: "?".to_owned(),
        requested_schema: schema,
    }))
}

fn asked(keys: &[&str]) -> Vec<(String, Question)> {
    keys.iter().map(|key| ((*key).to_owned(), form())).collect()
}

fn answered() -> ask::Answered {
    ask::Answered::Result(RawJson::parse(r#"{"action":"decline"}"#).unwrap())
}

fn result(is_error: bool) -> Finished {
    Finished::Result { raw: "{}".to_owned(), is_error }
}

#[test]
fn tx_7_a_failed_tool_is_a_result_of_the_extension_and_a_failure_before() {
    for (revision, status) in
        [(Revision::V2025_11_25, TaskStatus::Failed), (Revision::V2026_07_28, TaskStatus::Completed)]
    {
        let mut record = record(revision);
        assert!(record.finish(1, result(true), at(1)));
        assert_eq!((record.status, record.task("t").last_updated_at), (status, timestamp(1)));
    }
}

/// A megabyte of arguments once stayed with a task until its time was over.
#[test]
fn a_task_that_is_over_keeps_nothing_of_what_its_run_was_given() {
    let ends: [fn(&mut Record) -> bool; 2] =
        [|record| record.finish(1, result(false), at(1)), |record| record.cancel(at(1))];
    for end in ends {
        let mut record = record(Revision::V2026_07_28);
        record.call.arguments = RawJson::parse(r#"{"topic":"rust"}"#).unwrap();
        record.call.meta = Some(RawJson::parse(r#"{"a":"rust"}"#).unwrap());
        assert!(end(&mut record));
        assert!(!serde_json::to_string(&record).unwrap().contains("rust"));
    }
}

#[test]
fn tx_5_keys_are_unique_over_the_life_of_a_task() {
    let mut record = record(Revision::V2026_07_28);
    let mut seen = HashSet::new();
    for run in 1..=4 {
        assert!(record.ask(run, asked(&["a", "a#2", "a#2#1"]), Journal::default(), Vec::new(), at(1)));
        let first = record.asked[0].wire.clone();
        let before: Vec<_> = record.asked.iter().map(|asked| asked.wire.clone()).collect();
        before.into_iter().for_each(|wire| assert!(seen.insert(wire)));
        record.ask_again(&first, "too short", at(2));
        let again = record.asked.last().unwrap();
        assert!(seen.insert(again.wire.clone()), "{}", again.wire);
        let Question::Elicit(ElicitParams::Form(form)) = &*again.question() else { panic!("a form") };
        assert!(form.message.ends_with("too short"));
        assert_eq!(record.answer(&first, answered(), at(3)), Answered::Ignored);
        for wire in record.asked.iter().map(|asked| asked.wire.clone()).collect::<Vec<_>>() {
            assert_ne!(record.answer(&wire, answered(), at(3)), Answered::Ignored);
        }
    }
    assert_eq!(record.run, 5);
}

#[test]
fn what_is_wrong_with_an_answer_is_told_once_however_often_it_is_wrong() {
    let mut record = record(Revision::V2026_07_28);
    record.ask(1, asked(&["a"]), Journal::default(), Vec::new(), at(1));
    let mut length = None;
    for _ in 0..10 {
        let wire = record.asked[0].wire.clone();
        record.ask_again(&wire, &"x".repeat(10_000), at(2));
        let Question::Elicit(ElicitParams::Form(form)) = record.asked[0].question().into_owned() else {
            panic!("a form")
        };
        assert_eq!(*length.get_or_insert(form.message.len()), form.message.len());
        assert!(form.message.len() < 2_000);
    }
}

/// Something that happens to a task.
#[derive(Clone, Debug)]
enum Happening {
    Ask(u32, usize),
    Answer(String),
    AskAgain(String),
    Finish(u32, bool),
    Fail,
    TakeOver(u32),
    Cancel,
    Say(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    let run = 1_u32..4;
    let wire = prop_oneof![Just("a"), Just("a#2"), Just("b"), Just("b#2"), Just("c")];
    prop_oneof![
        3 => (run.clone(), 0_usize..3).prop_map(|(run, questions)| Happening::Ask(run, questions)),
        4 => wire.clone().prop_map(|wire| Happening::Answer(wire.to_owned())),
        1 => wire.prop_map(|wire| Happening::AskAgain(wire.to_owned())),
        1 => (run.clone(), any::<bool>()).prop_map(|(run, is_error)| Happening::Finish(run, is_error)),
        1 => Just(Happening::Fail),
        1 => run.clone().prop_map(Happening::TakeOver),
        1 => Just(Happening::Cancel),
        1 => run.prop_map(Happening::Say),
    ]
}

proptest! {
    #[test]
    fn tx_7_nothing_changes_a_task_that_is_over(
        happenings in proptest::collection::vec(happening(), 1..40),
        modern in any::<bool>(),
    ) {
        let mut record = record(if modern { Revision::V2026_07_28 } else { Revision::V2025_11_25 });
        let mut seen = HashSet::new();
        for (now, happening) in happenings.into_iter().enumerate() {
            let now = at(now as u64 + 1);
            let before = record.clone();
            let changed = match &happening {
                Happening::Ask(run, questions) => {
                    let keys = asked(&["a", "b"][..*questions]);
                    record.ask(*run, keys, Journal::default(), record.fresh.clone(), now)
                }
                Happening::Answer(wire) => record.answer(wire, answered(), now) != Answered::Ignored,
                Happening::AskAgain(wire) => {
                    let is_open = record.open(wire).is_some();
                    record.ask_again(wire, "no", now);
                    is_open
                }
                Happening::Finish(run, is_error) => record.finish(*run, result(*is_error), now),
                Happening::Fail => record.fail(RpcError::internal("x"), now),
                Happening::TakeOver(run) => record.take_over(*run, now),
                Happening::Cancel => record.cancel(now),
                Happening::Say(run) => record.say(*run, "busy".to_owned(), now),
            };
            // What says that it changed nothing changed nothing, and the other way round.
            prop_assert_eq!(changed, record != before, "{:?}", happening);
            if before.status.is_final() {
                prop_assert!(!changed, "{:?} after the end", happening);
            }
            if let Happening::Ask(run, _) | Happening::Finish(run, _) | Happening::Say(run) = happening {
                prop_assert!(!changed || run == before.run, "a run that was overtaken");
            }
            prop_assert!(record.run >= before.run);
            // Open questions and the status say the same.
            prop_assert_eq!(record.status == TaskStatus::InputRequired, !record.asked.is_empty());
            prop_assert_eq!(record.finished.is_some(), matches!(record.status, TaskStatus::Completed | TaskStatus::Failed));
            if record.status.is_final() {
                prop_assert!(record.fresh.is_empty() && record.journal.is_empty());
            }
            for asked in &record.asked {
                if before.open(&asked.wire).is_none() {
                    prop_assert!(seen.insert(asked.wire.clone()), "{} was used before", asked.wire);
                }
            }
            let text = serde_json::to_string(&record).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Record>(&text).unwrap(), &record);
        }
    }
}
