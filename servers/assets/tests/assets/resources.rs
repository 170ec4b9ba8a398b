//! Schemas and examples as resources.

use latimer::TestError;
use latimer::wire::ResourceBody;

use crate::support::{ERAS, Folders, client, golden_dir, golden_settings};

#[tokio::test]
async fn schemas_and_examples_are_listed_with_type_and_size() {
    for revision in ERAS {
        let client = client(golden_settings()).await.revision(revision);
        let resources = client.list_resources().await.unwrap();
        let uris: Vec<_> = resources.iter().map(|resource| resource.uri.as_str()).collect();
        assert_eq!(
            uris,
            [
                "example:///drafts/broken.json",
                "example:///drafts/note.json",
                "example:///note.json",
                "example:///product.bad.json",
                "example:///product.caf%C3%A9.json",
                "example:///product.lamp.json",
                "schema:///dangling.schema.json",
                "schema:///limit.schema.json",
                "schema:///note.schema.json",
                "schema:///packing.schema.json",
                "schema:///parts/money.schema.json",
                "schema:///product.schema.json",
            ]
        );
        for resource in &resources {
            assert_eq!(resource.mime_type.as_deref(), Some("application/json"));
            let contents = client.read(&resource.uri).await.unwrap().contents;
            let ResourceBody::Text(text) = &contents[0].body else { panic!("{} is no text", resource.uri) };
            assert_eq!(resource.size, Some(text.len() as u64));
            assert_eq!((&contents[0].uri, &contents[0].mime_type), (&resource.uri, &resource.mime_type));
        }
    }
}

#[tokio::test]
async fn a_resource_is_the_file_as_it_is() {
    let client = client(golden_settings()).await;
    let contents = client.read("schema:///parts/money.schema.json").await.unwrap().contents;
    let file = std::fs::read_to_string(golden_dir().join("fixture/schemas/parts/money.schema.json")).unwrap();
    assert_eq!(contents[0].body, ResourceBody::Text(file));
    // What is no JSON is no schema, but it is there.
    assert!(client.read("schema:///broken.schema.json").await.is_ok());
}

#[tokio::test]
async fn what_leads_out_or_is_written_otherwise_is_not_there() {
    let folders = Folders::new();
    folders.write("schemas/a/b.json", "{}");
    folders.write("secret.json", "{}");
    for revision in ERAS {
        let client = client(folders.settings()).await.revision(revision);
        assert!(client.read("schema:///a/b.json").await.is_ok());
        for uri in [
            "schema:///absent.json",
            "schema:///../secret.json",
            "schema:///%2e%2e/secret.json",
            "schema:///a/..%2f../secret.json",
            "schema:///a%2fb.json",
            "schema:///a/%62.json",
            "schema:///a//b.json",
            "schema:////a/b.json",
            "schema:///a",
            "schema:///",
            "schema://a/b.json",
            "schema://host/a/b.json",
            "schema:///a/b.json?x",
            "schema:///a/b.json#x",
            "example:///a/b.json",
            "SCHEMA:///a/b.json",
        ] {
            let error = client.read(uri).await.unwrap_err();
            assert!(matches!(error, TestError::Rpc(_)), "{uri}: {error}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_out_are_neither_listed_nor_read() {
    let folders = Folders::new();
    folders.write("secret.json", "\"secret\"");
    folders.write("examples/a.json", "{}");
    std::os::unix::fs::symlink(folders.path("secret.json"), folders.path("examples/link.json")).unwrap();
    std::os::unix::fs::symlink("../secret.json", folders.path("schemas/link.schema.json")).unwrap();
    let client = client(folders.settings()).await;
    let resources = client.list_resources().await.unwrap();
    assert_eq!(
        resources.iter().map(|resource| resource.uri.as_str()).collect::<Vec<_>>(),
        ["example:///a.json"]
    );
    assert!(client.read("example:///link.json").await.is_err());
    assert!(client.read("schema:///link.schema.json").await.is_err());
    for (tool, arguments, path) in [
        ("get_example", serde_json::json!({ "path": "link.json" }), "/path"),
        ("get_schema", serde_json::json!({ "name": "link" }), "/name"),
    ] {
        let told = crate::support::told(&client, tool, arguments).await;
        let errors = serde_json::json!([{ "path": path, "msg": "invalid_path" }]);
        assert_eq!(told["errors"], errors, "{tool}");
    }
}

#[tokio::test]
async fn paths_are_completed_in_any_case() {
    for revision in ERAS {
        let client = client(golden_settings()).await.revision(revision);
        let templates = client.list_resource_templates().await.unwrap();
        let templates: Vec<_> = templates.iter().map(|template| template.uri_template.as_str()).collect();
        assert_eq!(templates, ["example:///{+path}", "schema:///{+path}"]);
        let complete = async |template, typed| {
            let result = client.complete_resource(template, "path", typed).await.unwrap();
            result.values().to_vec()
        };
        assert_eq!(
            complete("schema:///{+path}", "P").await,
            ["packing.schema.json", "parts/money.schema.json", "product.schema.json"]
        );
        assert_eq!(complete("example:///{+path}", "product.c").await, ["product.café.json"]);
        assert!(complete("example:///{+path}", "x").await.is_empty());
    }
}
