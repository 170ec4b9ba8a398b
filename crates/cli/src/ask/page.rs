//! A page that the server wants opened (EL-5, EL-6).

use latimer_protocol::wire::{ElicitAction, ElicitResult, ElicitUrl};

use super::console::Console;
use super::quoted;

/// Shows where the page leads and asks whether it may be opened. Nothing is fetched or opened before the user says so.
pub(super) async fn ask(
    console: &mut impl Console,
    server: &str,
    page: &ElicitUrl,
    open: impl Fn(&str) -> bool,
) -> ElicitResult {
    let ended = |action| ElicitResult { action, content: None };
    console.show(&format!("{server} wants you to open a page: {}", quoted(&page.message)));
    console.show(&format!("  URL:  {}", quoted(&page.url)));
    let Some((is_https, host)) = parts(&page.url) else {
        console.show("  This is no web address; declined.");
        return ended(ElicitAction::Decline);
    };
    console.show(&format!("  Host: {host}"));
    if host.split('.').any(|label| label.starts_with("xn--")) || !host.is_ascii() {
        console.show("  Careful: the name of this host is written with letters that may imitate another's.");
    }
    if page.url.split(['/', '?', '#']).nth(2).is_some_and(|authority| authority.contains('@')) {
        console.show("  Careful: what stands before the @ is not the host.");
    }
    if !is_https {
        console.show("  Careful: the connection to it is not encrypted.");
    }
    loop {
        let question = "Open it? [y]es, [o]pen it myself, [d]ecline, [c]ancel: ";
        let Some(text) = console.line(question).await else { return ended(ElicitAction::Cancel) };
        match text.to_lowercase().as_str() {
            "y" | "yes" => {
                if !open(&page.url) {
                    console.show("No browser could be started; open the URL yourself.");
                }
                break;
            }
            "o" | "open" => break,
            "d" | "decline" | "n" | "no" => return ended(ElicitAction::Decline),
            "c" | "cancel" => return ended(ElicitAction::Cancel),
            _ => {}
        }
    }
    // Some servers want the page to be done with before they go on, and do not say when it is.
    match console.line("Press Enter when you are done there: ").await {
        Some(_) => ended(ElicitAction::Accept),
        None => ended(ElicitAction::Cancel),
    }
}

/// Whether a web address is an encrypted one, and its host.
fn parts(url: &str) -> Option<(bool, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let bad = host.is_empty() || url.contains(|c: char| c.is_whitespace() || c.is_control());
    (!bad).then(|| (is_https, host.to_lowercase()))
}

/// Hands the URL to the system's browser, through no shell (AC-18).
pub(super) fn open(url: &str) -> bool {
    use std::process::{Command, Stdio};
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new("xdg-open")
    };
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(mut child) => {
            // Nobody waits for it; it only must not be left behind as a zombie.
            std::thread::spawn(move || child.wait());
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::console::script::Script;
    use super::*;

    async fn played(url: &str, lines: &[&str]) -> (ElicitAction, bool, String) {
        let page =
            ElicitUrl { message: "Log in".to_owned(), url: url.to_owned(), elicitation_id: String::new() };
        let opened = Cell::new(false);
        let mut script = Script::new(lines);
        let open = |asked: &str| {
            assert_eq!(asked, url);
            opened.set(true);
            true
        };
        let result = ask(&mut script, "bistro", &page, open).await;
        assert!(script.is_done(), "{}", script.said);
        (result.action, opened.get(), script.said)
    }

    #[tokio::test]
    async fn el_6_a_page_is_opened_only_after_the_user_said_so() {
        let url = "https://Example.com/login?x=1";
        for (lines, action, opened) in [
            (&["", "y", ""][..], ElicitAction::Accept, true),
            (&["o", ""], ElicitAction::Accept, false),
            (&["d"], ElicitAction::Decline, false),
            (&["c"], ElicitAction::Cancel, false),
            (&[], ElicitAction::Cancel, false),
            (&["y"], ElicitAction::Cancel, true),
        ] {
            let (got, was_opened, said) = played(url, lines).await;
            assert_eq!((got, was_opened), (action, opened), "{lines:?}");
            assert!(
                said.contains(&format!("URL:  {url}\n")) && said.contains("Host: example.com\n"),
                "{said}"
            );
            assert!(!said.contains("Careful"), "{said}");
        }
    }

    #[tokio::test]
    async fn el_6_what_may_deceive_is_told_and_what_is_no_web_address_declined() {
        for url in [
            "https://xn--pple-43d.com/",
            "https://аpple.com/",
            "http://example.com",
            "https://bank.com@evil.com/",
        ] {
            let (_, _, said) = played(url, &["c"]).await;
            assert!(said.contains("Careful"), "{said}");
        }
        for url in ["javascript:alert(1)", "file:///etc/passwd", "https://", "https://a b/"] {
            let (action, opened, _) = played(url, &[]).await;
            assert_eq!((action, opened), (ElicitAction::Decline, false), "{url}");
        }
    }
}
