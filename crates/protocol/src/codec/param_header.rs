//! Tool arguments that HTTP requests repeat as headers (`x-mcp-header`, XH-1 to XH-5), so that whoever stands
//! between client and server can route by them.

use std::borrow::Cow;
use std::fmt;

use super::sentinel;
use crate::rewrite::{decode_string, elements, member, members};

mod integer;

/// What every such header's name begins with.
pub const PREFIX: &str = "Mcp-Param-";

/// The keyword that marks a property.
const KEYWORD: &str = "x-mcp-header";

/// A property of an input schema that travels as a header too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    name: String,
    path: Vec<String>,
    kind: Kind,
}

/// The types that a header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    String,
    Integer,
    Boolean,
}

/// Why an annotation of an input schema is invalid, so that the tool must not be offered over HTTP (XH-3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read x-mcp-header at {}: {reason}", Pointer(.path))]
pub struct AnnotationError {
    path: Vec<String>,
    /// What is wrong with it.
    pub reason: AnnotationFault,
}

/// What is wrong with an annotation (XH-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationFault {
    /// Its value is no string.
    #[error("its value must be a string")]
    NotAString,
    /// Its value is empty, or holds what the name of a header may not.
    #[error("its value must be a non-empty token of letters, digits and !#$%&'*+-.^_`|~")]
    NotAToken,
    /// Another property has the same name.
    #[error("another property has the same name; names are compared without case")]
    Repeated,
    /// The property is of another type.
    #[error("the property must have the type string, integer or boolean")]
    Type,
    /// The property lies in a part of the schema that need not apply.
    #[error("the property must be reachable through \"properties\" alone")]
    Unreachable,
}

/// Why an argument cannot travel as a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// The argument is of another type than its schema says.
    #[error("write the header: the argument is not of the type that its schema names")]
    Type,
    /// The integer is beyond ±(2^53−1).
    #[error("write the header: the integer is beyond ±(2^53−1)")]
    Range,
}

/// How a header and its argument disagree (XH-5); the answer is -32020.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The argument is there and the header is not.
    #[error("the header is missing; send it with the argument's value")]
    Missing,
    /// The header is there and the argument is not, or is null.
    #[error("the header is there but its argument is not; leave the header out")]
    Unexpected,
    /// The header's value cannot be decoded.
    #[error("the header is malformed; {0}")]
    Malformed(#[from] sentinel::SentinelError),
    /// The two differ.
    #[error("the header's value is not that of the argument")]
    Different,
}

impl ParamHeader {
    /// Finds the annotated properties of an input schema.
    ///
    /// # Errors
    /// When an annotation breaks a rule. A schema that is malformed, or no object, has no annotations.
    pub fn extract(input_schema: &str) -> Result<Vec<Self>, AnnotationError> {
        let mut found = Found::default();
        // An escape could spell the keyword in another way.
        if input_schema.contains(KEYWORD) || input_schema.contains("\\u") {
            found.schema(input_schema, true)?;
        }
        Ok(found.headers)
    }

    /// The name of the header: `Mcp-Param-` and the annotation's value.
    pub fn header_name(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    /// The names that lead from the arguments to the property.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The property's value in `arguments` (JSON text), unless it is absent or null (XH-4).
    pub fn argument<'a>(&self, arguments: &'a str) -> Option<&'a str> {
        let value =
            self.path.iter().try_fold(arguments, |object, name| member(object, name).ok().flatten())?;
        (value != "null").then_some(value)
    }

    /// The header's value for these arguments (XH-4): `None` if there must be no header.
    ///
    /// # Errors
    /// When the argument is not of the type that its schema names, or beyond what a header may carry.
    pub fn value(&self, arguments: &str) -> Result<Option<String>, ArgumentError> {
        let Some(raw) = self.argument(arguments) else { return Ok(None) };
        let text = match self.kind {
            Kind::String => decode_string(raw).ok_or(ArgumentError::Type)?,
            Kind::Boolean if matches!(raw, "true" | "false") => Cow::Borrowed(raw),
            Kind::Boolean => return Err(ArgumentError::Type),
            Kind::Integer => Cow::Owned(integer::parse(raw)?.to_string()),
        };
        Ok(Some(sentinel::encode(&text).into_owned()))
    }

    /// Whether the header and the arguments of a request say the same (XH-5). Integers are compared as numbers.
    ///
    /// # Errors
    /// When they do not; the error says how.
    pub fn check(&self, header: Option<&str>, arguments: Option<&str>) -> Result<(), Mismatch> {
        match (header, arguments.and_then(|arguments| self.argument(arguments))) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Mismatch::Missing),
            (Some(_), None) => Err(Mismatch::Unexpected),
            (Some(header), Some(raw)) => {
                let header = sentinel::decode(header)?;
                if self.equal(&header, raw) { Ok(()) } else { Err(Mismatch::Different) }
            }
        }
    }

    fn equal(&self, header: &str, raw: &str) -> bool {
        match self.kind {
            Kind::String => decode_string(raw).is_some_and(|text| text == header),
            Kind::Boolean => matches!(raw, "true" | "false") && raw == header,
            Kind::Integer => {
                matches!((integer::parse(header), integer::parse(raw)), (Ok(ours), Ok(theirs)) if ours == theirs)
            }
        }
    }
}

