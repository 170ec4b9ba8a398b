//! The few members of a definition that the server itself reads.

use std::borrow::Cow;

use latimer_protocol::wire::ToolExecution;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolIndex<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) input_schema: &'a RawValue,
    #[serde(borrow, default)]
    pub(super) output_schema: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) execution: Option<ToolExecution>,
}

#[derive(Deserialize)]
pub(super) struct ResourceIndex<'a> {
    #[serde(borrow)]
    pub(super) uri: Cow<'a, str>,
    // Read so that a definition without it is refused (RSC-2).
    #[serde(borrow, rename = "name")]
    _name: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TemplateIndex<'a> {
    #[serde(borrow)]
    pub(super) uri_template: Cow<'a, str>,
    #[serde(borrow, rename = "name")]
    _name: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct PromptIndex<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) arguments: Vec<ArgumentIndex<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ArgumentIndex<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(default)]
    pub(super) required: bool,
}
