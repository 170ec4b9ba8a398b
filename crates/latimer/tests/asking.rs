//! Tools that ask, as their authors write and test them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::needless_pass_by_value, reason = "JSON reads best where it is written")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use latimer::prelude::*;
use latimer::wire::{CreateMessageParams, CreateMessageResult, ElicitAction, Root, SamplingContent};
use latimer::{RawJson, Revision, TestClient, TestError};

/// When a guest comes.
#[derive(Debug, PartialEq, Form)]
#[form(check = not_on_monday)]
struct When {
    /// The day.
    #[form(format = "date", title = "Day")]
    date: String,
    /// How many come.
    #[form(minimum = 1, maximum = 12, default = 2)]
    party: u8,
    #[form(min_length = 2, max_length = 40)]
    name: Option<String>,
    /// Between 0 and 1.
    #[form(name = "tip share", minimum = 0.0)]
    tip: Option<f64>,
    outside: bool,
    #[form(default = Course::Fish)]
    course: Course,
    #[form(min_items = 1, max_items = 2)]
    extras: Vec<Extra>,
    wishes: Option<Vec<Extra>>,
    #[form(default = "none")]
    r#type: String,
}

#[derive(Debug, PartialEq, FormChoice)]
enum Course {
    Fish,
    #[form(name = "meat")]
    Meat,
}

#[derive(Debug, Clone, PartialEq, FormChoice)]
enum Extra {
    #[form(title = "A bottle of wine")]
    Wine,
    Bread,
}

fn not_on_monday(when: &When) -> Result<(), &'static str> {
    if when.date == "2026-07-27" { Err("we are closed on Mondays") } else { Ok(()) }
}

fn raw(value: serde_json::Value) -> RawJson {
    RawJson::from_serialize(&value).unwrap()
}

#[test]
fn el_2_a_struct_is_a_form_of_flat_fields() {
    let schema: serde_json::Value = When::schema().to().unwrap();
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "properties": {
                "date": { "type": "string", "title": "Day", "description": "The day.", "format": "date" },
                "party": {
                    "type": "integer", "description": "How many come.", "minimum": 1, "maximum": 12, "default": 2,
                },
                "name": { "type": "string", "minLength": 2, "maxLength": 40 },
                "tip share": { "type": "number", "description": "Between 0 and 1.", "minimum": 0.0 },
                "outside": { "type": "boolean" },
                "course": { "type": "string", "enum": ["Fish", "meat"], "default": "Fish" },
                "extras": {
                    "type": "array",
                    "items": { "anyOf": [
                        { "const": "Wine", "title": "A bottle of wine" }, { "const": "Bread", "title": "Bread" },
                    ] },
                    "minItems": 1, "maxItems": 2,
                },
                "wishes": {
                    "type": "array",
                    "items": { "anyOf": [
                        { "const": "Wine", "title": "A bottle of wine" }, { "const": "Bread", "title": "Bread" },
                    ] },
                },
                "type": { "type": "string", "default": "none" },
            },
            "required": ["date", "outside", "extras"],
        })
    );
}

#[test]
fn el_3_what_was_filled_in_is_read() {
    let content = json!({
        "date": "2026-07-28", "party": 4.0, "tip share": 0.1, "outside": true, "course": "meat",
        "extras": ["Bread"], "wishes": [], "more": 1,
    });
    let when = When::read(&raw(content)).unwrap();
    let expected = When {
        date: "2026-07-28".to_owned(),
        party: 4,
        name: None,
        tip: Some(0.1),
        outside: true,
        course: Course::Meat,
        extras: vec![Extra::Bread],
        wishes: Some(Vec::new()),
        r#type: "none".to_owned(),
    };
    assert_eq!(when, expected);
    let fault = |content| When::read(&raw(content)).unwrap_err();
    assert_eq!(fault(json!({})), "/date: is missing");
    let wrong = json!({ "date": "d", "outside": true, "extras": ["Salt"] });
    assert_eq!(fault(wrong), "/extras: expected one of Wine, Bread");
}

