//! From a schema's text to a compiled validator, or to a reason that its author can act on.

use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ReferencingError, ValidationError, uri};
use latimer_protocol::scan::ScanError;
use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};
use serde_json::Value;

use super::bounds;
use super::documents::{Documents, Reached, registry};
use super::instance::TapeJson;

/// How schemas are compiled. The default is what MCP asks for.
#[derive(Debug, Clone)]
pub struct Options {
    assert_formats: bool,
    max_bytes: usize,
    documents: Option<(Box<str>, Arc<dyn Documents>)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { assert_formats: false, max_bytes: Self::MAX_BYTES, documents: None }
    }
}

impl Options {
    /// The size of a schema that is accepted unless another one is set: 256 KiB.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Makes `format` an assertion. In JSON Schema 2020-12 it is an annotation, and that is the default.
    #[must_use]
    pub fn assert_formats(mut self, yes: bool) -> Self {
        self.assert_formats = yes;
        self
    }

    /// Sets the largest schema that is accepted, in bytes, and how many the documents that it refers to may have in all. A
    /// compiled schema takes up to about 100 times its size while it is compiled.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Lets references lead to other documents. The schema itself is at the absolute URI `base`, from which its relative
    /// references lead, unless its `$id` says otherwise.
    #[must_use]
    pub fn documents(mut self, base: impl Into<Box<str>>, documents: Arc<dyn Documents>) -> Self {
        self.documents = Some((base.into(), documents));
        self
    }

    /// Where a schema is, if it may refer to other documents.
    pub(super) fn base_of(&self, schema: &str) -> Option<Box<str>> {
        let (base, _) = self.documents.as_ref()?;
        let mut buffer = TapeBuffer::new();
        let root = Tape::parse_into(&mut buffer, schema).ok()?.root();
        let own = root.get("$id").and_then(Node::as_str).and_then(|id| {
            let base = uri::from_str(base).ok()?;
            uri::resolve_against(&base.borrow(), &id).ok()
        });
        Some(own.map_or_else(|| base.clone(), |own| own.as_str().trim_end_matches('#').into()))
    }
}

/// Why a schema cannot be used for validation (TOOL-4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not JSON, or could be read in two ways.
    #[error("schema cannot be read: {0}")]
    Json(#[from] ScanError),

    /// The schema is neither an object nor a boolean.
    #[error("a schema must be an object, true or false")]
    NotASchema,

    /// The schema is too large to compile.
    #[error("schema has {bytes} bytes, more than the {limit} that are accepted")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit that was set.
        limit: usize,
    },

    /// Too many schemas apply to one value: more than 16 through each other, or more than 4,096 in all.
    #[error(
        "schema is too complex: no more than 16 schemas may apply to one value through each other ($ref, allOf, anyOf, \
         oneOf, not, if), and 4,096 in all"
    )]
    TooComplex,

    /// `$schema` names a dialect other than 2020-12, 2019-09 and draft-07.
    #[error(
        "unsupported JSON Schema dialect {dialect}; use https://json-schema.org/draft/2020-12/schema (the default when \
         $schema is absent), https://json-schema.org/draft/2019-09/schema or http://json-schema.org/draft-07/schema#"
    )]
    UnknownDialect {
        /// What `$schema` says.
        dialect: Box<str>,
    },

    /// A reference leads out of the schema. References are never followed to the network or a file.
    #[error("$ref leads to {uri}, outside of the schema; put what it refers to under $defs")]
    ExternalReference {
        /// Where it leads.
        uri: Box<str>,
    },

    /// A reference leads to a document that is not there.
    #[error("$ref leads to {uri}, and there is no such schema")]
    UnknownDocument {
        /// Where it leads.
        uri: Box<str>,
    },

    /// A reference leads to a document that cannot be read.
    #[error("$ref leads to {uri}, which cannot be read: {reason}")]
    Document {
        /// Where it leads.
        uri: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },

    /// A reference leads to nothing.
    #[error("unresolved reference: {reason}")]
    UnresolvedReference {
        /// What could not be found.
        reason: Box<str>,
    },

    /// A pattern is no regular expression, needs what cannot be matched in linear time, or takes too much memory.
    #[error("{pointer}: pattern {pattern} cannot be used: {reason}")]
    Pattern {
        /// Where it stands in the schema, as a JSON Pointer.
        pointer: Box<str>,
        /// The pattern.
        pattern: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },

    /// A keyword has a value that its dialect does not allow.
    #[error("{pointer}: {reason}")]
    Keyword {
        /// Where it stands in the schema, as a JSON Pointer.
        pointer: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
}

