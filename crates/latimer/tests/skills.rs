//! Skills: the extension's methods, and the resources that are the files of skills (SK-1).

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use latimer::prelude::*;
use latimer::wire::ResourceBody;
use latimer::{Revision, Skill, Skills, TestClient, TestError};
use serde_json::Value;

const ID: &str = "io.modelcontextprotocol/skills";

fn skills() -> Skills {
    let refunds = Skill::new("refunds", "Handles refunds by the book.", "Read `policy.md` first.")
        .under("acme/billing")
        .file("policy.md", "Within 14 days.")
        .file("forms/a b.txt", "A form.")
        .file("forms/eu/logo.png", &b"\x89PNG\xff"[..])
        .file("inner/SKILL.md", "---\nname: inner\ndescription: Inside another.\n---\n");
    Skills::new().with(refunds).unwrap().with(Skill::new("alone", "Has no other files.", "")).unwrap()
}

async fn client() -> TestClient {
    Server::new("s").skills(skills()).test().await.unwrap()
}

async fn ask(client: &TestClient, method: &str, params: Value) -> Value {
    client.request(method, &params).await.unwrap()
}

async fn code(client: &TestClient, method: &str, params: Value) -> i64 {
    match client.request::<Value>(method, &params).await.unwrap_err() {
        TestError::Rpc(error) => error.code.0,
        other => panic!("{other}"),
    }
}

