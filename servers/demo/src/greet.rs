//! A greeting.

use latimer::prelude::*;

/// The source `greet`.
pub fn greet() -> Server {
    Server::new("greet").title("Greetings").tool(hello)
}

/// Greets somebody by name.
#[tool(name = "greet", title = "Greet", read_only, idempotent, open_world = false)]
async fn hello(
    /// Who is greeted.
    name: String,
) -> String {
    format!("Hello, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn greets_by_name() {
        let client = greet().test().await.unwrap();
        assert_eq!(client.call("greet", json!({ "name": "Zoë" })).await.unwrap().text(), "Hello, Zoë!");
        assert!(client.call("greet", json!({})).await.unwrap().is_error());
    }
}
