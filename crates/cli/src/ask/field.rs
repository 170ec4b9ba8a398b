//! The fields of a form (EL-2): what they take, and what the text that somebody gives for one means.

use std::fmt::Write as _;

use latimer_protocol::RawJson;
use latimer_protocol::rewrite::{member, members};
use serde_json::{Number, Value};

use super::quoted;

/// A field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    title: Option<String>,
    description: Option<String>,
    pub(super) required: bool,
    pub(super) default: Option<Value>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Text { shortest: u64, longest: Option<u64>, format: Option<String> },
    Number { whole: bool, least: Option<f64>, most: Option<f64> },
    Boolean,
    One(Vec<Choice>),
    Several { choices: Vec<Choice>, fewest: u64, most: Option<u64> },
}

#[derive(Clone, Debug)]
struct Choice {
    value: String,
    title: Option<String>,
}

/// The fields of a form's schema, in its order.
pub(super) fn fields(schema: &RawJson) -> Result<Vec<Field>, String> {
    let properties = member(schema.as_str(), "properties").ok().flatten().unwrap_or("{}");
    let required: Vec<String> = member(schema.as_str(), "required")
        .ok()
        .flatten()
        .and_then(|required| serde_json::from_str(required).ok())
        .unwrap_or_default();
    members(properties)
        .map(|property| {
            let (name, text) = property.map_err(|error| format!("its form cannot be read: {error}"))?;
            let property: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            let required = required.iter().any(|required| *required == *name);
            Field::of(&name, &property, required)
                .ok_or_else(|| format!("its field \"{name}\" is of a kind that no form has"))
        })
        .collect()
}

impl Field {
    fn of(name: &str, property: &Value, required: bool) -> Option<Self> {
        let text = |key: &str| property[key].as_str().map(str::to_owned);
        let count = |key: &str| property[key].as_u64();
        let kind = match property["type"].as_str() {
            Some("boolean") => Kind::Boolean,
            Some(kind @ ("number" | "integer")) => Kind::Number {
                whole: kind == "integer",
                least: property["minimum"].as_f64(),
                most: property["maximum"].as_f64(),
            },
            Some("array") => Kind::Several {
                choices: choices(&property["items"])?,
                fewest: count("minItems").unwrap_or(0),
                most: count("maxItems"),
            },
            Some("string") | None => match choices(property) {
                Some(choices) => Kind::One(choices),
                None if property["type"].is_null() => return None,
                None => Kind::Text {
                    shortest: count("minLength").unwrap_or(0),
                    longest: count("maxLength"),
                    format: text("format"),
                },
            },
            Some(_) => return None,
        };
        Some(Self {
            name: name.to_owned(),
            title: text("title"),
            description: text("description"),
            required,
            default: property.get("default").cloned(),
            kind,
        })
    }

    /// What the user reads before the field.
    pub(super) fn heading(&self) -> Vec<String> {
        let mut first = self.name.clone();
        if let Some(title) = self.title.as_ref().filter(|title| **title != self.name) {
            let _ = write!(first, " - {title}");
        }
        if let Some(description) = &self.description {
            let _ = write!(first, ": {description}");
        }
        let mut lines = vec![format!("  {}", quoted(&first))];
        if let Kind::One(choices) | Kind::Several { choices, .. } = &self.kind {
            for (index, choice) in choices.iter().enumerate() {
                let title = choice.title.as_ref().filter(|title| **title != choice.value);
                let title = title.map(|title| format!(" - {title}")).unwrap_or_default();
                lines.push(format!("    {}. {}", index + 1, quoted(&format!("{}{title}", choice.value))));
            }
        }
        lines
    }

    /// What it takes, as the question.
    pub(super) fn question(&self) -> String {
        let mut notes = vec![self.takes()];
        match &self.default {
            Some(default) => notes.push(format!("default {}", quoted(&shown(default)))),
            None if self.required => notes.push("required".to_owned()),
            None => notes.push("may be left out".to_owned()),
        }
        format!("    {}: ", notes.join(", "))
    }

