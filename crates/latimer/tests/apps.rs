//! MCP Apps: pages, the tools that show them, and clients that know nothing of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use latimer::prelude::*;
use latimer::wire::{ResourceBody, UiVisibility};
use latimer::{App, ReadRequest, Revision};
use serde_json::Value;

const UI: &str = "io.modelcontextprotocol/ui";
const PAGE: &str = "text/html;profile=mcp-app";

/// The weather of a town.
#[tool(ui = "ui://weather/today")]
async fn weather(town: String, cx: &Context) -> String {
    if cx.has_ui() { format!("{town}: see the page") } else { format!("{town}: sunny, 22 °C, light wind") }
}

/// Fetches the weather again.
#[tool(ui = "ui://weather/today", visibility(app), inline)]
fn refresh() -> &'static str {
    "22 °C"
}

fn page() -> App {
    App::html("ui://weather/today", "today", "<!doctype html><title>Today</title>")
        .title("Today")
        .connects_to("https://api.weather.example")
        .loads_from("https://*.cdn.example")
        .geolocation()
        .domain("abc.host.example")
        .prefers_border(true)
}

fn server() -> Server {
    Server::new("weather").tool(weather).tool(refresh).resource(page())
}

async fn refusal(server: Server) -> String {
    server.build().await.unwrap_err().to_string()
}

async fn announced(client: &latimer::TestClient) -> Value {
    let result: Value = client.request("server/discover", &json!({})).await.unwrap();
    result["capabilities"]["extensions"].clone()
}

#[tokio::test]
async fn app_2_a_tool_names_its_page_and_who_may_call_it() {
    let client = server().test().await.unwrap();
    let tools = client.list_tools().await.unwrap();
    let meta: Vec<Value> = tools.iter().map(|tool| tool.meta.as_ref().unwrap().to().unwrap()).collect();
    let uri = "ui://weather/today";
    // It is the host that hides tools for pages alone from its model.
    assert_eq!(tools[0].name, "refresh");
    assert_eq!(
        meta[0],
        json!({ "ui": { "resourceUri": uri, "visibility": ["app"] }, "ui/resourceUri": uri })
    );
    assert_eq!(meta[1], json!({ "ui": { "resourceUri": uri }, "ui/resourceUri": uri }));
    assert_eq!(client.call("refresh", json!({})).await.unwrap().text(), "22 °C");
}