#[derive(Form)]
struct Size {
    /// How many.
    count: u8,
    #[form(default = true)]
    warm: bool,
}

#[derive(Form)]
struct Sure {}

#[tool(requires(elicitation))]
async fn order(cx: &Context) -> Result<String, ToolError> {
    let size: Size = cx.elicit("size", "How many?").await?;
    Ok(format!("{} {}", size.count, if size.warm { "warm" } else { "cold" }))
}

#[tool]
async fn clear(cx: &Context) -> Result<&'static str, ToolError> {
    if !cx.can(Requirement::Elicitation) {
        return Ok("not asked");
    }
    Ok(match cx.elicit_answer::<Sure>("sure", "Clear all?").await? {
        Elicited::Accepted(_) => "cleared",
        Elicited::Declined => "kept",
        Elicited::Cancelled => "left",
    })
}

/// Whether a revision's clients show forms.
fn shows_forms(revision: Revision) -> bool {
    revision >= Revision::V2025_06_18
}

async fn every_era(client: &TestClient, mut test: impl AsyncFnMut(TestClient)) {
    for revision in Revision::ALL.into_iter().filter(|revision| shows_forms(*revision)) {
        test(client.revision(revision)).await;
    }
}

#[tokio::test]
async fn a_tool_asks_alike_in_every_era() {
    let client = Server::new("kitchen").tool(order).tool(clear).test().await.unwrap();
    every_era(&client, async |client| {
        let user = client.on_elicit(|asked| {
            assert_eq!(asked.message, "How many?");
            json!({ "count": 3 })
        });
        assert_eq!(user.call("order", json!({})).await.unwrap().text(), "3 warm");
        for (action, said) in [(ElicitAction::Decline, "declined"), (ElicitAction::Cancel, "turned away")] {
            let called = client.on_elicit(move |_| action).call("order", json!({})).await.unwrap();
            assert!(called.is_error() && called.text().contains(said), "{}", called.text());
        }
        for (answer, said) in [
            (ElicitAction::Accept, "cleared"),
            (ElicitAction::Decline, "kept"),
            (ElicitAction::Cancel, "left"),
        ] {
            let called = client.on_elicit(move |_| answer).call("clear", json!({})).await.unwrap();
            assert_eq!(called.text(), said);
        }
        assert_eq!(client.call("clear", json!({})).await.unwrap().text(), "not asked");
    })
    .await;
}

#[tokio::test]
async fn ver_7_what_is_required_is_demanded_before_anything_happens() {
    #[prompt(requires(sampling))]
    async fn poem() -> &'static str {
        "a poem"
    }
    #[resource("test://roots", requires(roots))]
    async fn listing() -> &'static str {
        "a list"
    }
    #[resource("test://roots/{name}", requires(elicitation_url, sampling_tools))]
    async fn one(name: String) -> String {
        name
    }
    let client =
        Server::new("s").tool(order).prompt(poem).resource(listing).resource(one).test().await.unwrap();
    let refusal = |outcome: Result<(), TestError>| match outcome {
        Err(TestError::Rpc(error)) => (error.code.0, error.data.map(|data| data.as_str().to_owned())),
        other => panic!("not refused: {other:?}"),
    };
    let required = |what: &str| (-32021, Some(format!("{{\"requiredCapabilities\":{what}}}")));
    assert_eq!(refusal(client.call("order", json!({})).await.map(drop)), required("{\"elicitation\":{}}"));
    assert_eq!(refusal(client.prompt("poem", json!({})).await.map(drop)), required("{\"sampling\":{}}"));
    assert_eq!(refusal(client.read("test://roots").await.map(drop)), required("{\"roots\":{}}"));
    let both = "{\"elicitation\":{\"url\":{}},\"sampling\":{\"tools\":{}}}";
    assert_eq!(refusal(client.read("test://roots/a").await.map(drop)), required(both));
    let old = client.revision(Revision::V2025_11_25);
    assert_eq!(refusal(old.call("order", json!({})).await.map(drop)), (-32602, None));
    assert_eq!(refusal(old.prompt("poem", json!({})).await.map(drop)), (-32602, None));
    let able = client.on_sample(|_| sampled("x")).with_roots([]);
    assert!(able.prompt("poem", json!({})).await.is_ok());
    assert!(able.read("test://roots").await.is_ok());
}

