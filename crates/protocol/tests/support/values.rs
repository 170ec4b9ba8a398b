//! Arbitrary values of the wire types.

use std::collections::BTreeMap;

use latimer_protocol::RawJson;
use latimer_protocol::wire::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", "\\PC{0,12}", Just("\u{1}\"\\\n\u{2028}/é".to_owned())]
}

fn raw(texts: &'static [&'static str]) -> impl Strategy<Value = RawJson> {
    proptest::sample::select(texts).prop_map(|text| RawJson::parse(text).unwrap())
}

pub fn meta() -> impl Strategy<Value = Option<RawJson>> {
    of(raw(&["{}", r#"{"com.example/a":[1, 2.50,{"b":null}]}"#, r#"{ "traceparent" : "00-0-0-01" }"#]))
}

pub fn any_json() -> impl Strategy<Value = RawJson> {
    raw(&["{}", r#"{"a":1e2, "b":[true]}"#, "[]", "[1,{}]", "null", "\"x\"", "18446744073709551615"])
}

pub fn annotations() -> impl Strategy<Value = Option<Annotations>> {
    of((
        vec(prop_oneof![Just(Role::User), Just(Role::Assistant)], 0..3),
        of(0.0..=1.0),
        of(Just("2025-01-12T15:00:58Z".to_owned())),
    )
        .prop_map(|(audience, priority, last_modified)| Annotations {
            audience,
            priority,
            last_modified,
        }))
}

fn icons() -> impl Strategy<Value = Vec<Icon>> {
    let icon = (of(text()), vec(Just("48x48".to_owned()), 0..2), of(Just(Theme::Dark))).prop_map(
        |(mime_type, sizes, theme)| Icon {
            mime_type,
            sizes,
            theme,
            ..Icon::new("https://example.com/i.png")
        },
    );
    vec(icon, 0..2)
}

pub fn contents() -> impl Strategy<Value = ResourceContents> {
    let body = prop_oneof![
        text().prop_map(ResourceBody::Text),
        vec(any::<u8>(), 0..9).prop_map(|bytes| ResourceBody::Blob(base64(bytes))),
    ];
    (of(text()), body, meta()).prop_map(|(mime_type, body, meta)| ResourceContents {
        uri: "file:///a/b".to_owned(),
        mime_type,
        body,
        meta,
    })
}

pub fn resource() -> impl Strategy<Value = Resource> {
    (text(), of(text()), of(text()), of(text()), of(0..u64::from(u32::MAX)), icons(), annotations(), meta())
        .prop_map(|(name, title, description, mime_type, size, icons, annotations, meta)| Resource {
            uri: "file:///a".to_owned(),
            name,
            title,
            description,
            mime_type,
            size,
            icons,
            annotations,
            meta,
        })
}

pub fn template() -> impl Strategy<Value = ResourceTemplate> {
    resource().prop_map(|resource| ResourceTemplate {
        uri_template: "file:///{path}".to_owned(),
        name: resource.name,
        title: resource.title,
        description: resource.description,
        mime_type: resource.mime_type,
        icons: resource.icons,
        annotations: resource.annotations,
        meta: resource.meta,
    })
}

pub fn block() -> impl Strategy<Value = ContentBlock> {
    let bytes = || vec(any::<u8>(), 0..9);
    let plain = prop_oneof![
        text().prop_map(ContentBlock::text),
        (bytes(), text()).prop_map(|(bytes, mime)| ContentBlock::image(bytes, mime)),
        (bytes(), text()).prop_map(|(bytes, mime)| ContentBlock::audio(bytes, mime)),
        resource().prop_map(ContentBlock::from),
        contents().prop_map(ContentBlock::resource),
    ];
    (plain, annotations(), meta()).prop_map(|(block, annotations, meta)| {
        let block = match annotations {
            Some(annotations) => block.with_annotations(annotations),
            None => block,
        };
        match meta {
            Some(meta) => block.with_meta(meta),
            None => block,
        }
    })
}

pub fn call_tool() -> impl Strategy<Value = CallToolResult> {
    (vec(block(), 0..4), of(any_json()), any::<bool>(), meta()).prop_map(
        |(content, structured_content, is_error, meta)| CallToolResult {
            content,
            structured_content,
            is_error,
            meta,
        },
    )
}

pub fn read_resource() -> impl Strategy<Value = ReadResourceResult> {
    (vec(contents(), 0..3), meta()).prop_map(|(contents, meta)| ReadResourceResult { contents, meta })
}

pub fn get_prompt() -> impl Strategy<Value = GetPromptResult> {
    let message = (any::<bool>(), block()).prop_map(|(user, block)| {
        if user { PromptMessage::user(block) } else { PromptMessage::assistant(block) }
    });
    (of(text()), vec(message, 0..3), meta()).prop_map(|(description, messages, meta)| GetPromptResult {
        description,
        messages,
        meta,
    })
}

pub fn complete() -> impl Strategy<Value = CompleteResult> {
    (0..130_usize, of(any::<u32>()), of(any::<bool>()), meta()).prop_map(|(count, total, more, meta)| {
        let mut result = CompleteResult::new((0..count).map(|value| value.to_string()));
        if let Some(total) = total {
            result = result.with_total(total.into());
        }
        if let (Some(more), false) = (more, count > CompleteResult::MAX_VALUES) {
            result = result.with_more(more);
        }
        match meta {
            Some(meta) => result.with_meta(meta),
            None => result,
        }
    })
}

pub fn tool() -> impl Strategy<Value = Tool> {
    let input = raw(&[
        r#"{"type":"object"}"#,
        r#"{"type":"object","properties":{"a":true,"b":{"type":"string"},"c":false},"required":["a"]}"#,
        r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","$defs":{},"allOf":[]}"##,
    ]);
    let output = raw(&[
        r#"{"type":"object","properties":{"a":true}}"#,
        r#"{"type":"array","items":{}}"#,
        r#"{"anyOf":[{"type":"object"}]}"#,
        r#"{"type":["object","null"]}"#,
    ]);
    let hints = (of(text()), of(any::<bool>()), of(any::<bool>())).prop_map(|(title, read_only, open)| {
        ToolAnnotations {
            title,
            read_only_hint: read_only,
            open_world_hint: open,
            ..ToolAnnotations::default()
        }
    });
    let execution = of(Just(TaskSupport::Optional)).prop_map(|task_support| ToolExecution { task_support });
    (text(), of(text()), of(text()), icons(), input, of(output), of(hints), of(execution), meta()).prop_map(
        |(name, title, description, icons, input_schema, output_schema, annotations, execution, meta)| Tool {
            name,
            title,
            description,
            icons,
            input_schema,
            output_schema,
            annotations,
            execution,
            meta,
        },
    )
}

pub fn prompt() -> impl Strategy<Value = Prompt> {
    let argument =
        (text(), of(text()), of(text()), any::<bool>()).prop_map(|(name, title, description, required)| {
            PromptArgument { name, title, description, required }
        });
    (text(), of(text()), of(text()), vec(argument, 0..3), icons(), meta()).prop_map(
        |(name, title, description, arguments, icons, meta)| Prompt {
            name,
            title,
            description,
            arguments,
            icons,
            meta,
        },
    )
}

pub fn implementation() -> impl Strategy<Value = Implementation> {
    (text(), of(text()), text(), of(text()), any::<bool>(), icons()).prop_map(
        |(name, title, version, description, website, icons)| Implementation {
            name,
            title,
            version,
            description,
            website_url: website.then(|| "https://example.com/".to_owned()),
            icons,
        },
    )
}

pub fn capabilities() -> impl Strategy<Value = ServerCapabilities> {
    let object = || of(Just(RawJson::empty_object()));
    let map = || {
        of(Just(BTreeMap::from([("com.example/x".to_owned(), RawJson::empty_object())])))
            .prop_map(Option::unwrap_or_default)
    };
    (any::<[bool; 4]>(), object(), object(), object(), map(), map()).prop_map(
        |([listed, changed, subscribe, prompts], completions, logging, tasks, extensions, experimental)| {
            let list = ListCapability { list_changed: changed };
            ServerCapabilities {
                tools: listed.then_some(list),
                resources: listed.then_some(ResourcesCapability { subscribe, list_changed: changed }),
                prompts: prompts.then_some(list),
                completions,
                logging,
                tasks,
                extensions,
                experimental,
            }
        },
    )
}
