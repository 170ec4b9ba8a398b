//! The two ways to the wire agree: what a typed result says of itself is what the rules do to its text.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod support;

use latimer_protocol::Revision;
use latimer_protocol::encode::{ResultBody, Stamp, downlevel, write_result};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;
use support::values;

fn agrees<R: ResultBody + Serialize>(result: &R) -> Result<(), TestCaseError> {
    let newest = serde_json::to_string(result).unwrap();
    for revision in Revision::ALL {
        let mut ruled = Vec::new();
        downlevel(result.shape(), &newest, revision, &mut ruled).unwrap();
        prop_assert_eq!(
            result.fits(revision),
            ruled == newest.as_bytes(),
            "{} needs {}: {}",
            newest,
            result.needs(),
            revision
        );
        let mut direct = Vec::new();
        write_result(result, revision, &Stamp::default(), &mut direct).unwrap();
        let mut direct: Value = serde_json::from_slice(&direct).unwrap();
        if revision.is_modern() {
            prop_assert_eq!(
                direct.as_object_mut().unwrap().remove("resultType"),
                Some(Value::from("complete"))
            );
        }
        prop_assert_eq!(direct, serde_json::from_slice::<Value>(&ruled).unwrap());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn tool_results_need_exactly_what_the_rules_would_change(result in values::call_tool()) {
        agrees(&result)?;
    }

    #[test]
    fn resource_contents_need_exactly_what_the_rules_would_change(result in values::read_resource()) {
        agrees(&result)?;
    }

    #[test]
    fn expanded_prompts_need_exactly_what_the_rules_would_change(result in values::get_prompt()) {
        agrees(&result)?;
    }

    #[test]
    fn completions_need_exactly_what_the_rules_would_change(result in values::complete()) {
        agrees(&result)?;
    }

    #[test]
    fn results_are_read_back_as_they_were(call in values::call_tool(), read in values::read_resource(), prompt in values::get_prompt(), completion in values::complete()) {
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::CallToolResult>(&serde_json::to_string(&call).unwrap()).unwrap(), &call);
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::ReadResourceResult>(&serde_json::to_string(&read).unwrap()).unwrap(), &read);
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::GetPromptResult>(&serde_json::to_string(&prompt).unwrap()).unwrap(), &prompt);
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::CompleteResult>(&serde_json::to_string(&completion).unwrap()).unwrap(), &completion);
    }

    #[test]
    fn definitions_are_read_back_as_they_were(tool in values::tool(), resource in values::resource(), prompt in values::prompt()) {
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::Tool>(&serde_json::to_string(&tool).unwrap()).unwrap(), &tool);
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::Resource>(&serde_json::to_string(&resource).unwrap()).unwrap(), &resource);
        prop_assert_eq!(&serde_json::from_str::<latimer_protocol::wire::Prompt>(&serde_json::to_string(&prompt).unwrap()).unwrap(), &prompt);
    }
}
