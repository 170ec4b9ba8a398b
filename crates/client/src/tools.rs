//! What is known of a modern server's tools, so that their arguments can be repeated as headers (XH-1 to XH-6).

use std::collections::HashMap;
use std::sync::Arc;

use latimer_protocol::codec::param_header::{AnnotationError, ParamHeader};
use latimer_protocol::rewrite::member;
use latimer_protocol::wire::Tool;
use parking_lot::Mutex;

use crate::entry::Entry;
use crate::error::{ClientError, Fault};

/// The annotations of every tool that was listed, by name.
#[derive(Default)]
pub(crate) struct KnownTools {
    tools: Mutex<Option<Arc<Annotations>>>,
    /// Held while the first list is fetched, so that it is fetched once.
    pub(crate) listing: tokio::sync::Mutex<()>,
}

type Annotations = HashMap<String, Result<Vec<ParamHeader>, AnnotationError>>;

impl KnownTools {
    /// Learns the tools of a complete list, and drops those that must not be used over HTTP (XH-3).
    pub(crate) fn learn(&self, listed: &mut Vec<Entry<Tool>>) {
        let mut annotations = Annotations::new();
        listed.retain(|tool| {
            let schema = member(tool.raw().as_str(), "inputSchema").ok().flatten().unwrap_or("{}");
            let found = ParamHeader::extract(schema);
            let valid = found.is_ok();
            if let Err(error) = &found {
                tracing::warn!(tool = tool.key(), %error, "left out a tool with an invalid annotation");
            }
            annotations.insert(tool.key().to_owned(), found);
            valid
        });
        *self.tools.lock() = Some(Arc::new(annotations));
    }

    /// A server without a list of tools has none whose arguments have to be repeated.
    pub(crate) fn learn_nothing(&self) {
        *self.tools.lock() = Some(Arc::default());
    }

    pub(crate) fn are_listed(&self) -> bool {
        self.tools.lock().is_some()
    }

    /// The annotations of a tool; none for a tool that was not in the list.
    pub(crate) fn annotations(&self, tool: &str) -> Result<Vec<ParamHeader>, ClientError> {
        let known = self.tools.lock().clone();
        match known.as_ref().and_then(|known| known.get(tool)) {
            None => Ok(Vec::new()),
            Some(Ok(headers)) => Ok(headers.clone()),
            Some(Err(source)) => {
                Err(Fault::ToolAnnotation { tool: tool.to_owned(), source: source.clone() }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::RawJson;

    #[test]
    fn xh_3_a_tool_with_an_invalid_annotation_is_dropped_and_cannot_be_called() {
        let tool = |name: &str, header: &str| {
            let raw = format!(
                r#"{{"name":"{name}","inputSchema":{{"properties":{{"a":{{"type":"string","x-mcp-header":"{header}"}}}}}}}}"#
            );
            Entry::read(RawJson::parse(raw).unwrap(), "name").unwrap()
        };
        let mut listed = vec![tool("good", "A"), tool("bad", "a b")];
        let known = KnownTools::default();
        assert!(!known.are_listed());
        known.learn(&mut listed);
        assert_eq!(listed.iter().map(Entry::key).collect::<Vec<_>>(), ["good"]);
        assert_eq!(known.annotations("good").unwrap().len(), 1);
        assert_eq!(known.annotations("unheard-of").unwrap().len(), 0);
        assert!(known.annotations("bad").unwrap_err().to_string().starts_with("call the tool bad: "));
    }
}
