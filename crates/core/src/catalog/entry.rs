//! Entries of the catalog, checked and compiled once.

use std::fmt;
use std::sync::Arc;

use latimer_protocol::codec::param_header::ParamHeader;
use latimer_protocol::wire::TaskSupport;
use latimer_protocol::{Arguments, RawJson};

use super::index::{PromptIndex, ResourceIndex, TemplateIndex, ToolIndex};
use super::name;
use super::template::UriTemplate;
use crate::source::{Definition, Requirement, Source};
use crate::validate::{Validator, Violations};

/// What all entries have in common.
struct Common {
    key: Box<str>,
    json: RawJson,
    scopes: Box<[String]>,
    requires: Box<[Requirement]>,
    source: Arc<dyn Source>,
}

/// A tool.
pub struct ToolEntry {
    common: Common,
    input: Validator,
    output: Option<Validator>,
    headers: Vec<ParamHeader>,
    task: TaskSupport,
    resumable: bool,
    checks_arguments: bool,
}

/// A resource.
pub struct ResourceEntry {
    common: Common,
}

/// A resource template.
pub struct TemplateEntry {
    common: Common,
    template: UriTemplate,
}

/// A prompt.
pub struct PromptEntry {
    common: Common,
    arguments: Box<[Argument]>,
}

/// An argument of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: Box<str>,
    pub(crate) required: bool,
}

/// Where an entry stands in its list and who may see it.
pub(crate) trait Entry: Sized {
    /// The name or URI by which it is found and sorted.
    fn key(&self) -> &str;
    /// The definition as it goes over the wire.
    fn json(&self) -> &RawJson;
    /// The scopes without which it does not exist for a principal.
    fn scopes(&self) -> &[String];
    /// What the client must be able to do (VER-7).
    fn requires(&self) -> &[Requirement];
    /// Who answers its calls.
    fn source(&self) -> &Arc<dyn Source>;
    /// Checks and compiles a definition.
    fn new(source: &Arc<dyn Source>, definition: Definition) -> Result<Self, String>;
}

macro_rules! entry {
    ($entry:ident, $key:ident, $what:literal, |$source:ident, $definition:ident| $new:block) => {
        impl $entry {
            #[doc = $what]
            pub fn $key(&self) -> &str {
                &self.common.key
            }

            /// The definition as it goes over the wire, in the newest form.
            pub fn json(&self) -> &RawJson {
                &self.common.json
            }
        }

        impl Entry for $entry {
            fn key(&self) -> &str {
                &self.common.key
            }

            fn json(&self) -> &RawJson {
                &self.common.json
            }

            fn scopes(&self) -> &[String] {
                &self.common.scopes
            }

            fn requires(&self) -> &[Requirement] {
                &self.common.requires
            }

            fn source(&self) -> &Arc<dyn Source> {
                &self.common.source
            }

            fn new($source: &Arc<dyn Source>, $definition: Definition) -> Result<Self, String> $new
        }

        impl fmt::Debug for $entry {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($entry)).field("key", &self.common.key).finish_non_exhaustive()
            }
        }
    };
}

entry!(ToolEntry, name, "The tool's name.", |source, definition| {
    let index: ToolIndex<'_> =
        serde_json::from_str(definition.json.as_str()).map_err(|error| error.to_string())?;
    name::check(&index.name).map_err(|error| format!("\"{}\": {error}", index.name))?;
    let named = |what: &str, error: &dyn fmt::Display| format!("\"{}\": {what}: {error}", index.name);
    let input =
        Validator::compile(index.input_schema.get()).map_err(|error| named("its inputSchema", &error))?;
    let output = index.output_schema.map(|schema| Validator::compile(schema.get())).transpose();
    let output = output.map_err(|error| named("its outputSchema", &error))?;
    let headers =
        ParamHeader::extract(index.input_schema.get()).map_err(|error| named("its inputSchema", &error))?;
    let key = index.name.as_ref().into();
    Ok(Self {
        input,
        output,
        headers,
        resumable: definition.resumable,
        checks_arguments: definition.checks_arguments,
        task: index.execution.and_then(|execution| execution.task_support).unwrap_or_default(),
        common: Common::new(key, source, definition),
    })
});

entry!(ResourceEntry, uri, "The resource's URI.", |source, definition| {
    let index: ResourceIndex<'_> =
        serde_json::from_str(definition.json.as_str()).map_err(|error| error.to_string())?;
    if !has_scheme(&index.uri) {
        return Err(format!(
            "\"{}\" is not a URI; it has to begin with a scheme such as \"file:\"",
            index.uri
        ));
    }
    let key = index.uri.as_ref().into();
    Ok(Self { common: Common::new(key, source, definition) })
});

entry!(TemplateEntry, uri_template, "The URI template (RFC 6570).", |source, definition| {
    let index: TemplateIndex<'_> =
        serde_json::from_str(definition.json.as_str()).map_err(|error| error.to_string())?;
    let template = UriTemplate::parse(&index.uri_template)
        .map_err(|error| format!("\"{}\": {error}", index.uri_template))?;
    let key = index.uri_template.as_ref().into();
    Ok(Self { template, common: Common::new(key, source, definition) })
});

entry!(PromptEntry, name, "The prompt's name.", |source, definition| {
    let index: PromptIndex<'_> =
        serde_json::from_str(definition.json.as_str()).map_err(|error| error.to_string())?;
    name::check(&index.name).map_err(|error| format!("\"{}\": {error}", index.name))?;
    let arguments = index
        .arguments
        .iter()
        .map(|argument| Argument { name: argument.name.as_ref().into(), required: argument.required });
    let arguments = arguments.collect();
    let key = index.name.as_ref().into();
    Ok(Self { arguments, common: Common::new(key, source, definition) })
});

impl Common {
    fn new(key: Box<str>, source: &Arc<dyn Source>, definition: Definition) -> Self {
        let Definition { json, requires, scopes, .. } = definition;
        Self { key, json, scopes: scopes.into(), requires: requires.into(), source: source.clone() }
    }
}

impl ToolEntry {
    /// What its arguments are checked against.
    pub fn input(&self) -> &Validator {
        &self.input
    }

    /// What its structured content is checked against, if it promises any (TOOL-7).
    pub(crate) fn output(&self) -> Option<&Validator> {
        self.output.as_ref()
    }

    /// What the client must be able to do.
    pub fn requires(&self) -> &[Requirement] {
        &self.common.requires
    }

    /// Whether a task of it may be run again when the server that ran it has gone.
    pub fn is_resumable(&self) -> bool {
        self.resumable
    }

    /// Checks arguments against its input schema, unless its source does that itself.
    pub(crate) fn check_arguments(&self, arguments: &Arguments) -> Result<(), Violations> {
        match arguments.tape() {
            _ if self.checks_arguments => Ok(()),
            Some(tape) => self.input.check_tape(tape),
            None => self.input.check(arguments.as_str()),
        }
    }

    /// Whether its calls may or must be tasks (T11-2).
    pub fn task_support(&self) -> TaskSupport {
        self.task
    }

    /// The arguments that headers mirror over HTTP (XH-1).
    pub fn headers(&self) -> &[ParamHeader] {
        &self.headers
    }
}

impl TemplateEntry {
    pub(crate) fn template(&self) -> &UriTemplate {
        &self.template
    }
}

impl PromptEntry {
    pub(crate) fn arguments(&self) -> &[Argument] {
        &self.arguments
    }
}

/// Whether the text begins with a URI scheme (RFC 3986 §3.1).
fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}