#[tokio::test]
async fn app_2_other_metadata_stays_beside_it_in_either_order() {
    let own = || latimer::RawJson::parse(r#"{"com.example/a":[1.50]}"#).unwrap();
    let both = r#"{"com.example/a":[1.50],"ui":{"visibility":["model"]}}"#;
    for tool in [
        weather().ui("ui://weather/today").meta(own()).visibility([UiVisibility::Model]),
        weather().visibility([UiVisibility::Model]).meta(own()),
    ] {
        let meta: Value = tool.definition().meta.as_ref().unwrap().to().unwrap();
        assert_eq!(meta["com.example/a"], json!([1.5]));
        assert_eq!(meta["ui"]["visibility"], json!(["model"]));
        assert_eq!(meta["ui"]["resourceUri"], "ui://weather/today");
    }
    let schema = json!({ "type": "object" });
    let tool = Tool::new("plain", &schema, |_, _| async {}).visibility([UiVisibility::Model]).meta(own());
    assert_eq!(tool.definition().meta.as_ref().unwrap().as_str(), both);
}

#[tokio::test]
async fn app_3_a_page_has_its_type_and_says_what_its_sandbox_has_to_let_it_do() {
    let client = server().test().await.unwrap();
    let ui = json!({
        "csp": {
            "connectDomains": ["https://api.weather.example"],
            "resourceDomains": ["https://*.cdn.example"]
        },
        "permissions": { "geolocation": {} },
        "domain": "abc.host.example",
        "prefersBorder": true
    });
    let listed = client.list_resources().await.unwrap();
    assert_eq!((listed[0].mime_type.as_deref(), listed[0].title.as_deref()), (Some(PAGE), Some("Today")));
    assert_eq!(listed[0].meta.as_ref().unwrap().to::<Value>().unwrap()["ui"], ui);
    let read = client.read("ui://weather/today").await.unwrap();
    let contents = &read.contents[0];
    assert_eq!(contents.mime_type.as_deref(), Some(PAGE));
    assert_eq!(contents.body, ResourceBody::Text("<!doctype html><title>Today</title>".to_owned()));
    assert_eq!(contents.meta.as_ref().unwrap().to::<Value>().unwrap(), json!({ "ui": ui }));
}

#[tokio::test]
async fn app_3_pages_may_be_made_when_they_are_read() {
    let page = App::new("ui://towns/{town}", "town", |request: ReadRequest, _| async move {
        format!("<!doctype html><title>{}</title>", request.variables[0].1).into_bytes()
    });
    let shows =
        Tool::new("town", &json!({ "type": "object" }), |_, _| async { "Rome" }).ui("ui://towns/rome");
    let client = Server::new("towns").tool(shows).resource(page).test().await.unwrap();
    let read = client.read("ui://towns/rome").await.unwrap();
    assert_eq!(read.contents[0].mime_type.as_deref(), Some(PAGE));
    assert!(matches!(read.contents[0].body, ResourceBody::Blob(_)));
    assert_eq!(read.contents[0].meta, None);
}

#[tokio::test]
async fn app_1_a_tool_can_tell_whether_its_page_is_shown() {
    let client = server().test().await.unwrap();
    let text = async |client: &latimer::TestClient| {
        client.call("weather", json!({ "town": "Rome" })).await.unwrap().text()
    };
    assert_eq!(text(&client).await, "Rome: sunny, 22 °C, light wind");
    for (mime_type, expected) in
        [(PAGE, "Rome: see the page"), ("text/html", "Rome: sunny, 22 °C, light wind")]
    {
        let declared = json!({ "extensions": { UI: { "mimeTypes": [mime_type] } } });
        let client = client.capabilities(declared).unwrap();
        assert_eq!(text(&client).await, expected);
        assert_eq!(text(&client.revision(Revision::V2025_11_25)).await, expected);
    }
}

#[tokio::test]
async fn app_1_an_old_client_gets_a_tool_that_works() {
    let client = server().test().await.unwrap();
    for revision in [Revision::V2024_11_05, Revision::V2025_03_26] {
        let client = client.revision(revision);
        let tools = client.list_tools().await.unwrap();
        assert!(tools.iter().all(|tool| tool.meta.is_none()), "{revision}");
        let called = client.call("weather", json!({ "town": "Rome" })).await.unwrap();
        assert_eq!(called.text(), "Rome: sunny, 22 °C, light wind");
        assert_eq!(client.read("ui://weather/today").await.unwrap().contents[0].meta, None);
    }
}

#[tokio::test]
async fn ver_10_the_extension_is_announced_as_long_as_there_is_a_page_or_a_tool_with_one() {
    assert_eq!(announced(&server().test().await.unwrap()).await, json!({ UI: {} }));
    let only_page = Server::new("s").resource(page()).test().await.unwrap();
    assert_eq!(announced(&only_page).await, json!({ UI: {} }));
    let server = Server::new("s").tool(Tool::new("plain", &json!({ "type": "object" }), |_, _| async {}));
    let handle = server.handle();
    let client = server.test().await.unwrap();
    assert_eq!(announced(&client).await, Value::Null);
    handle.add_resource(page()).unwrap();
    assert_eq!(announced(&client).await, json!({ UI: {} }));
    handle.remove_resource("ui://weather/today").unwrap();
    assert_eq!(announced(&client).await, Value::Null);
}

#[tokio::test]
async fn faulty_pages_are_refused_with_the_mend() {
    let none = refusal(Server::new("s").tool(weather)).await;
    assert!(none.contains("tool \"weather\"") && none.contains(".resource(App::html(\"ui://weather/today\""));
    let elsewhere = App::html("https://weather.example/", "page", "<!doctype html>");
    assert!(refusal(Server::new("s").resource(elsewhere)).await.contains("\"ui://\""));
    let loose = page().connects_to("https://a.example; script-src *");
    assert!(refusal(Server::new("s").resource(loose)).await.contains("is not an origin"));
    let tool = weather().ui("https://weather.example/");
    assert!(refusal(Server::new("s").tool(tool).resource(page())).await.contains("not at a \"ui://\" URI"));
    let meta = weather().meta(latimer::RawJson::null());
    assert!(refusal(Server::new("s").tool(meta).resource(page())).await.contains("no object"));
}