    fn takes(&self) -> String {
        match &self.kind {
            Kind::Text { shortest, longest, format } => {
                let kind = match format.as_deref() {
                    Some("email") => "an e-mail address",
                    Some("uri") => "a URI",
                    Some("date") => "a date as 2026-07-28",
                    Some("date-time") => "a time as 2026-07-28T12:00:00Z",
                    _ => "text",
                };
                match (shortest, longest) {
                    (0, None) => kind.to_owned(),
                    (0, Some(longest)) => format!("{kind} of at most {longest} characters"),
                    (shortest, None) => format!("{kind} of at least {shortest} characters"),
                    (shortest, Some(longest)) => format!("{kind} of {shortest} to {longest} characters"),
                }
            }
            Kind::Number { whole, least, most } => {
                let kind = if *whole { "a whole number" } else { "a number" };
                match (least, most) {
                    (None, None) => kind.to_owned(),
                    (Some(least), None) => format!("{kind} from {least} on"),
                    (None, Some(most)) => format!("{kind} up to {most}"),
                    (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
                }
            }
            Kind::Boolean => "yes or no".to_owned(),
            Kind::One(_) => "one of these, or its number".to_owned(),
            Kind::Several { fewest, most, .. } => {
                let count = match (fewest, most) {
                    (0, None) => "any".to_owned(),
                    (0, Some(most)) => format!("at most {most}"),
                    (fewest, None) => format!("at least {fewest}"),
                    (fewest, Some(most)) => format!("{fewest} to {most}"),
                };
                format!("{count} of these, commas between them")
            }
        }
    }

    /// What a text means for this field.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        match &self.kind {
            Kind::Text { shortest, longest, format } => {
                let length = text.chars().count() as u64;
                let fits = length >= *shortest
                    && longest.is_none_or(|longest| length <= longest)
                    && has_format(text, format.as_deref());
                fits.then(|| text.into()).ok_or_else(|| self.wanted())
            }
            Kind::Number { whole, least, most } => {
                let number: Option<Number> = serde_json::from_str(text).ok();
                let fits = number.as_ref().is_some_and(|number| {
                    let value = number.as_f64().unwrap_or(f64::NAN);
                    (!whole || number.is_i64() || number.is_u64())
                        && least.is_none_or(|least| value >= least)
                        && most.is_none_or(|most| value <= most)
                });
                number.filter(|_| fits).map(Value::Number).ok_or_else(|| self.wanted())
            }
            Kind::Boolean => match text.to_lowercase().as_str() {
                "y" | "yes" | "true" => Ok(true.into()),
                "n" | "no" | "false" => Ok(false.into()),
                _ => Err(self.wanted()),
            },
            Kind::One(choices) => choose(choices, text).map(Value::from).ok_or_else(|| self.wanted()),
            Kind::Several { choices, fewest, most } => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let chosen: Option<Vec<String>> = parts.map(|part| choose(choices, part)).collect();
                let mut chosen = chosen.ok_or_else(|| self.wanted())?;
                let mut seen = std::collections::BTreeSet::new();
                chosen.retain(|value| seen.insert(value.clone()));
                let count = chosen.len() as u64;
                if count < *fewest || most.is_some_and(|most| count > most) {
                    return Err(self.wanted());
                }
                Ok(chosen.into())
            }
        }
    }

    /// What a JSON value of a file of answers means for this field.
    pub(super) fn take(&self, value: &Value) -> Result<Value, String> {
        let text = match (value, &self.kind) {
            (Value::String(text), Kind::Text { .. } | Kind::One(_)) => text.clone(),
            (Value::Number(number), Kind::Number { .. }) => number.to_string(),
            (Value::Bool(flag), Kind::Boolean) => flag.to_string(),
            (Value::Array(items), Kind::Several { choices, .. }) => {
                let known = |item: &Value| choices.iter().any(|choice| item.as_str() == Some(&choice.value));
                if !items.iter().all(known) {
                    return Err(self.wanted());
                }
                return self.read_all(items);
            }
            _ => return Err(self.wanted()),
        };
        self.read(&text)
    }

    /// Choices that are known, whatever commas are in them.
    fn read_all(&self, items: &[Value]) -> Result<Value, String> {
        let count = items.len() as u64;
        match &self.kind {
            Kind::Several { fewest, most, .. }
                if count >= *fewest && most.is_none_or(|most| count <= most) =>
            {
                Ok(items.into())
            }
            _ => Err(self.wanted()),
        }
    }

    fn wanted(&self) -> String {
        match &self.kind {
            Kind::One(choices) | Kind::Several { choices, .. } => {
                let names: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
                format!("it has to be {} ({})", self.takes(), names.join(", "))
            }
            _ => format!("it has to be {}", self.takes()),
        }
    }
}

/// A value for the user's eyes.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The choices of a schema, in any of the forms that they come in.
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    if let Some(values) = schema["enum"].as_array() {
        let titles = schema["enumNames"].as_array();
        let title = |index: usize| titles?.get(index)?.as_str().map(str::to_owned);
        let choice = |(index, value): (usize, &Value)| {
            Some(Choice { value: value.as_str()?.to_owned(), title: title(index) })
        };
        return values.iter().enumerate().map(choice).collect();
    }
    let titled = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
    let choice = |choice: &Value| {
        let title = choice["title"].as_str().map(str::to_owned);
        Some(Choice { value: choice["const"].as_str()?.to_owned(), title })
    };
    titled.iter().map(choice).collect()
}

/// The choice of this value, title or number; a value goes before a number.
fn choose(choices: &[Choice], text: &str) -> Option<String> {
    let is = |other: &str| other.to_lowercase() == text.to_lowercase();
    let exact = choices.iter().find(|choice| choice.value == text);
    let named = || choices.iter().find(|choice| is(&choice.value) || choice.title.as_deref().is_some_and(is));
    let numbered = || text.parse::<usize>().ok()?.checked_sub(1).and_then(|index| choices.get(index));
    exact.or_else(named).or_else(numbered).map(|choice| choice.value.clone())
}

