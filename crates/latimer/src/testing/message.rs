//! What the test client sends and reads.

use latimer_protocol::wire::{Prompt, Resource, ResourceTemplate, Tool};
use latimer_protocol::{RawJson, RpcError};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct Named<'a, A> {
    pub(super) name: &'a str,
    pub(super) arguments: A,
}

#[derive(Serialize)]
pub(super) struct Complete<'a> {
    #[serde(rename = "ref")]
    pub(super) reference: Reference<'a>,
    pub(super) argument: Argument<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Reference<'a> {
    #[serde(rename = "ref/prompt")]
    Prompt { name: &'a str },
    #[serde(rename = "ref/resource")]
    Resource { uri: &'a str },
}

#[derive(Serialize)]
pub(super) struct Argument<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Notification {
    pub(super) method: String,
    pub(super) params: RawJson,
}

#[derive(Deserialize)]
pub(super) struct Response {
    pub(super) result: Option<RawJson>,
    pub(super) error: Option<WireError>,
}

#[derive(Deserialize)]
pub(super) struct WireError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<RawJson>,
}

impl From<WireError> for RpcError {
    fn from(error: WireError) -> Self {
        let rpc = Self::new(latimer_protocol::ErrorCode(error.code), error.message);
        match error.data {
            Some(data) => rpc.with_data(data),
            None => rpc,
        }
    }
}

macro_rules! pages {
    ($($page:ident { $items:ident: $item:ty })*) => {$(
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $page {
            pub(super) $items: Vec<$item>,
            pub(super) next_cursor: Option<String>,
        }
    )*};
}

pages! {
    ToolPage { tools: Tool }
    ResourcePage { resources: Resource }
    TemplatePage { resource_templates: ResourceTemplate }
    PromptPage { prompts: Prompt }
}
