//! Prompts and their completion.

use latimer::prelude::*;
use serde_json::Value;

use crate::support::each_era;

#[tokio::test]
async fn prompts_are_those_of_the_originals() {
    for client in each_era().await {
        let simple = client.prompt("simple_prompt", json!({})).await.unwrap();
        assert_eq!(simple.messages[0].content.as_text(), Some("This is a simple prompt without arguments."));
        let arguments = json!({ "temperature": "0.5", "style": "formal" });
        let complex = client.prompt("complex_prompt", arguments).await.unwrap();
        assert_eq!(complex.messages.len(), 3);
        let text = "This is a complex prompt with arguments: temperature=0.5, style=formal";
        assert_eq!(complex.messages[0].content.as_text(), Some(text));
        assert!(matches!(complex.messages[2].content, ContentBlock::Image(_)));
        let resource = client.prompt("resource_prompt", json!({ "resourceId": "3" })).await.unwrap();
        assert!(matches!(resource.messages[1].content, ContentBlock::Resource(_)));
        let city = client.prompt("args-prompt", json!({ "city": "Austin", "state": "Texas" })).await.unwrap();
        assert_eq!(city.messages[0].content.as_text(), Some("What's weather in Austin, Texas?"));
        let arguments = json!({ "department": "Sales", "name": "Eve" });
        let promoted = client.prompt("completable-prompt", arguments).await.unwrap();
        assert!(promoted.messages[0].content.as_text().unwrap().contains("Eve"));
        let arguments = json!({ "resourceType": "Blob", "resourceId": "9" });
        let resource = client.prompt("resource-prompt", arguments).await.unwrap();
        assert!(matches!(resource.messages[1].content, ContentBlock::Resource(_)));
    }
}

/// The original wrote `undefined` where an argument was missing, and answered -32603 to wrong ones.
#[tokio::test]
async fn missing_and_wrong_arguments_are_errors() {
    for client in each_era().await {
        let without = client.prompt("complex_prompt", json!({ "temperature": "1.0" })).await.unwrap();
        assert!(!without.messages[0].content.as_text().unwrap().contains("undefined"));
        for (prompt, arguments) in [
            ("complex_prompt", json!({})),
            ("resource_prompt", json!({ "resourceId": "101" })),
            ("resource_prompt", json!({ "resourceId": "one" })),
            ("resource-prompt", json!({ "resourceType": "Film", "resourceId": "1" })),
            ("args-prompt", json!({ "state": "Texas" })),
            ("no-such-prompt", json!({})),
        ] {
            let params = json!({ "name": prompt, "arguments": arguments });
            let exchange = client.exchange("prompts/get", &params).await.unwrap();
            let response: Value = serde_json::from_slice(&exchange.response).unwrap();
            assert_eq!(response["error"]["code"], -32602, "{prompt}: {response}");
        }
    }
}

#[tokio::test]
async fn cmp_1_arguments_are_completed_with_the_same_values() {
    for client in each_era().await {
        for (prompt, argument, typed, expected) in [
            ("complex_prompt", "style", "f", vec!["formal", "friendly"]),
            ("complex_prompt", "style", "", vec!["casual", "formal", "technical", "friendly"]),
            ("complex_prompt", "temperature", "0", vec!["0", "0.5", "0.7"]),
            ("resource_prompt", "resourceId", "", vec!["1", "2", "3", "4", "5"]),
            ("completable-prompt", "department", "S", vec!["Sales", "Support"]),
            ("resource-prompt", "resourceType", "t", vec!["Text"]),
            ("resource-prompt", "resourceId", "17", vec!["17"]),
            ("completable-prompt", "name", "", vec![]),
        ] {
            let completed = client.complete_prompt(prompt, argument, typed).await.unwrap();
            assert_eq!(completed.values(), expected, "{prompt} {argument} {typed}");
        }
        assert!(client.complete_prompt("no-such-prompt", "style", "").await.is_err());
    }
}

#[tokio::test]
async fn cmp_1_completion_looks_at_the_other_arguments() {
    for client in each_era().await {
        for (department, typed, expected) in
            [("Engineering", "", json!(["Alice", "Bob", "Charlie"])), ("Support", "k", json!(["Kim"]))]
        {
            let params = json!({
                "ref": { "type": "ref/prompt", "name": "completable-prompt" },
                "argument": { "name": "name", "value": typed },
                "context": { "arguments": { "department": department } }
            });
            let completed: Value = client.request("completion/complete", &params).await.unwrap();
            assert_eq!(completed["completion"]["values"], expected);
        }
    }
}