pub(super) type Compiled = jsonschema::Validator<TapeJson>;

/// Compiles the schema in `text`.
pub(super) fn compile(text: &str, options: &Options) -> Result<Compiled, SchemaError> {
    if text.len() > options.max_bytes {
        return Err(SchemaError::TooLarge { bytes: text.len(), limit: options.max_bytes });
    }
    let mut buffer = TapeBuffer::new();
    let root = Tape::parse_into(&mut buffer, text)?.root();
    if !matches!(root.kind(), Kind::Object | Kind::Bool) {
        return Err(SchemaError::NotASchema);
    }
    let draft = dialect(root)?;
    if options.documents.is_none() {
        bounds::check(root.tape())?;
    }
    // The tape has found the text sound, so all that can still fail is a number past what a double holds.
    let schema: Value = serde_json::from_str(text)
        .map_err(|error| SchemaError::Keyword { pointer: "".into(), reason: error.to_string().into() })?;

    let compiler = jsonschema::options_for::<TapeJson>()
        .with_draft(draft)
        .offline()
        .should_validate_formats(options.assert_formats)
        // draft-07 makes these assertions, and decodes and parses strings for them: memory without a bound.
        .without_content_media_type_support("application/json")
        .without_content_encoding_support("base64")
        .with_pattern_options(PatternOptions::regex().size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES));
    let Some((base, documents)) = &options.documents else {
        return compiler.build(&schema).map_err(refusal);
    };
    let reached = Reached::new(documents.clone(), options.max_bytes);
    let registry = registry(&reached, draft, base, &schema)
        .map_err(|error| reached.refusal().unwrap_or_else(|| unresolved(&error)))?;
    bounds::check_all((base, text), &reached.texts())?;
    compiler.with_base_uri(&**base).with_registry(&registry).build(&schema).map_err(refusal)
}

/// What one regular expression may take when compiled, and again while it matches.
const REGEX_BYTES: usize = 256 * 1024;

/// The longest piece of a schema that an error repeats.
const ECHO: usize = 200;

fn dialect(root: Node<'_>) -> Result<Draft, SchemaError> {
    let Some(dialect) = root.get("$schema") else { return Ok(Draft::Draft202012) };
    let dialect = dialect.as_str().unwrap_or("that is not a string".into());
    let name = dialect.strip_suffix('#').unwrap_or(&dialect);
    match name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")) {
        Some("json-schema.org/draft/2020-12/schema") => Ok(Draft::Draft202012),
        Some("json-schema.org/draft/2019-09/schema") => Ok(Draft::Draft201909),
        Some("json-schema.org/draft-07/schema") => Ok(Draft::Draft7),
        _ => Err(SchemaError::UnknownDialect { dialect: clip(&dialect) }),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the end of the error that `map_err` hands over")]
fn refusal(error: ValidationError<'static>) -> SchemaError {
    let pointer: Box<str> = clip(error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::Referencing(error) => unresolved(error),
        ValidationErrorKind::Format { format } if format == "regex" => {
            let pattern = error.instance().as_str().unwrap_or_default();
            SchemaError::Pattern { pointer, pattern: clip(pattern), reason: fault(pattern) }
        }
        _ => SchemaError::Keyword { pointer, reason: clip(&error.to_string()) },
    }
}

/// Why a pattern cannot be compiled: the validator does not say.
fn fault(pattern: &str) -> Box<str> {
    use regex_syntax::ast::ErrorKind;

    match regex_syntax::parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => match error.kind() {
            ErrorKind::UnsupportedLookAround | ErrorKind::UnsupportedBackreference => {
                "look-around and back-references are not supported".into()
            }
            kind => format!("it is no regular expression: {kind}").into(),
        },
        Err(regex_syntax::Error::Translate(error)) => {
            format!("it is no regular expression: {}", error.kind()).into()
        }
        _ => format!("it takes more than {} KiB; repeat less in it", REGEX_BYTES / 1024).into(),
    }
}