#[tokio::test]
async fn mrtr_6_an_answer_that_does_not_fit_is_asked_for_again_with_the_reason() {
    #[derive(Form)]
    #[form(check = Self::check_even)]
    struct Even {
        #[form(maximum = 10)]
        number: u8,
    }
    impl Even {
        fn check_even(&self) -> Result<(), String> {
            if self.number.is_multiple_of(2) { Ok(()) } else { Err(format!("{} is odd", self.number)) }
        }
    }
    #[tool]
    async fn even(cx: &Context) -> Result<u8, ToolError> {
        Ok(cx.elicit::<Even>("number", "An even number?").await?.number)
    }
    let client = Server::new("s").tool(even).test().await.unwrap();
    every_era(&client, async |client| {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let seen = messages.clone();
        let mut answers =
            [json!({ "number": 11 }), json!({ "number": 3 }), json!({ "number": 4 })].into_iter();
        let user = client.on_elicit(move |asked| {
            seen.lock().unwrap().push(asked.message);
            answers.next().unwrap()
        });
        assert_eq!(user.call("even", json!({})).await.unwrap().text(), "4");
        let messages = messages.lock().unwrap();
        assert_eq!(messages[0], "An even number?");
        assert!(
            messages[1].starts_with("An even number?\n\nThe last answer did not fit: /number: "),
            "{messages:?}"
        );
        assert_eq!(messages[2], "An even number?\n\nThe last answer did not fit: 3 is odd");
    })
    .await;
    // Nobody is asked for ever.
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let user = client.revision(revision).on_elicit(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            json!({ "number": 3 })
        });
        assert!(user.call("even", json!({})).await.unwrap().is_error());
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }
}

#[tokio::test]
async fn el_2_formats_are_what_the_user_is_held_to() {
    #[derive(Form)]
    struct Formats {
        #[form(format = "email")]
        mail: String,
        #[form(format = "uri")]
        page: String,
        #[form(format = "date")]
        day: String,
        #[form(format = "date-time")]
        moment: String,
    }
    #[tool]
    async fn formats(cx: &Context) -> Result<String, ToolError> {
        let Formats { mail, page, day, moment } = cx.elicit("f", "?").await?;
        Ok([mail, page, day, moment].join(" "))
    }
    let client = Server::new("s").tool(formats).test().await.unwrap();
    let good = json!({ "mail": "a@example.com", "page": "https://example.com", "day": "2026-07-28", "moment": "2026-07-28T12:00:00Z" });
    for field in ["mail", "page", "day", "moment"] {
        let mut bad = good.clone();
        bad[field] = json!("nonsense");
        let mut answers = [bad, good.clone()].into_iter();
        let mut asked = 0;
        let user = client.on_elicit(move |question| {
            asked += 1;
            assert_eq!(question.message.contains(field), asked == 2, "{}", question.message);
            answers.next().unwrap()
        });
        assert!(!user.call("formats", json!({})).await.unwrap().is_error());
    }
}

#[tokio::test]
async fn el_2_several_choices_are_not_asked_of_a_client_that_has_none() {
    #[derive(Form)]
    struct Extras {
        extras: Vec<Extra>,
    }
    #[tool]
    async fn extras(cx: &Context) -> Result<usize, ToolError> {
        Ok(cx.elicit::<Extras>("extras", "Which?").await?.extras.len())
    }
    let client = Server::new("s").tool(extras).test().await.unwrap();
    let client = client.on_elicit(|_| json!({ "extras": ["Wine", "Bread"] }));
    assert_eq!(client.call("extras", json!({})).await.unwrap().text(), "2");
    assert_eq!(client.revision(Revision::V2025_11_25).call("extras", json!({})).await.unwrap().text(), "2");
    let old = client.revision(Revision::V2025_06_18).call("extras", json!({})).await.unwrap();
    assert!(old.is_error() && old.text().contains("2025-11-25"), "{}", old.text());
}