fn has_format(text: &str, format: Option<&str>) -> bool {
    match format {
        Some("email") => text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
        }),
        Some("uri") => text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                && !rest.is_empty()
                && !text.contains(char::is_whitespace)
        }),
        Some("date") => is_date(text),
        Some("date-time") => text.split_once(['T', 't']).is_some_and(|(date, time)| {
            let zone = time.strip_suffix(['Z', 'z']).or_else(|| Some(time.rsplit_once(['+', '-'])?.0));
            is_date(date) && zone.is_some_and(is_time)
        }),
        _ => true,
    }
}

fn is_date(text: &str) -> bool {
    humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok()
}

fn is_time(text: &str) -> bool {
    humantime::parse_rfc3339(&format!("2000-01-01T{text}Z")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(property: &Value) -> Field {
        Field::of("f", property, true).unwrap()
    }

    #[test]
    fn el_2_every_kind_of_field_says_what_it_takes_and_takes_nothing_else() {
        let titled = json!([{"const": "a", "title": "First"}, {"const": "b"}]);
        let cases = [
            (
                json!({"type": "string", "minLength": 2, "maxLength": 3}),
                "text of 2 to 3 characters",
                &["ab", "äöü"][..],
                &["a", "abcd"][..],
            ),
            (
                json!({"type": "string", "format": "email"}),
                "an e-mail address",
                &["a@b"],
                &["a", "@b", "a b@c"],
            ),
            (
                json!({"type": "string", "format": "uri"}),
                "a URI",
                &["https://e.com", "urn:x"],
                &["e.com", "a b:c"],
            ),
            (
                json!({"type": "string", "format": "date"}),
                "a date as 2026-07-28",
                &["2026-02-28"],
                &["2026-02-30", "today"],
            ),
            (
                json!({"type": "string", "format": "date-time"}),
                "a time as 2026-07-28T12:00:00Z",
                &["2026-07-28T12:00:00Z", "2026-07-28T12:00:00.5+02:00"],
                &["2026-07-28", "2026-07-28T25:00:00Z"],
            ),
            (
                json!({"type": "integer", "minimum": 0, "maximum": 9}),
                "a whole number from 0 to 9",
                &["0", "9"],
                &["-1", "10", "1.5", "x", ""],
            ),
            (
                json!({"type": "number", "maximum": 1.5}),
                "a number up to 1.5",
                &["-3", "1.5", "1e0"],
                &["2", "1,5"],
            ),
            (json!({"type": "boolean"}), "yes or no", &["y", "No", "TRUE"], &["1", "perhaps"]),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                "one of these, or its number",
                &["a", "B", "2"],
                &["c", "0", "3"],
            ),
            (
                json!({"type": "string", "enum": ["a", "b"], "enumNames": ["Eins", "Zwei"]}),
                "one of these, or its number",
                &["zwei"],
                &["drei"],
            ),
            (
                json!({"type": "string", "oneOf": titled}),
                "one of these, or its number",
                &["first", "b"],
                &["second"],
            ),
            (
                json!({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 1}),
                "1 to 1 of these, commas between them",
                &["a", "a, a", "2"],
                &["", "a, b", "c"],
            ),
            (
                json!({"type": "array", "items": {"anyOf": titled}}),
                "any of these, commas between them",
                &["", "First, b"],
                &["x"],
            ),
        ];
        for (property, takes, good, bad) in cases {
            let field = field(&property);
            assert_eq!(field.takes(), takes);
            for text in good {
                assert!(field.read(text).is_ok(), "{property} {text}");
            }
            for text in bad {
                assert!(field.read(text).is_err(), "{property} {text}");
            }
        }
    }

    #[test]
    fn values_have_the_types_of_their_fields() {
        let take = |property: &Value, value: Value| field(property).take(&value);
        assert_eq!(
            field(&json!({"type": "array", "items": {"enum": ["a", "b"]}})).read("2,1"),
            Ok(json!(["b", "a"]))
        );
        assert_eq!(field(&json!({"type": "integer"})).read("7"), Ok(json!(7)));
        assert_eq!(take(&json!({"type": "integer"}), json!(7)), Ok(json!(7)));
        assert_eq!(
            take(&json!({"type": "array", "items": {"enum": ["a,b"]}}), json!(["a,b"])),
            Ok(json!(["a,b"]))
        );
        assert!(take(&json!({"type": "integer"}), json!("7")).is_err());
        assert!(take(&json!({"type": "boolean"}), json!(1)).is_err());
        assert!(take(&json!({"type": "array", "items": {"enum": ["a"]}}), json!(["b"])).is_err());
    }

    #[test]
    fn fields_keep_the_order_of_the_form_and_other_kinds_are_told() {
        let schema = |text: &str| RawJson::parse(text.to_owned()).unwrap();
        let read = fields(&schema(
            r#"{"properties":{"z":{"type":"string"},"a":{"type":"boolean"}},"required":["a"]}"#,
        ))
        .unwrap();
        let names: Vec<_> = read.iter().map(|field| (field.name.as_str(), field.required)).collect();
        assert_eq!(names, [("z", false), ("a", true)]);
        let error = fields(&schema(r#"{"properties":{"o":{"type":"object"}}}"#)).unwrap_err();
        assert!(error.contains("\"o\""), "{error}");
    }
}
