//! JSON Schemas of arguments and results, from their Rust types.
//!
//! They are JSON Schema 2020-12, without `$schema` (that is what clients assume) and without
//! references except where a type contains itself: many clients hand schemas to models as they are.

use latimer_protocol::RawJson;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::arguments::Argument;

/// Why there is no schema.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaFault {
    #[error(
        "its arguments are {type_name}, which is not an object; let `Args<…>` hold a struct with named fields"
    )]
    NotAnObject { type_name: &'static str },
    #[error("its schema cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The schema of a tool's arguments, made argument by argument.
#[derive(Debug)]
pub struct ArgumentsSchema {
    generator: SchemaGenerator,
    properties: Map<String, Value>,
    required: Vec<Value>,
    fault: Option<SchemaFault>,
}

impl ArgumentsSchema {
    /// No arguments yet.
    #[must_use]
    pub fn new() -> Self {
        let generator = settings().for_deserialize().into_generator();
        Self { generator, properties: Map::new(), required: Vec::new(), fault: None }
    }

    /// An argument that has to be given.
    #[must_use]
    pub fn required<T: Argument>(mut self, name: &str, description: Option<&str>) -> Self {
        self.required.push(Value::from(name));
        self.optional::<T>(name, description)
    }

    /// An argument that may be left out.
    #[must_use]
    pub fn optional<T: Argument>(mut self, name: &str, description: Option<&str>) -> Self {
        let mut schema = self.generator.subschema_for::<T>();
        if let Some(description) = description {
            schema.insert("description".to_owned(), description.into());
        }
        self.properties.insert(name.to_owned(), schema.to_value());
        self
    }

    /// An argument that has a value if it is left out.
    #[must_use]
    pub fn defaulted<T: Argument + Serialize>(
        mut self,
        name: &str,
        description: Option<&str>,
        default: &T,
    ) -> Self {
        self = self.optional::<T>(name, description);
        match serde_json::to_value(default) {
            Ok(value) => {
                if let Some(Value::Object(property)) = self.properties.get_mut(name) {
                    property.insert("default".to_owned(), value);
                }
            }
            Err(error) => self.fault = Some(error.into()),
        }
        self
    }

    pub(crate) fn finish(mut self) -> Result<RawJson, SchemaFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        if !self.properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(self.properties));
        }
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(self.required));
        }
        schema.insert("additionalProperties".to_owned(), json!(false));
        let definitions = self.generator.take_definitions(true);
        if !definitions.is_empty() {
            schema.insert("$defs".to_owned(), Value::Object(definitions));
        }
        let mut schema = Schema::from(schema);
        PortableFormats::apply(&mut schema);
        Ok(RawJson::from_serialize(&schema)?)
    }
}

impl Default for ArgumentsSchema {
    fn default() -> Self {
        Self::new()
    }
}

/// The schema of a type that holds all arguments of a tool.
pub(crate) fn of_arguments<T: JsonSchema>() -> Result<RawJson, SchemaFault> {
    let mut schema = settings().for_deserialize().into_generator().into_root_schema_for::<T>();
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(SchemaFault::NotAnObject { type_name: std::any::type_name::<T>() });
    }
    finished(&mut schema)
}

/// The schema of a type that a tool returns as structured content.
pub(crate) fn of_output<T: JsonSchema>() -> Result<RawJson, SchemaFault> {
    finished(&mut settings().for_serialize().into_generator().into_root_schema_for::<T>())
}

fn finished(schema: &mut Schema) -> Result<RawJson, SchemaFault> {
    // The name of a Rust type tells the model nothing.
    schema.remove("title");
    PortableFormats::apply(schema);
    Ok(RawJson::from_serialize(schema)?)
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    })
}

/// Removes `format`s that name Rust's number types, since some clients refuse schemas with formats that they
/// do not know, and says with bounds instead what they hold. Bounds beyond 32 bits would not survive clients
/// that keep numbers as doubles.
struct PortableFormats;

impl PortableFormats {
    fn apply(schema: &mut Schema) {
        RecursiveTransform(|schema: &mut Schema| {
            let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
            let number = format.trim_start_matches("uint").trim_start_matches("int");
            let is_integer = number.len() < format.len() && number.bytes().all(|byte| byte.is_ascii_digit());
            let bounds = match format {
                "uint32" => Some((0_i64, i64::from(u32::MAX))),
                "int32" => Some((i32::MIN.into(), i32::MAX.into())),
                _ => None,
            };
            let drop_format = is_integer || matches!(format, "float" | "double");
            if let (Some((minimum, maximum)), Some(object)) = (bounds, schema.as_object_mut()) {
                // Narrower ones of the author's stay.
                if !object.contains_key("exclusiveMinimum") {
                    object.entry("minimum").or_insert(minimum.into());
                }
                if !object.contains_key("exclusiveMaximum") {
                    object.entry("maximum").or_insert(maximum.into());
                }
            }
            if drop_format {
                schema.remove("format");
            }
        })
        .transform(schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_arguments_are_an_empty_object() {
        let schema = ArgumentsSchema::new().finish().unwrap();
        assert_eq!(schema.to::<Value>().unwrap(), json!({"type": "object", "additionalProperties": false}));
    }

    #[test]
    fn arguments_are_described_and_closed() {
        let schema = ArgumentsSchema::new()
            .required::<u8>("party", Some("How many."))
            .optional::<Option<String>>("name", None)
            .defaulted::<f64>("tip", None, &0.1)
            .finish()
            .unwrap();
        assert_eq!(
            schema.to::<Value>().unwrap(),
            json!({
                "type": "object",
                "properties": {
                    "party": {"type": "integer", "minimum": 0, "maximum": 255, "description": "How many."},
                    "name": {"type": ["string", "null"]},
                    "tip": {"type": "number", "default": 0.1},
                },
                "required": ["party"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn integers_have_the_bounds_of_their_type() {
        let schema = ArgumentsSchema::new()
            .required::<u32>("a", None)
            .required::<Option<i32>>("b", None)
            .required::<Vec<std::num::NonZeroU32>>("c", None)
            .required::<u64>("d", None)
            .required::<i16>("e", None)
            .required::<i64>("f", None)
            .finish()
            .unwrap();
        assert_eq!(
            schema.to::<Value>().unwrap()["properties"],
            json!({
                "a": {"type": "integer", "minimum": 0, "maximum": u32::MAX},
                "b": {"type": ["integer", "null"], "minimum": i32::MIN, "maximum": i32::MAX},
                "c": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": u32::MAX}},
                "d": {"type": "integer", "minimum": 0},
                "e": {"type": "integer", "minimum": i16::MIN, "maximum": i16::MAX},
                "f": {"type": "integer"},
            })
        );
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Tree {
        size: u32,
        children: Vec<Tree>,
    }

    #[test]
    fn a_type_that_contains_itself_is_a_reference() {
        let schema = ArgumentsSchema::new().required::<Tree>("tree", None).finish().unwrap();
        assert!(schema.as_str().contains(r##""$ref":"#/$defs/Tree""##), "{schema}");
        assert!(schema.as_str().contains(r#""$defs":{"Tree""#), "{schema}");
        assert!(!schema.as_str().contains("uint32"), "{schema}");
    }

    #[test]
    fn arguments_that_are_no_object_are_refused() {
        let fault = of_arguments::<Vec<u8>>().unwrap_err();
        assert!(fault.to_string().contains("alloc::vec::Vec<u8>, which is not an object"), "{fault}");
    }
}