fn sampled(text: &str) -> CreateMessageResult {
    serde_json::from_value(
        json!({ "role": "assistant", "content": { "type": "text", "text": text }, "model": "test" }),
    )
    .unwrap()
}

#[tokio::test]
async fn models_and_roots_are_asked_too() {
    #[tool]
    async fn both(cx: &Context) -> Result<String, ToolError> {
        let params = CreateMessageParams::text("Name a fish", 10);
        let (fish, roots) = tokio::join!(cx.sample("fish", params), cx.roots());
        let fish = fish?.content.0;
        let SamplingContent::Text(fish) = &fish[0] else { return Err(ToolError::new("no text")) };
        Ok(format!("{} {}", fish.text, roots?[0].uri))
    }
    let client = Server::new("s").tool(both).test().await.unwrap();
    let client = client
        .on_sample(|_| sampled("trout"))
        .with_roots([Root { uri: "file:///pond".to_owned(), ..Root::default() }]);
    for revision in Revision::ALL {
        let called = client.revision(revision).call("both", json!({})).await.unwrap();
        assert_eq!(called.text(), "trout file:///pond", "{revision}");
    }
}

#[tokio::test]
async fn el_5_a_page_comes_first_where_a_client_can_open_it() {
    #[tool]
    async fn pay(cx: &Context, paid: State<AtomicUsize>) -> Result<&'static str, ToolError> {
        if paid.load(Ordering::Relaxed) < 2 {
            // The page is done with when the handler runs for the third time.
            paid.fetch_add(1, Ordering::Relaxed);
            let ticket = cx.ticket("pay");
            return Err(UrlRequired::new("Pay here", "https://example.com/pay").with_ticket(&ticket).into());
        }
        Ok("paid")
    }
    let server = || Server::new("s").state(AtomicUsize::new(0)).tool(pay);

    let client = server().test().await.unwrap();
    let opened = Arc::new(AtomicUsize::new(0));
    let count = opened.clone();
    let user = client.on_elicit(move |asked| {
        assert_eq!((asked.url.as_deref(), &*asked.message), (Some("https://example.com/pay"), "Pay here"));
        count.fetch_add(1, Ordering::Relaxed);
        ElicitAction::Accept
    });
    assert_eq!(user.call("pay", json!({})).await.unwrap().text(), "paid");
    assert_eq!(opened.load(Ordering::Relaxed), 2, "each run without payment asks");

    let client = server().test().await.unwrap();
    let declined = client.on_elicit(|_| ElicitAction::Decline).call("pay", json!({})).await.unwrap();
    assert!(declined.is_error() && declined.text().contains("declined"));

    let code = |outcome| match outcome {
        Err(TestError::Rpc(error)) => error.code.0,
        other => panic!("no error: {other:?}"),
    };
    let client = server().test().await.unwrap();
    assert_eq!(code(client.call("pay", json!({})).await), -32021);
    let user = client.on_elicit(|_| ElicitAction::Accept);
    let Err(TestError::Rpc(error)) = user.revision(Revision::V2025_11_25).call("pay", json!({})).await else {
        panic!("no error");
    };
    let data: serde_json::Value = error.data.unwrap().to().unwrap();
    assert_eq!(error.code.0, -32042);
    assert_eq!(data["elicitations"][0]["url"], "https://example.com/pay");
    assert_eq!(data["elicitations"][0]["elicitationId"].as_str().map(str::len), Some(32));

    for revision in [Revision::V2025_11_25, Revision::V2025_06_18, Revision::V2024_11_05] {
        let client = server().test().await.unwrap().revision(revision);
        let called = client.call("pay", json!({})).await.unwrap();
        assert!(called.is_error() && called.text().contains("https://example.com/pay"), "{}", called.text());
    }
}
