//! Servers that answer what the program's own server would not.
#![cfg(unix)]

use crate::support::{Ran, run_in};

/// Answers `initialize`, and every other request with `$1` as its result.
const SERVER: &str = r#"
while read -r line; do
  case "$line" in *'"id":'*) ;; *) continue ;; esac
  id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
  case "$line" in
    *'"method":"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
    *'"method":"tools/list"'*) result='{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}' ;;
    *) result=$1 ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

fn asked(args: &[&str], result: &str) -> (Ran, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = ["--era", "legacy", "--", "sh", "-c", SERVER, "sh", result];
    let ran = run_in(folder.path(), &[args, &program].concat(), "");
    (ran, folder)
}

#[test]
fn bytes_go_to_a_pipe_or_a_file_as_they_are() {
    let result = r#"{"contents":[{"uri":"x://y","mimeType":"image/png","blob":"iVBORw=="}]}"#;
    let (ran, _) = asked(&["read", "x://y"], result);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.ends_with("PNG"), "{ran:?}");
    let (ran, folder) = asked(&["read", "x://y", "--output", "y.png"], result);
    assert_eq!(ran.ok(), "");
    assert_eq!(std::fs::read(folder.path().join("y.png")).unwrap(), b"\x89PNG");
    let (ran, _) = asked(&["read", "x://y"], &result.replace("iVBORw==", "?"));
    assert!(ran.code == Some(1) && ran.stderr.contains("base64"), "{ran:?}");
}

#[test]
fn several_contents_do_not_become_one_file() {
    let result = r#"{"contents":[{"uri":"x://a","text":"a"},{"uri":"x://b","text":"b"}]}"#;
    assert_eq!(asked(&["read", "x://y"], result).0.ok(), "a\nb\n");
    let (ran, folder) = asked(&["read", "x://y", "-o", "y"], result);
    assert!(ran.code == Some(1) && ran.stderr.contains("2 parts"), "{ran:?}");
    assert!(!folder.path().join("y").exists());
}

#[test]
fn content_that_is_no_text_is_named() {
    let result = r#"{"content":[{"type":"text","text":"one"},{"type":"image","data":"iVBORw==","mimeType":"image/png"},
        {"type":"resource_link","uri":"x://y","name":"why"},{"type":"hologram","z":1.50}]}"#
        .replace('\n', "");
    let (ran, _) = asked(&["call", "t"], &result);
    assert_eq!(
        ran.ok(),
        "one\n[image image/png, 4 bytes]\n[resource why at x://y]\n{\"type\":\"hologram\",\"z\":1.50}\n"
    );
    let (ran, _) = asked(&["call", "t"], r#"{"structuredContent":{"n":1.50}}"#);
    assert_eq!(ran.ok(), "{\"n\":1.50}\n");
}

#[test]
fn json_is_what_the_server_wrote() {
    let result = r#"{"content":[],"big":18446744073709551616,"z":1e2,"a":{"x":[ ]}}"#;
    assert_eq!(asked(&["call", "t", "--json"], result).0.ok(), format!("{result}\n"));
}

#[test]
fn an_error_of_a_tool_cannot_steer_the_terminal() {
    let result = r#"{"isError":true,"content":[{"type":"text","text":"bad \u001b[31mred"}]}"#;
    let (ran, _) = asked(&["call", "t"], result);
    assert_eq!(ran.code, Some(3));
    assert_eq!(ran.stderr, "the tool reports an error: bad \\u{1b}[31mred\n");
}

#[test]
fn a_result_of_another_shape_is_a_failure() {
    for (args, result) in [
        (&["call", "t"][..], "5"),
        (&["read", "x://y"], r#"{"contents":5}"#),
        (&["prompt", "p"], r#"{"messages":[{"role":"nobody"}]}"#),
        (&["complete", "--prompt", "p", "a", "b"], "{}"),
    ] {
        let (ran, _) = asked(args, result);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    }
}
