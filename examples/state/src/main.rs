//! A server whose functions share a value: a guest book that is kept while the process runs.

use std::sync::Mutex;

use latimer::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Default)]
struct GuestBook {
    entries: Mutex<Vec<Entry>>,
}

/// What a guest wrote.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
struct Entry {
    /// Who wrote it.
    guest: String,
    /// What they wrote.
    text: String,
}

/// All entries of the guest book.
#[derive(Serialize, schemars::JsonSchema, Structured)]
struct Entries {
    entries: Vec<Entry>,
}

impl GuestBook {
    fn entries(&self) -> Vec<Entry> {
        self.entries.lock().expect("no one panics while writing").clone()
    }
}

/// Writes an entry into the guest book.
#[tool(destructive = false)]
async fn write(book: State<GuestBook>, Args(entry): Args<Entry>) -> Result<String, ToolError> {
    if entry.text.is_empty() {
        return Err(ToolError::new("the text is empty; write something"));
    }
    let mut entries = book.entries.lock().expect("no one panics while writing");
    entries.push(entry);
    Ok(format!("entry {}", entries.len()))
}

/// Reads the guest book.
#[tool(read_only)]
async fn read(book: State<GuestBook>) -> Entries {
    Entries { entries: book.entries() }
}

/// The guest book as a page.
#[resource("guestbook://all", mime_type = "text/plain", inline)]
fn page(book: State<GuestBook>) -> String {
    book.entries().iter().map(|entry| format!("{}: {}\n", entry.guest, entry.text)).collect()
}

fn server() -> Server {
    Server::new("guest-book")
        .version(env!("CARGO_PKG_VERSION"))
        .state(GuestBook::default())
        .tool(write)
        .tool(read)
        .resource(page)
        .on_stop(|server| async move {
            let entries = server.state::<GuestBook>().map_or(0, |book| book.entries().len());
            tracing::info!(entries, "the guest book is closed");
        })
}

fn main() -> latimer::Result {
    latimer::run(server())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_tool_writes_the_other_reads() {
        let client = server().test().await.unwrap();
        let entry = json!({ "guest": "Ada", "text": "Lovely." });
        assert_eq!(client.call("write", &entry).await.unwrap().text(), "entry 1");
        let read = client.call("read", json!({})).await.unwrap();
        assert_eq!(read.structured::<serde_json::Value>().unwrap(), json!({ "entries": [entry] }));
        assert!(client.call("write", json!({ "guest": "Bo", "text": "" })).await.unwrap().is_error());
    }

    #[tokio::test]
    async fn a_function_can_be_called_without_a_server() {
        let book = State::new(GuestBook::default());
        let entry = Entry { guest: "Ada".to_owned(), text: "Hi".to_owned() };
        assert_eq!(write::call(book.clone(), Args(entry)).await.unwrap(), "entry 1");
        assert_eq!(page::call(book), "Ada: Hi\n");
    }
}
