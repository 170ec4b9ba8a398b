//! The defaults of a form (EL-3).

use latimer_protocol::RawJson;
use latimer_protocol::encode::write_object;
use latimer_protocol::rewrite::{member, members};

/// The accepted content, and for each field that is missing in it the default of the schema, if that has one.
pub(super) fn with_defaults(schema: &RawJson, content: Option<RawJson>) -> RawJson {
    let content = content.filter(RawJson::is_object).unwrap_or_else(RawJson::empty_object);
    let properties = member(schema.as_str(), "properties").ok().flatten().unwrap_or("{}");
    let mut out = Vec::new();
    let mut filled = false;
    write_object(&mut out, |object| {
        for (name, value) in members(content.as_str()).map_while(Result::ok) {
            object.raw(&name, value);
        }
        for (name, property) in members(properties).map_while(Result::ok) {
            let given = member(content.as_str(), &name).ok().flatten().is_some();
            if !given && let Ok(Some(default)) = member(property, "default") {
                object.raw(&name, default);
                filled = true;
            }
        }
    });
    // Each part was sound JSON.
    if filled { RawJson::parse_bytes(out.into()).unwrap_or(content) } else { content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn el_3_fields_that_were_left_out_get_their_defaults_and_no_other_does() {
        let schema = RawJson::parse(
            r#"{"type":"object","properties":{"a":{"type":"string","default":"x"},"b":{"type":"integer","default":0},
                "c":{"type":"boolean","default":false},"d":{"type":"number"},"e":{"type":"array","default":["q"]}}}"#,
        )
        .unwrap();
        let filled = |content: Option<&str>| {
            let content = content.map(|text| RawJson::parse(text.to_owned()).unwrap());
            with_defaults(&schema, content).as_str().to_owned()
        };
        assert_eq!(filled(None), r#"{"a":"x","b":0,"c":false,"e":["q"]}"#);
        assert_eq!(filled(Some(r#"{"b":7,"z":1.50}"#)), r#"{"b":7,"z":1.50,"a":"x","c":false,"e":["q"]}"#);
        let whole = r#"{"a":"", "b":1, "c":true, "e":[]}"#;
        assert_eq!(filled(Some(whole)), whole);
    }
}
