//! Handing documents to the backend.

use std::fmt::Write as _;

use http::HeaderValue;
use latimer_protocol::tape::Kind;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::assets::Assets;
use crate::document::{canonical, compact, digest};
use crate::reply::{Failure, Reply};
use crate::validation::named;

/// The longest key that a caller may give.
const LONGEST_KEY: usize = 255;

/// A document that may be posted.
#[derive(Debug)]
pub(crate) struct Post {
    document: String,
    key: HeaderValue,
}

#[derive(Serialize)]
struct Populated<'a> {
    ok: bool,
    asset_id: Option<&'a str>,
    backend_url: &'a str,
}

impl Assets {
    /// The first half of the tool `populate_backend`, which blocks: whether the document may be posted.
    pub(crate) fn post(&self, arguments: Arguments<'_>) -> Result<Post, Failure> {
        let Some(backend) = &self.backend else {
            return Err(Failure::Unsupported { detail: "backend disabled", limit: None });
        };
        let asset = arguments.get("asset").ok_or_else(|| Failure::at("", "asset must be an object"))?;
        let validates = arguments.switch("validate_first")?.unwrap_or(true);
        let key = arguments.text("idempotency_key")?;
        let document = compact(asset);
        let key = match key {
            Some(key) => given_key(&key)?,
            None => derived_key(&canonical(asset))?,
        };
        if validates {
            let schemas = self.schemas()?;
            self.verdict(&schemas, asset, named(arguments).as_deref()).outcome?;
        } else if !backend.allow_unvalidated {
            let msg = "documents that were not validated are not posted; leave validate_first out, or have the operator set \
                       backend.allow_unvalidated";
            return Err(Failure::at("/validate_first", msg));
        } else if document.len() > self.settings.max_file_bytes {
            return Err(Failure::at("", "payload_too_large"));
        } else if asset.kind() != Kind::Object {
            return Err(Failure::at("", "asset must be an object"));
        }
        Ok(Post { document, key })
    }

    /// The second half: posts it.
    pub(crate) async fn populate(&self, post: Post) -> Result<Reply, Failure> {
        let Some(backend) = &self.backend else {
            return Err(Failure::Unsupported { detail: "backend disabled", limit: None });
        };
        let taken = backend.post(post.document, &post.key).await?;
        Reply::of(&Populated { ok: true, asset_id: taken.id.as_deref(), backend_url: &backend.url })
    }
}

fn given_key(text: &str) -> Result<HeaderValue, Failure> {
    let fits = (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let key = HeaderValue::from_str(text).ok().filter(|_| fits);
    let msg = "idempotency_key must be 1 to 255 visible ASCII characters";
    key.ok_or_else(|| Failure::at("/idempotency_key", msg))
}

/// The same for every spelling of a document.
fn derived_key(canonical: &str) -> Result<HeaderValue, Failure> {
    let mut text = String::from("sha256-");
    for byte in digest(canonical.as_bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::from_str(&text).map_err(|error| Failure::Internal(error.to_string()))
}
