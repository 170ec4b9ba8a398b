//! Resources and their completion.

use latimer::wire::ResourceBody;

use crate::support::each_era;

#[tokio::test]
async fn odd_resources_are_text_and_even_ones_bytes() {
    for client in each_era().await {
        let odd = client.read("test://static/resource/7").await.unwrap().contents;
        assert_eq!(odd[0].body, ResourceBody::Text("Resource 7: This is a plaintext resource".to_owned()));
        assert_eq!(odd[0].mime_type.as_deref(), Some("text/plain"));
        let even = client.read("test://static/resource/8").await.unwrap().contents;
        assert!(matches!(even[0].body, ResourceBody::Blob(_)));
        assert_eq!(even[0].mime_type.as_deref(), Some("application/octet-stream"));
    }
}

/// The original answered -32603.
#[tokio::test]
async fn rsc_3_what_is_not_there_is_not_found() {
    for client in each_era().await {
        for uri in [
            "test://static/resource/0",
            "test://static/resource/101",
            "test://static/resource/01",
            "test://static/resource/x",
            "demo://resource/dynamic/text/0",
            "demo://resource/dynamic/text/-1",
            "demo://resource/session/nothing",
            "demo://resource/session/0123/nothing",
            "demo://resource/updates/0123",
            "demo://resource/static/document/none.md",
        ] {
            let error = client.read(uri).await.unwrap_err().to_string();
            assert!(
                error.to_lowercase().contains("not found") || error.contains("no such"),
                "{uri}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn dynamic_resources_are_made_when_they_are_read() {
    for client in each_era().await {
        let text = client.read("demo://resource/dynamic/text/42").await.unwrap().contents;
        let ResourceBody::Text(text) = &text[0].body else { panic!("no text") };
        assert!(text.starts_with("Resource 42: plain text, made at 2"), "{text}");
        let blob = client.read("demo://resource/dynamic/blob/42").await.unwrap().contents;
        assert!(matches!(blob[0].body, ResourceBody::Blob(_)));
    }
}

#[tokio::test]
async fn all_documents_can_be_read() {
    for client in each_era().await {
        let resources = client.list_resources().await.unwrap();
        let documents: Vec<_> =
            resources.iter().filter(|it| it.uri.starts_with("demo://resource/static/document/")).collect();
        assert_eq!(documents.len(), 7);
        for document in documents {
            let contents = client.read(&document.uri).await.unwrap().contents;
            let ResourceBody::Text(text) = &contents[0].body else { panic!("no text") };
            assert_eq!(document.size, Some(text.len() as u64));
            assert_eq!(contents[0].mime_type.as_deref(), Some("text/markdown"));
        }
    }
}

#[tokio::test]
async fn cmp_1_numbers_of_resources_are_completed() {
    for client in each_era().await {
        for template in
            ["demo://resource/dynamic/text/{resourceId}", "demo://resource/dynamic/blob/{resourceId}"]
        {
            for (typed, expected) in
                [("12", vec!["12"]), ("0", vec![]), ("x", vec![]), ("-1", vec![]), ("", vec![])]
            {
                let completed = client.complete_resource(template, "resourceId", typed).await.unwrap();
                assert_eq!(completed.values(), expected, "{typed}");
            }
        }
        let completed = client.complete_resource("test://static/resource/{id}", "id", "10").await.unwrap();
        assert_eq!(completed.values(), ["10", "100"]);
        assert!(client.complete_resource("test://no/{such}", "such", "").await.is_err());
    }
}