fn unresolved(error: &ReferencingError) -> SchemaError {
    match error {
        ReferencingError::Unretrievable { uri, .. } => SchemaError::ExternalReference { uri: clip(uri) },
        ReferencingError::UnknownSpecification { specification } => {
            SchemaError::UnknownDialect { dialect: clip(specification) }
        }
        error => SchemaError::UnresolvedReference { reason: clip(&error.to_string()) },
    }
}

fn clip(text: &str) -> Box<str> {
    match text.char_indices().nth(ECHO) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(schema: &str) -> SchemaError {
        compile(schema, &Options::default()).expect_err(schema)
    }

    #[test]
    fn tool_4_the_dialects_of_mcp_are_supported_and_2020_12_is_the_default() {
        for (schema, draft) in [
            (r#"{}"#, Draft::Draft202012),
            (r#"true"#, Draft::Draft202012),
            (r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#, Draft::Draft202012),
            (r#"{"$schema":"https://json-schema.org/draft/2019-09/schema#"}"#, Draft::Draft201909),
            (r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#, Draft::Draft7),
            (r#"{"$schema":"http://json-schema.org/draft-07/schema"}"#, Draft::Draft7),
        ] {
            assert_eq!(compile(schema, &Options::default()).unwrap().draft(), draft, "{schema}");
        }
    }

    #[test]
    fn tool_4_an_unknown_dialect_is_named() {
        for dialect in ["https://example.com/mine", "http://json-schema.org/draft-04/schema#", ""] {
            let error = refused(&format!(r#"{{"$schema":"{dialect}"}}"#));
            assert_eq!(error, SchemaError::UnknownDialect { dialect: dialect.into() });
        }
        assert!(matches!(refused(r#"{"$schema":7}"#), SchemaError::UnknownDialect { .. }));
    }

    #[test]
    fn tool_4_an_external_reference_is_refused_and_named() {
        for uri in ["https://example.com/name.json", "http://127.0.0.1:1/x", "file:///etc/passwd"] {
            let error = refused(&format!(r#"{{"properties":{{"a":{{"$ref":"{uri}#/x"}}}}}}"#));
            assert_eq!(error, SchemaError::ExternalReference { uri: uri.into() });
        }
        assert!(refused(r#"{"$ref":"other.json"}"#).to_string().contains("other.json"));
    }

    #[test]
    fn a_reference_to_nothing_is_refused_when_compiling() {
        assert!(matches!(refused(r##"{"$ref":"#/$defs/absent"}"##), SchemaError::UnresolvedReference { .. }));
        assert!(matches!(refused(r##"{"$ref":"#absent"}"##), SchemaError::UnresolvedReference { .. }));
    }

    #[test]
    fn a_pattern_that_cannot_be_compiled_is_refused_with_its_place_and_the_reason() {
        for (pattern, why) in [
            (r"(?=a)b", "look-around and back-references are not supported"),
            (r"(a)\\1", "look-around and back-references are not supported"),
            (r"(", "it is no regular expression: unclosed group"),
            (r"[z-a]", "it is no regular expression: invalid character class range"),
            (r"\\p{Nothing}", "it is no regular expression: Unicode property not found"),
            ("(a{9999}){9999}", "it takes more than 256 KiB; repeat less in it"),
        ] {
            let error = refused(&format!(r#"{{"properties":{{"a":{{"pattern":"{pattern}"}}}}}}"#));
            let SchemaError::Pattern { pointer, reason, .. } = error else { panic!("{pattern}: {error}") };
            assert_eq!(&*pointer, "/properties/a/pattern");
            assert!(reason.starts_with(why), "{pattern}: {reason}");
        }
    }

    #[test]
    fn a_wrong_keyword_is_refused_with_its_place() {
        let SchemaError::Keyword { pointer, .. } = refused(r#"{"properties":{"a":{"type":"text"}}}"#) else {
            panic!("a keyword error")
        };
        assert_eq!(&*pointer, "/properties/a/type");
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(matches!(refused(""), SchemaError::Json(_)));
        assert!(matches!(refused(r#"{"a":1,"a":2}"#), SchemaError::Json(_)));
        assert!(matches!(refused(&"[".repeat(1_000_000)), SchemaError::TooLarge { .. }));
        assert!(matches!(
            refused(&format!("{}{}", r#"{"not":"#.repeat(129), "}".repeat(129))),
            SchemaError::Json(_)
        ));
        for text in ["null", "1", "\"\"", "[]"] {
            assert_eq!(refused(text), SchemaError::NotASchema);
        }
    }
}
