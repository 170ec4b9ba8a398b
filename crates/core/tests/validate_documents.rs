//! Schemas that refer to other documents.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use latimer_core::validate::{Documents, Options, SchemaError, Validator};
use latimer_protocol::tape::{Tape, TapeBuffer};

/// Documents by URI.
#[derive(Debug)]
struct Shelf(BTreeMap<String, Arc<str>>);

impl Documents for Shelf {
    fn document(&self, uri: &str) -> Option<Arc<str>> {
        self.0.get(uri).cloned()
    }
}

fn options(documents: &[(&str, &str)]) -> Options {
    let shelf = documents.iter().map(|(uri, text)| ((*uri).to_owned(), Arc::from(*text)));
    Options::default().documents("schema:///order.json", Arc::new(Shelf(shelf.collect())))
}

fn compile(schema: &str, documents: &[(&str, &str)]) -> Result<Validator, SchemaError> {
    Validator::compile_with(schema, &options(documents))
}

const MONEY: &str = r##"{"properties":{"amount":{"$ref":"#/$defs/amount"}},"required":["amount"],
    "$defs":{"amount":{"type":"integer"}},"additionalProperties":false}"##;

#[test]
fn a_reference_is_followed_from_file_to_file_and_back() {
    let order = r#"{"properties":{"price":{"$ref":"parts/money.json"},"next":{"$ref":"order.json"}}}"#;
    let validator =
        compile(order, &[("schema:///parts/money.json", MONEY), ("schema:///order.json", order)]).unwrap();
    assert!(validator.check(r#"{"price":{"amount":1},"next":{"price":{"amount":2}}}"#).is_ok());
    let violations = validator.check(r#"{"next":{"price":{"amount":"2"}}}"#).unwrap_err();
    let [violation] = violations.list() else { panic!("{violations}") };
    assert_eq!(violation.pointer(), "/next/price/amount");
    assert_eq!(
        violation.schema_pointer(),
        "/properties/next/$ref/properties/price/$ref/properties/amount/$ref/type"
    );
    assert_eq!(violation.message(), "expected integer, got \"2\"");
}

#[test]
fn a_document_with_an_identifier_of_its_own_is_found_where_it_lies_and_refers_from_its_identifier() {
    let order = r#"{"$id":"https://shop.example/schemas/order.json","items":{"$ref":"line.json"}}"#;
    let line = r#"{"$id":"https://shop.example/parts/line.json","items":{"$ref":"money.json"}}"#;
    let documents =
        [("https://shop.example/schemas/line.json", line), ("https://shop.example/parts/money.json", MONEY)];
    let validator = compile(order, &documents).unwrap();
    assert!(validator.check(r#"[[{"amount":1}]]"#).is_ok());
    assert!(validator.check("[[{}]]").is_err());
}

#[test]
fn what_only_looks_like_a_reference_is_left_alone_in_a_document_that_lies_elsewhere() {
    let other = r#"{"$id":"https://shop.example/parts/line.json","properties":{
        "const":{"$ref":"money.json"},"like":{"const":{"$ref":"money.json"}}}}"#;
    let documents = [("schema:///line.json", other), ("https://shop.example/parts/money.json", MONEY)];
    let validator = compile(r#"{"$ref":"line.json"}"#, &documents).unwrap();
    assert!(validator.check(r#"{"const":{"amount":1},"like":{"$ref":"money.json"}}"#).is_ok());
    assert!(validator.check(r#"{"const":{}}"#).is_err());
    assert!(validator.check(r#"{"like":{"$ref":"https://shop.example/parts/money.json"}}"#).is_err());
}

#[test]
fn names_that_the_schema_itself_knows_are_suggested_and_those_of_other_documents_are_not() {
    let order =
        r#"{"properties":{"price":{"$ref":"money.json"},"amounts":true},"additionalProperties":false}"#;
    let validator = compile(order, &[("schema:///money.json", MONEY)]).unwrap();
    let said = |text: &str| validator.check(text).unwrap_err().to_string();
    assert_eq!(said(r#"{"pric":1}"#), "/: unknown property \"pric\" (did you mean \"price\"?)");
    assert_eq!(said(r#"{"price":{"amount":1,"pric":1}}"#), "/price: unknown property \"pric\"");
}

#[test]
fn a_document_that_is_not_there_or_cannot_be_read_is_named() {
    let error = compile(r#"{"$ref":"absent.json"}"#, &[]).unwrap_err();
    assert_eq!(error, SchemaError::UnknownDocument { uri: "schema:///absent.json".into() });
    let error = compile(r#"{"$ref":"a.json"}"#, &[("schema:///a.json", "{\"a\":")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "$ref leads to schema:///a.json, which cannot be read: not JSON: it ends at byte 5, where a value should follow"
    );
    let error = compile(r#"{"$ref":"a.json"}"#, &[("schema:///a.json", "{\"a\":1e999}")]).unwrap_err();
    assert!(error.to_string().ends_with("a number is larger than a double holds"), "{error}");
    let error = compile(r#"{"$ref":"money.json#/$defs/absent"}"#, &[("schema:///money.json", MONEY)]);
    assert!(matches!(error.unwrap_err(), SchemaError::UnresolvedReference { .. }));
}

#[test]
fn a_wrong_keyword_of_another_document_is_refused() {
    let error = compile(r#"{"$ref":"a.json"}"#, &[("schema:///a.json", r#"{"type":"text"}"#)]).unwrap_err();
    assert!(matches!(error, SchemaError::Keyword { .. }), "{error}");
}

#[test]
fn tool_4_documents_that_multiply_at_one_value_are_refused() {
    let doubling: Vec<_> = (0..14)
        .map(|n| {
            let next = format!("{{\"$ref\":\"d{}.json\"}}", n + 1);
            (format!("schema:///d{n}.json"), format!("{{\"anyOf\":[{next},{next}]}}"))
        })
        .chain([("schema:///d14.json".to_owned(), "{}".to_owned())])
        .collect();
    let documents: Vec<_> = doubling.iter().map(|(uri, text)| (uri.as_str(), text.as_str())).collect();
    let error = compile(r#"{"items":{"$ref":"d0.json"}}"#, &documents).unwrap_err();
    assert_eq!(error, SchemaError::TooComplex);
    assert!(compile(r#"{"items":{"$ref":"d8.json"}}"#, &documents).is_ok());
}

#[test]
fn tool_4_what_a_schema_reaches_counts_towards_its_size() {
    let long = format!("{{\"title\":\"{}\"}}", "x".repeat(1_000));
    let options = options(&[("schema:///a.json", &long), ("schema:///b.json", &long)]).max_bytes(1_500);
    assert!(Validator::compile_with(r#"{"$ref":"a.json"}"#, &options).is_ok());
    let both = r#"{"allOf":[{"$ref":"a.json"},{"$ref":"b.json"}]}"#;
    let error = Validator::compile_with(both, &options).unwrap_err();
    assert!(matches!(error, SchemaError::TooLarge { limit: 1_500, .. }), "{error}");
}

#[test]
fn as_many_violations_are_listed_as_are_asked_for() {
    let validator = compile(r#"{"items":{"type":"integer"}}"#, &[]).unwrap();
    let text = format!("[{}\"x\"]", "\"x\",".repeat(199));
    let mut buffer = TapeBuffer::new();
    let tape = Tape::parse_into(&mut buffer, &text).unwrap();
    let listed = validator.check_listing(tape, 150).unwrap_err();
    assert_eq!((listed.list().len(), listed.total(), listed.is_complete()), (150, 200, true));
    assert_eq!(listed.list()[149].pointer(), "/149");
    let listed = validator.check_listing(tape, 5).unwrap_err();
    assert_eq!((listed.list().len(), listed.total(), listed.is_complete()), (5, 64, false));
}
