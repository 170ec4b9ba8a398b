//! Text comes back.

use latimer::prelude::*;

/// The source `echo`.
pub fn echo() -> Server {
    Server::new("echo").title("Echo").tool(same).tool(upper)
}

/// Returns the message as it is.
#[tool(name = "echo", title = "Echo", read_only, idempotent, open_world = false)]
async fn same(
    /// What to return.
    message: String,
) -> String {
    message
}

/// Returns the message in upper case.
#[tool(name = "echo_upper", title = "Echo in upper case", read_only, idempotent, open_world = false)]
async fn upper(
    /// What to return in upper case.
    message: String,
) -> String {
    message.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn text_comes_back_as_it_is_and_in_upper_case() {
        let client = echo().test().await.unwrap();
        for text in ["", "Straße \u{1F980} \"\\\n\u{0}", &"x".repeat(900_000)] {
            let message = json!({ "message": text });
            assert_eq!(client.call("echo", &message).await.unwrap().text(), text);
            assert_eq!(client.call("echo_upper", &message).await.unwrap().text(), text.to_uppercase());
        }
    }
}