fn names(list: &Value) -> Vec<(&str, &str)> {
    let entries = list["resources"].as_array().unwrap().iter();
    entries.map(|it| (it["uri"].as_str().unwrap(), it["mimeType"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn ver_10_the_extension_is_announced_with_what_it_can_do() {
    let client = client().await;
    let discovered = ask(&client, "server/discover", json!({})).await;
    assert_eq!(discovered["capabilities"]["extensions"], json!({ ID: { "directoryRead": true } }));
    assert!(discovered["capabilities"]["resources"].is_object());
    // There is nothing to list, and the capability is there all the same.
    let none = Server::new("s").skills(Skills::new()).test().await.unwrap();
    assert!(ask(&none, "server/discover", json!({})).await["capabilities"]["resources"].is_object());
    assert_eq!(ask(&none, "skills/list", json!({})).await["skills"], json!([]));
}

#[tokio::test]
async fn sk_1_the_list_names_every_file_with_its_digest_and_size() {
    let client = client().await;
    let listed = ask(&client, "skills/list", json!({})).await;
    let skills = listed["skills"].as_array().unwrap();
    let uris: Vec<_> = skills.iter().map(|skill| skill["uri"].as_str().unwrap()).collect();
    assert_eq!(
        uris,
        [
            "skill://acme/billing/refunds/SKILL.md",
            "skill://acme/billing/refunds/inner/SKILL.md",
            "skill://alone/SKILL.md"
        ]
    );
    let refunds = &skills[0];
    let expected = json!({ "name": "refunds", "description": "Handles refunds by the book." });
    assert_eq!(refunds["frontmatter"], expected);
    // A skill inside another belongs to that too.
    assert_eq!(refunds["resources"].as_array().unwrap().len(), 5);
    for file in refunds["resources"].as_array().unwrap() {
        let uri = file["uri"].as_str().unwrap();
        let read = client.read(uri).await.unwrap();
        let bytes = match &read.contents[0].body {
            ResourceBody::Text(text) => text.clone().into_bytes(),
            ResourceBody::Blob(blob) => {
                assert_eq!(*blob, latimer::wire::base64(b"\x89PNG\xff"));
                b"\x89PNG\xff".to_vec()
            }
        };
        assert_eq!(file["size"], bytes.len(), "{uri}");
        assert_eq!(file["digest"].as_str().unwrap().len(), "sha256:".len() + 64);
    }
    let policy = &refunds["resources"][4];
    assert_eq!(policy["uri"], "skill://acme/billing/refunds/policy.md");
    let digest = "sha256:514e26521fc614c22339f014023d50358feedfa80c2852632c266a70f416b4b7";
    assert_eq!(policy["digest"], digest);
    assert_eq!((&listed["ttlMs"], &listed["cacheScope"]), (&json!(60_000), &json!("public")));
}

#[tokio::test]
async fn sk_1_one_skill_is_got_by_its_uri_as_the_list_has_it() {
    let client = client().await;
    let listed = ask(&client, "skills/list", json!({})).await;
    for skill in listed["skills"].as_array().unwrap() {
        let got = ask(&client, "skills/get", json!({ "uri": skill["uri"] })).await;
        assert_eq!(&got["skill"], skill);
        assert_eq!((&got["ttlMs"], got.get("nextCursor")), (&json!(60_000), None));
    }
    for params in [
        json!({ "uri": "skill://nobody/SKILL.md" }),
        json!({ "uri": "skill://acme/billing/refunds/policy.md" }),
        json!({ "uri": "skill://acme/billing/refunds" }),
        json!({ "uri": 7 }),
        json!({}),
    ] {
        assert_eq!(code(&client, "skills/get", params.clone()).await, -32602, "{params}");
    }
}

#[tokio::test]
async fn sk_1_a_folder_lists_its_children_and_nothing_below_them() {
    let client = client().await;
    let read = async |uri: &str| ask(&client, "resources/directory/read", json!({ "uri": uri })).await;
    let root = read("skill://acme/billing/refunds").await;
    let at = "skill://acme/billing/refunds";
    assert_eq!(
        names(&root),
        [
            (format!("{at}/SKILL.md").as_str(), "text/markdown"),
            (&format!("{at}/forms"), "inode/directory"),
            (&format!("{at}/inner"), "inode/directory"),
            (&format!("{at}/policy.md"), "text/markdown"),
        ]
    );
    assert_eq!(root["resources"][0]["name"], "refunds");
    assert_eq!(root["resources"][0]["description"], "Handles refunds by the book.");
    let forms = read("skill://acme/billing/refunds/forms").await;
    let inside =
        [(format!("{at}/forms/a%20b.txt"), "text/plain"), (format!("{at}/forms/eu"), "inode/directory")];
    assert_eq!(names(&forms), inside.each_ref().map(|(uri, kind)| (uri.as_str(), *kind)));
    assert_eq!(names(&read("skill://acme").await), [("skill://acme/billing", "inode/directory")]);
    for uri in [
        "skill://acme/billing/refunds/SKILL.md",
        "skill://acme/billing/refunds/",
        "skill://nobody",
        "skill://",
        "file:///etc",
    ] {
        assert_eq!(code(&client, "resources/directory/read", json!({ "uri": uri })).await, -32602, "{uri}");
    }
}

#[tokio::test]
async fn sk_1_files_are_resources_and_only_skill_files_are_listed() {
    let client = client().await;
    let listed = client.list_resources().await.unwrap();
    let shown: Vec<_> = listed.iter().map(|it| (it.uri.as_str(), it.name.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("skill://acme/billing/refunds/SKILL.md", "refunds"),
            ("skill://acme/billing/refunds/inner/SKILL.md", "inner"),
            ("skill://alone/SKILL.md", "alone"),
        ]
    );
    assert!(
        listed.iter().all(|it| it.mime_type.as_deref() == Some("text/markdown") && it.description.is_some())
    );
    assert_eq!(client.list_resource_templates().await.unwrap()[0].uri_template, "skill://{+path}");
    let read = client.read("skill://acme/billing/refunds/forms/a%20b.txt").await.unwrap();
    assert_eq!(read.contents[0].body, ResourceBody::Text("A form.".to_owned()));
    // Every file has one name: what only means the same is not it, and a folder is no file.
    for uri in [
        "skill://acme/billing/refunds/forms/a b.txt",
        "skill://acme/billing/refunds/forms/%61%20b.txt",
        "skill://acme/billing/refunds/forms/../policy.md",
        "skill://acme/billing/refunds",
        "skill://nobody/SKILL.md",
    ] {
        assert_eq!(code(&client, "resources/read", json!({ "uri": uri })).await, -32602, "{uri}");
    }
}

#[tokio::test]
async fn pag_1_long_lists_come_in_pages_of_whole_entries() {
    let mut skills = Skills::new();
    for at in 0..300 {
        skills = skills.with(Skill::new(&format!("skill-{at}"), "One of many.", "")).unwrap();
    }
    let crowded = (0..400)
        .fold(Skill::new("crowded", "Has many files.", ""), |skill, at| skill.file(format!("file-{at}"), ""));
    let client = Server::new("s").skills(skills.with(crowded).unwrap()).test().await.unwrap();
    for (method, member, uri, expected) in [
        ("skills/list", "skills", None, 301),
        ("resources/directory/read", "resources", Some("skill://crowded"), 401),
    ] {
        let mut seen = Vec::new();
        let mut params = uri.map_or(json!({}), |uri| json!({ "uri": uri }));
        let mut pages = 0;
        loop {
            let page = ask(&client, method, params.clone()).await;
            seen.extend(
                page[member].as_array().unwrap().iter().map(|it| it["uri"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            match page.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => break,
            }
        }
        assert!(pages > 1, "{method}");
        assert_eq!(seen.len(), expected, "{method}");
        assert!(seen.is_sorted() && seen.windows(2).all(|pair| pair[0] != pair[1]), "{method}");
        params["cursor"] = json!("bm9uZQ");
        assert_eq!(code(&client, method, params).await, -32602);
    }
}

#[tokio::test]
async fn base_5_older_revisions_have_the_files_and_not_the_methods() {
    let client = client().await;
    let newest = client.revision(Revision::V2025_11_25);
    let listed = ask(&newest, "skills/list", json!({})).await;
    assert_eq!((listed["skills"].as_array().unwrap().len(), listed.get("ttlMs")), (3, None));
    for revision in [Revision::V2024_11_05, Revision::V2025_03_26, Revision::V2025_06_18] {
        let client = client.revision(revision);
        assert_eq!(code(&client, "skills/list", json!({})).await, -32601, "{revision}");
        assert!(client.read("skill://alone/SKILL.md").await.is_ok());
    }
}

#[tokio::test]
async fn two_sets_of_skills_are_one_and_contradictions_stop_the_server() {
    let one = |name: &str| Skills::new().with(Skill::new(name, "Does something.", "")).unwrap();
    let client = Server::new("s").skills(one("a")).skills(one("b")).test().await.unwrap();
    assert_eq!(ask(&client, "skills/list", json!({})).await["skills"].as_array().unwrap().len(), 2);
    let twice = Server::new("s").skills(one("a")).skills(one("a")).build().await.unwrap_err().to_string();
    assert!(twice.contains("a/SKILL.md is there twice"), "{twice}");
    let source = Server::new("inner").skills(one("a")).into_source().unwrap();
    let client = Server::new("outer").source(source).test().await.unwrap();
    assert_eq!(ask(&client, "skills/list", json!({})).await["skills"].as_array().unwrap().len(), 1);
}