#[derive(Default)]
struct Found {
    headers: Vec<ParamHeader>,
    path: Vec<String>,
}

impl Found {
    /// Looks at one schema. The text's nesting bounds the recursion: [`members`] refuses what lies too deep.
    fn schema(&mut self, schema: &str, reachable: bool) -> Result<(), AnnotationError> {
        for (keyword, value) in members(schema).map_while(Result::ok) {
            match &*keyword {
                KEYWORD => self.annotation(schema, value, reachable)?,
                "properties" => self.each(&keyword, value, reachable)?,
                "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies" => {
                    self.each(&keyword, value, false)?;
                }
                "allOf"
                | "anyOf"
                | "oneOf"
                | "prefixItems"
                | "items"
                | "additionalItems"
                | "not"
                | "if"
                | "then"
                | "else"
                | "additionalProperties"
                | "contains"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contentSchema" => self.applied(&keyword, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Schemas by name.
    fn each(&mut self, keyword: &str, schemas: &str, reachable: bool) -> Result<(), AnnotationError> {
        for (name, schema) in members(schemas).map_while(Result::ok) {
            let depth = self.path.len();
            if !reachable {
                self.path.push(keyword.to_owned());
            }
            self.path.push(name.into_owned());
            self.schema(schema, reachable)?;
            self.path.truncate(depth);
        }
        Ok(())
    }

    /// One schema or several, applied in place.
    fn applied(&mut self, keyword: &str, schemas: &str) -> Result<(), AnnotationError> {
        self.path.push(keyword.to_owned());
        if schemas.starts_with('[') {
            for schema in elements(schemas).map_while(Result::ok) {
                self.schema(schema, false)?;
            }
        } else {
            self.schema(schemas, false)?;
        }
        self.path.pop();
        Ok(())
    }

    fn annotation(&mut self, schema: &str, value: &str, reachable: bool) -> Result<(), AnnotationError> {
        let header = self
            .read(schema, value, reachable)
            .map_err(|reason| AnnotationError { path: self.path.clone(), reason })?;
        self.headers.push(header);
        Ok(())
    }

    fn read(&self, schema: &str, value: &str, reachable: bool) -> Result<ParamHeader, AnnotationFault> {
        if !reachable || self.path.is_empty() {
            return Err(AnnotationFault::Unreachable);
        }
        let name = decode_string(value).ok_or(AnnotationFault::NotAString)?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(AnnotationFault::NotAToken);
        }
        if self.headers.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
            return Err(AnnotationFault::Repeated);
        }
        let kind = match member(schema, "type").ok().flatten().and_then(decode_string).as_deref() {
            Some("string") => Kind::String,
            Some("integer") => Kind::Integer,
            Some("boolean") => Kind::Boolean,
            _ => return Err(AnnotationFault::Type),
        };
        Ok(ParamHeader { name: name.into_owned(), path: self.path.clone(), kind })
    }
}

/// RFC 9110 `tchar`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

struct Pointer<'a>(&'a [String]);

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the root");
        }
        self.0.iter().try_for_each(|step| write!(f, "/{step}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(property: &str) -> Result<Vec<ParamHeader>, AnnotationFault> {
        ParamHeader::extract(&format!(r#"{{"type":"object","properties":{{"a":{property}}}}}"#))
            .map_err(|error| error.reason)
    }

    fn one(kind: &str) -> ParamHeader {
        of(&format!(r#"{{"type":"{kind}","x-mcp-header":"A"}}"#)).unwrap().remove(0)
    }

    #[test]
    fn xh_1_annotated_properties_are_found_through_properties() {
        let schema = r#"{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"type":"object","properties":{"n":{"x\u002dmcp-header":"N","type":"integer"}}},
            "x-mcp-header":{"type":"string"},
            "plain":{"type":"number","default":{"x-mcp-header":5},"enum":[{"x-mcp-header":""}]}}}"#;
        let found = ParamHeader::extract(schema).unwrap();
        let names: Vec<_> =
            found.iter().map(|header| (header.header_name(), header.path().join("."))).collect();
        assert_eq!(
            names,
            [
                ("Mcp-Param-Region".to_owned(), "region".to_owned()),
                ("Mcp-Param-N".to_owned(), "deep.n".to_owned())
            ]
        );
        assert_eq!(ParamHeader::extract(r#"{"type":"object"}"#), Ok(vec![]));
    }

    #[test]
    fn xh_1_each_broken_rule_is_named() {
        for (property, fault) in [
            (r#"{"type":"string","x-mcp-header":5}"#, AnnotationFault::NotAString),
            (r#"{"type":"string","x-mcp-header":""}"#, AnnotationFault::NotAToken),
            (r#"{"type":"string","x-mcp-header":"a b"}"#, AnnotationFault::NotAToken),
            (r#"{"type":"string","x-mcp-header":"a\r\nb"}"#, AnnotationFault::NotAToken),
            (r#"{"type":"string","x-mcp-header":"é"}"#, AnnotationFault::NotAToken),
            (r#"{"type":"number","x-mcp-header":"A"}"#, AnnotationFault::Type),
            (r#"{"type":["string"],"x-mcp-header":"A"}"#, AnnotationFault::Type),
            (r#"{"x-mcp-header":"A"}"#, AnnotationFault::Type),
            (r#"{"items":{"type":"string","x-mcp-header":"A"}}"#, AnnotationFault::Unreachable),
            (
                r#"{"items":{"properties":{"b":{"type":"string","x-mcp-header":"A"}}}}"#,
                AnnotationFault::Unreachable,
            ),
            (r#"{"anyOf":[{},{"type":"string","x-mcp-header":"A"}]}"#, AnnotationFault::Unreachable),
            (r#"{"then":{"type":"string","x-mcp-header":"A"}}"#, AnnotationFault::Unreachable),
            (r#"{"$defs":{"b":{"type":"string","x-mcp-header":"A"}}}"#, AnnotationFault::Unreachable),
            (
                r#"{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}"#,
                AnnotationFault::Repeated,
            ),
        ] {
            assert_eq!(of(property), Err(fault), "{property}");
        }
        assert!(ParamHeader::extract(r#"{"type":"string","x-mcp-header":"A"}"#).is_err());
        let error = ParamHeader::extract(r#"{"properties":{"a":{"properties":{"b":{"x-mcp-header":"A"}}}}}"#);
        assert_eq!(
            error.unwrap_err().to_string(),
            "read x-mcp-header at /a/b: the property must have the type string, integer or boolean"
        );
    }

    #[test]
    fn xh_4_values_are_written_as_headers() {
        let value = |kind: &str, arguments: &str| one(kind).value(arguments);
        assert_eq!(value("string", r#"{"a":"us-west1"}"#), Ok(Some("us-west1".to_owned())));
        assert_eq!(value("string", r#"{"a":" \u00e9"}"#), Ok(Some("=?base64?IMOp?=".to_owned())));
        assert_eq!(value("integer", r#"{"a":4.20e1}"#), Ok(Some("42".to_owned())));
        assert_eq!(value("boolean", r#"{"a":false}"#), Ok(Some("false".to_owned())));
        assert_eq!(value("string", r#"{"a":null}"#), Ok(None));
        assert_eq!(value("string", "{}"), Ok(None));
        assert_eq!(value("string", r#"{"a":1}"#), Err(ArgumentError::Type));
        assert_eq!(value("integer", r#"{"a":1.5}"#), Err(ArgumentError::Type));
        assert_eq!(value("integer", r#"{"a":9007199254740992}"#), Err(ArgumentError::Range));
    }

    #[test]
    fn xh_5_headers_are_compared_with_arguments() {
        for (kind, header, raw, equal) in [
            ("integer", "42", "42.0", true),
            ("integer", "42.0", "42", true),
            ("integer", "42.5", "42", false),
            ("integer", "x", "42", false),
            ("boolean", "true", "true", true),
            ("boolean", "True", "true", false),
            ("string", "42", "42", false),
            ("string", "a", "\"\\u0061\"", true),
            ("string", "=?base64?w6k=?=", "\"é\"", true),
            ("string", "b", "\"a\"", false),
        ] {
            let arguments = format!("{{\"a\":{raw}}}");
            let want = if equal { Ok(()) } else { Err(Mismatch::Different) };
            assert_eq!(one(kind).check(Some(header), Some(&arguments)), want, "{header} {raw}");
        }
        let header = one("string");
        assert_eq!(header.check(None, Some(r#"{"a":"x"}"#)), Err(Mismatch::Missing));
        assert_eq!(header.check(None, Some(r#"{"a":null}"#)), Ok(()));
        assert_eq!(header.check(None, None), Ok(()));
        assert_eq!(header.check(Some("x"), Some("{}")), Err(Mismatch::Unexpected));
        assert!(matches!(
            header.check(Some("=?base64?!?="), Some(r#"{"a":"x"}"#)),
            Err(Mismatch::Malformed(sentinel::SentinelError::Base64))
        ));
    }
}
